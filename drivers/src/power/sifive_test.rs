//! The test finisher of SiFive's test chips, which QEMU emulates: a register that ends the machine
//! with an exit status.
//!
//! Its `compatible` string is `sifive,test1`; QEMU, include/hw/misc/sifive_test.h.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Power;

/// The register, of 32 bits: the operation in the lower half, a status in the upper half.
const FINISHER: usize = 0;
/// Ends the machine with status 0.
const PASS: u32 = 0x5555;
/// Ends the machine with the status in the upper half.
const FAIL: u32 = 0x3333;
/// Resets the machine.
const RESET: u32 = 0x7777;

/// The location of the finisher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The register of the finisher.
    pub registers: Range,
}

/// The driver for a test finisher.
pub struct SifiveTest<R> {
    registers: R,
}

impl<R: Registers> SifiveTest<R> {
    /// Creates the driver for this register.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl Driver for SifiveTest<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the finisher is present and not shared.
        Self::with_registers(unsafe { Mmio::new(config.registers) })
    }
}

impl<R: Registers> Power for SifiveTest<R> {
    fn off(&mut self, status: u8) {
        let end = match status {
            0 => PASS,
            status => u32::from(status) << 16 | FAIL,
        };
        self.registers.write32(FINISHER, end);
    }

    fn reset(&mut self) {
        self.registers.write32(FINISHER, RESET);
    }
}
