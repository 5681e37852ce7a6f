//! QEMU's `isa-debug-exit`: a port that ends the emulator with a non-zero exit status.
//!
//! QEMU, hw/misc/debugexit.c: after a write of `v` the emulator exits with `2 v + 1`.

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Power;

/// The largest value that fits into an exit status.
const GREATEST: u8 = 127;

/// What to do on success, for which this device has no exit status of its own: 1 also means that
/// the emulator failed to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Success {
    /// The driver returns, so that the board's next way to power off is used.
    IsLeft,
    /// The driver writes 0, because the board has no other way to power off.
    IsWritten,
}

/// The location of the debug-exit device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The I/O port of the device.
    pub port: u16,
    /// The action for a successful exit.
    pub success: Success,
}

/// The driver for a debug-exit device. It passes a failing status on, and does not support reset.
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
            // SAFETY: the caller guarantees that the device is present.
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
