//! The test finisher of SiFive's test chips, which emulators have: one register that ends the
//! machine with an exit status.
//!
//! The device tree calls it `sifive,test1`; QEMU, include/hw/misc/sifive_test.h.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Power;

/// The one register, of 32 bits: what to do, and a status above it.
const FINISHER: usize = 0;
/// The machine ends with status 0.
const PASS: u32 = 0x5555;
/// The machine ends with the status in the upper half.
const FAIL: u32 = 0x3333;
/// The machine starts anew.
const RESET: u32 = 0x7777;

/// Where the finisher is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its register.
    pub registers: Range,
}

/// A test finisher.
pub struct SifiveTest<R> {
    registers: R,
}

impl<R: Registers> SifiveTest<R> {
    /// The finisher behind this register.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl Driver for SifiveTest<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that the finisher is there and nobody else's.
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
