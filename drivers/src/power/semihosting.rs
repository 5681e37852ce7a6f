//! Semihosting: calls to a debugger or emulator by a trap.
//!
//! Arm, "Semihosting for AArch32 and AArch64", 2.0; RISC-V uses the same calls.

use core::marker::PhantomData;

use crate::board::Driver;

use super::Power;

/// `SYS_EXIT_EXTENDED`: the only exit call that takes a status on 32-bit processors too.
const SYS_EXIT_EXTENDED: usize = 0x20;
/// `ADP_Stopped_ApplicationExit`: the program ended normally.
const APPLICATION_EXIT: usize = 0x20026;

/// The instruction that calls the host.
pub trait Trap: Default {
    /// Calls `operation` with `block`, and returns the host's answer, or -1 if there is no host.
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize;
}

/// A machine whose debugger or emulator answers semihosting calls. It passes the exit status on,
/// and does not support reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {}

/// A machine with a semihosting host. It passes the status on, and does not support reset.
pub struct Semihosting<P> {
    processor: PhantomData<P>,
}

impl<P: Trap> Driver for Semihosting<P> {
    type Config = Config;

    unsafe fn new(_config: &Config) -> Self {
        Self {
            processor: PhantomData,
        }
    }
}

impl<P: Trap> Power for Semihosting<P> {
    fn off(&mut self, status: u8) {
        let block = [APPLICATION_EXIT, usize::from(status)];
        P::default().call(SYS_EXIT_EXTENDED, &block);
    }

    fn reset(&mut self) {}
}
