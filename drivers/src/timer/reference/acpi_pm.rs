//! The power management timer of ACPI (ACPI 6.5, section 4.8.3.3), with at least 24 bits.

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Reference;

/// The frequency in Hz: the NTSC subcarrier.
const FREQUENCY: u64 = 3_579_545;

/// The location of the timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The four I/O ports of the timer's count.
    pub ports: PortRange,
}

/// The driver for a power management timer.
pub struct AcpiPm<R> {
    registers: R,
}

impl<R: Registers> AcpiPm<R> {
    /// Creates the driver for these registers.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl<P: PortIo> Driver for AcpiPm<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer is present and not shared.
        Self::with_registers(unsafe { Ports::new(config.ports) })
    }
}

impl<R: Registers> Reference for AcpiPm<R> {
    fn frequency(&self) -> u64 {
        FREQUENCY
    }

    fn mask(&self) -> u32 {
        0xff_ffff
    }

    fn count(&mut self) -> u32 {
        self.registers.read32(0)
    }
}
