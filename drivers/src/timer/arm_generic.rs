//! The generic timer of Arm processors.
//!
//! Registers: Arm DDI 0487, chapters D12 (AArch64) and G6 (AArch32). Each processor has a counter
//! that never stops and a comparator in its system registers; no device is accessed.

use crate::board::Driver;

use super::Timer;
use super::rate::Rate;

/// The instructions that access a processor's generic timer.
pub trait SystemRegisters: Default {
    /// Reads `CNTFRQ`: the frequency in Hz that firmware has set.
    fn frequency(&self) -> u64;
    /// Reads `CNTVCT` or `CNTPCT`, in program order.
    fn count(&self, counter: Counter) -> u64;
    /// Writes `CNTV_CVAL` or `CNTP_CVAL`: the interrupt is raised once the counter reaches this
    /// value.
    fn set_compare_value(&mut self, counter: Counter, count: u64);
    /// Writes `CNTV_CTL` or `CNTP_CTL`: bit 0 enables the comparator, bit 1 masks its interrupt.
    fn set_control(&mut self, counter: Counter, control: u32);
}

/// Selects one of a processor's generic timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// `CNTVCT` and `CNTV`: available at every exception level.
    Virtual,
    /// `CNTPCT` and `CNTP`: available at EL1 only if EL2 allows access.
    Physical,
}

/// The timer to use, and its frequency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The counter and comparator to use.
    pub counter: Counter,
    /// The frequency in Hz, if firmware does not set `CNTFRQ`.
    pub frequency: Option<u64>,
}

/// A count that is never reached. The comparator stays enabled, so that clearing a deadline takes
/// one write.
const NEVER: u64 = u64::MAX;

/// One of a processor's generic timers.
pub struct ArmGeneric<P> {
    processor: P,
    counter: Counter,
    rate: Rate,
    /// The current value of the comparator.
    compare_value: u64,
}

impl<P: SystemRegisters> ArmGeneric<P> {
    /// Creates the driver for `processor`, without a deadline.
    pub fn with_processor(mut processor: P, config: &Config) -> Self {
        let frequency = config.frequency.unwrap_or_else(|| processor.frequency());
        processor.set_compare_value(config.counter, NEVER);
        processor.set_control(config.counter, 1);
        Self {
            processor,
            counter: config.counter,
            rate: Rate::new(frequency),
            compare_value: NEVER,
        }
    }
}

impl<P: SystemRegisters> Driver for ArmGeneric<P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        Self::with_processor(P::default(), config)
    }
}

impl<P: SystemRegisters> Timer for ArmGeneric<P> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.present(self.processor.count(self.counter))
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Option<u64>) {
        let value = deadline.map_or(NEVER, |deadline| self.rate.ticks(deadline));
        if value != self.compare_value {
            self.compare_value = value;
            self.processor.set_compare_value(self.counter, value);
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }

    /// Returns `CNTFRQ`, unless firmware left it at 0.
    fn told_frequency(&self) -> Option<u64> {
        Some(self.processor.frequency()).filter(|&frequency| frequency != 0)
    }
}

#[cfg(test)]
mod tests;
