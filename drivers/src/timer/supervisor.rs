//! The timer of a RISC-V hart in supervisor mode: the `time` CSR, and a comparator in the hart
//! (extension Sstc 1.0) or in firmware (SBI 2.0, chapter 6).

use core::marker::PhantomData;

use crate::board::Driver;
use crate::riscv::{Firmware, Timebase};

use super::Timer;
use super::rate::Rate;

/// The time extension of the SBI, "TIME".
const EXTENSION_TIME: usize = 0x5449_4d45;
/// `sbi_set_timer`: sets the count from which on the interrupt is raised.
const SET_TIMER: usize = 0;

/// A count that is never reached.
const NEVER: u64 = u64::MAX;

/// The configuration: the frequency in Hz, if the board file states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The frequency of the `time` CSR in Hz; `None` to use the one in firmware's tables.
    pub frequency: Option<u64>,
}

impl Config {
    /// Returns a configuration with this frequency.
    #[must_use]
    pub const fn stating(frequency: Option<u64>) -> Self {
        Self { frequency }
    }
}

/// A comparator, in the hart or in firmware.
pub trait Comparator<P> {
    /// Sets the count from which on the interrupt is raised.
    fn set(processor: &mut P, count: u64);
}

/// The instruction that writes the hart's comparator.
pub trait Sstc: Timebase {
    /// Writes `stimecmp`: the count from which on the interrupt is raised.
    fn set_stimecmp(&mut self, count: u64);
}

/// The hart's own comparator.
#[derive(Debug)]
pub enum Own {}

impl<P: Sstc> Comparator<P> for Own {
    #[inline]
    fn set(processor: &mut P, count: u64) {
        processor.set_stimecmp(count);
    }
}

/// The firmware's comparator.
#[derive(Debug)]
pub enum Firmwares {}

impl<P: Firmware> Comparator<P> for Firmwares {
    fn set(processor: &mut P, count: u64) {
        // A 32-bit hart passes a 64-bit argument in two registers (SBI 2.0, chapter 3).
        let arguments = [count as usize, (count >> 32) as usize];
        processor.call(EXTENSION_TIME, SET_TIMER, arguments);
    }
}

/// The timer of supervisor mode with the comparator `C`.
pub struct Supervisor<C, P> {
    processor: P,
    rate: Rate,
    /// The current value of the comparator.
    compare_value: u64,
    comparator: PhantomData<C>,
}

/// The timer with the hart's own comparator.
pub type SstcTimer<P> = Supervisor<Own, P>;
/// The timer with the firmware's comparator.
pub type SbiTimer<P> = Supervisor<Firmwares, P>;

impl<C: Comparator<P>, P: Timebase> Supervisor<C, P> {
    /// Creates the driver for `processor`, without a deadline.
    pub fn with_processor(mut processor: P, config: &Config) -> Self {
        let frequency = config.frequency.or_else(|| processor.frequency());
        C::set(&mut processor, NEVER);
        Self {
            processor,
            rate: Rate::new(frequency.unwrap_or(0)),
            compare_value: NEVER,
            comparator: PhantomData,
        }
    }
}

impl<C: Comparator<P>, P: Timebase> Driver for Supervisor<C, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        Self::with_processor(P::default(), config)
    }
}

impl<C: Comparator<P>, P: Timebase> Timer for Supervisor<C, P> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.processor.time())
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Option<u64>) {
        let value = deadline.map_or(NEVER, |deadline| self.rate.ticks(deadline));
        if value != self.compare_value {
            self.compare_value = value;
            C::set(&mut self.processor, value);
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
