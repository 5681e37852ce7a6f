//! Semihosting: a debugger or emulator that answers a trap.
//!
//! Arm, "Semihosting for AArch32 and AArch64", 2.0; RISC-V uses the same calls.

use core::marker::PhantomData;

use crate::board::Driver;

use super::Power;

/// `SYS_EXIT_EXTENDED`: the one call to exit that takes a status on 32-bit processors too.
const SYS_EXIT_EXTENDED: usize = 0x20;
/// `ADP_Stopped_ApplicationExit`: the program ended by itself.
const APPLICATION_EXIT: usize = 0x20026;

/// The instruction that reaches the host.
pub trait Trap: Default {
    /// Calls `operation` with `block`, and returns what the host answered, or -1 where no host is
    /// there to answer.
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize;
}

/// Nothing needs to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {}

/// A machine that a semihosting host runs. It passes the status on; it cannot restart.
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
