//! The main counter of the HPET.
//!
//! IA-PC HPET Specification 1.0a, section 2.3.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Reference;

/// The upper half of `GCAP_ID`: the period in femtoseconds.
const PERIOD: usize = 0x004;
/// `GEN_CONF`: the general configuration register.
const CONFIGURATION: usize = 0x010;
/// The lower half of the main counter.
const COUNTER: usize = 0x0f0;

/// `GEN_CONF`: enables the main counter.
const ENABLE: u32 = 1;
/// Femtoseconds in a second.
const SECOND: u64 = 1_000_000_000_000_000;

/// The location of an HPET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the HPET.
    pub registers: Range,
}

/// The driver for the main counter of an HPET.
pub struct Hpet<R> {
    registers: R,
    period: u32,
}

impl<R: Registers> Hpet<R> {
    /// Creates the driver for these registers, and starts the counter.
    pub fn with_registers(registers: R) -> Self {
        let configuration = registers.read32(CONFIGURATION);
        registers.write32(CONFIGURATION, configuration | ENABLE);
        let period = registers.read32(PERIOD);
        Self { registers, period }
    }
}

impl Driver for Hpet<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the HPET is present and not shared.
        Self::with_registers(unsafe { Mmio::new(config.registers) })
    }
}

impl<R: Registers> Reference for Hpet<R> {
    fn frequency(&self) -> u64 {
        SECOND / u64::from(self.period.max(1))
    }

    fn mask(&self) -> u32 {
        u32::MAX
    }

    fn count(&mut self) -> u32 {
        self.registers.read32(COUNTER)
    }

    fn stop(&mut self) {
        let configuration = self.registers.read32(CONFIGURATION);
        self.registers
            .write32(CONFIGURATION, configuration & !ENABLE);
    }
}
