//! The power management timer of ACPI (ACPI 6.5, section 4.8.3.3): 24 bits at least.

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Reference;

/// The subcarrier of NTSC.
const FREQUENCY: u64 = 3_579_545;

/// Where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The four ports of its count.
    pub ports: PortRange,
}

/// A power management timer.
pub struct AcpiPm<R> {
    registers: R,
}

impl<R: Registers> AcpiPm<R> {
    /// The one behind these registers.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl<P: PortIo> Driver for AcpiPm<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that it is there and nobody else's.
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
