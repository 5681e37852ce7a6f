//! QEMU's `isa-debug-exit`: a port that ends the emulator with a status of its own making.
//!
//! QEMU, hw/misc/debugexit.c: after a write of `v` the emulator exits with `2 v + 1`.

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Power;

/// The greatest value that an exit status has room for.
const GREATEST: u8 = 127;

/// What is done where the machine stops with success, which this device cannot tell from an emulator
/// that failed to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Success {
    /// Nothing: another means of the board does it.
    IsLeft,
    /// 0 is written: there is no other means.
    IsWritten,
}

/// Where the device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its port.
    pub port: u16,
    /// What it does for success.
    pub success: Success,
}

/// The device. It passes a failing status on; it cannot restart.
pub struct IsaDebugExit<R> {
    registers: R,
    success: Success,
}

impl<P: PortIo> Driver for IsaDebugExit<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        let range = PortRange {
            base: config.port,
            size: 4,
        };
        Self {
            // SAFETY: the caller promises that the device is there.
            registers: unsafe { Ports::new(range) },
            success: config.success,
        }
    }
}

impl<R: Registers> Power for IsaDebugExit<R> {
    fn off(&mut self, status: u8) {
        if status != 0 || self.success == Success::IsWritten {
            self.registers.write32(0, status.min(GREATEST).into());
        }
    }

    fn reset(&mut self) {}
}
