//! The local APIC's own timer as a reference, with the frequency from the board file: for machines
//! without a counter of known rate.

use crate::address::Range;
use crate::board::Driver;
use crate::local_apic::{LocalApic, MASKED, ModelSpecific, register};
use crate::mmio::{Mmio, Registers};

use super::Reference;
use crate::timer::apic_timer::{DIVIDE_BY_16, DIVISOR};

/// The location of the local APIC, and the frequency of its timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the local APIC; unused with an x2APIC.
    pub registers: Range,
    /// The frequency in Hz, before division.
    pub frequency: u64,
}

/// A local APIC's timer as a counter.
pub struct Stated<R, P> {
    apic: LocalApic<R, P>,
    frequency: u64,
}

impl<R: Registers, P: ModelSpecific> Stated<R, P> {
    /// Creates the driver for `processor`, and starts the counter.
    pub fn with_registers(registers: R, processor: P, frequency: u64) -> Self {
        let mut apic = LocalApic::new(registers, processor);
        apic.write(register::LVT_TIMER, MASKED);
        apic.write(register::DIVIDE, DIVIDE_BY_16);
        apic.write(register::INITIAL_COUNT, u32::MAX);
        Self { apic, frequency }
    }
}

impl<P: ModelSpecific> Driver for Stated<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the local APIC is present, and that its timer is not
        // in use.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::with_registers(registers, P::default(), config.frequency)
    }
}

impl<R: Registers, P: ModelSpecific> Reference for Stated<R, P> {
    fn frequency(&self) -> u64 {
        self.frequency / DIVISOR
    }

    fn mask(&self) -> u32 {
        u32::MAX
    }

    fn count(&mut self) -> u32 {
        // it counts down
        !self.apic.read(register::CURRENT_COUNT)
    }

    fn stop(&mut self) {
        self.apic.write(register::INITIAL_COUNT, 0);
    }
}
