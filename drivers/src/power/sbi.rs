//! System reset through the firmware of a RISC-V machine.
//!
//! RISC-V Supervisor Binary Interface 2.0, chapter 10.

use core::marker::PhantomData;

use crate::board::Driver;
use crate::riscv::Firmware;

use super::Power;

/// The system reset extension, "SRST".
const EXTENSION_SYSTEM_RESET: usize = 0x5352_5354;
/// The function `sbi_system_reset`.
const SYSTEM_RESET: usize = 0;
/// Reset type: shutdown.
const SHUTDOWN: usize = 0;
/// Reset type: cold reboot.
const COLD_REBOOT: usize = 1;
/// Reset reason: none.
const NO_REASON: usize = 0;
/// Reset reason: system failure.
const SYSTEM_FAILURE: usize = 1;

/// `sbi_shutdown` of firmware without that extension (chapter 5.9).
const EXTENSION_LEGACY_SHUTDOWN: usize = 8;

/// The configuration, which is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {}

/// A machine with SBI firmware. Of an exit status, it passes on only whether it is a failure.
pub struct Sbi<P> {
    processor: PhantomData<P>,
}

impl<P: Firmware> Driver for Sbi<P> {
    type Config = Config;

    unsafe fn new(_config: &Config) -> Self {
        Self {
            processor: PhantomData,
        }
    }
}

impl<P: Firmware> Power for Sbi<P> {
    fn off(&mut self, status: u8) {
        let reason = if status == 0 {
            NO_REASON
        } else {
            SYSTEM_FAILURE
        };
        let mut firmware = P::default();
        firmware.call(EXTENSION_SYSTEM_RESET, SYSTEM_RESET, [SHUTDOWN, reason]);
        firmware.call(EXTENSION_LEGACY_SHUTDOWN, 0, [0, 0]);
    }

    fn reset(&mut self) {
        let arguments = [COLD_REBOOT, NO_REASON];
        P::default().call(EXTENSION_SYSTEM_RESET, SYSTEM_RESET, arguments);
    }
}
