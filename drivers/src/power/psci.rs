//! Arm's Power State Coordination Interface (PSCI): calls to firmware.
//!
//! Arm DEN0022D.

use core::marker::PhantomData;

use crate::board::Driver;

use super::Power;

/// `SYSTEM_OFF` (section 5.9).
const SYSTEM_OFF: u32 = 0x8400_0008;
/// `SYSTEM_RESET` (section 5.11).
const SYSTEM_RESET: u32 = 0x8400_0009;

/// The instructions that call firmware (Arm DEN0028, SMC Calling Convention).
pub trait Conduit: Default {
    /// Calls the 32-bit `function`, which takes no arguments, and returns its result.
    fn call(&mut self, method: Method, function: u32) -> i32;
}

/// The instruction that calls firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `hvc`, handled by a hypervisor.
    Hvc,
    /// `smc`, handled by the secure monitor.
    Smc,
}

/// The configuration: how to call firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The instruction that calls firmware.
    pub method: Method,
}

/// A machine with PSCI firmware. It cannot pass an exit status on.
pub struct Psci<P> {
    method: Method,
    processor: PhantomData<P>,
}

impl<P: Conduit> Driver for Psci<P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        Self {
            method: config.method,
            processor: PhantomData,
        }
    }
}

impl<P: Conduit> Power for Psci<P> {
    fn off(&mut self, _status: u8) {
        P::default().call(self.method, SYSTEM_OFF);
    }

    fn reset(&mut self) {
        P::default().call(self.method, SYSTEM_RESET);
    }
}
