//! The timer of a RISC-V hart in supervisor mode: the `time` CSR, and a comparator in the hart
//! (extension Sstc 1.0) or in firmware (SBI 2.0, chapter 6).

use core::marker::PhantomData;

use crate::board::Driver;
use crate::riscv::{Firmware, Timebase};

use super::Timer;
use super::rate::Rate;

/// The time extension of the SBI, "TIME".
const EXTENSION_TIME: usize = 0x5449_4d45;
/// `sbi_set_timer`: raises the timer interrupt once the clock's count is at least the argument.
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

/// A comparator that raises the timer interrupt: in the hart or in firmware.
pub trait Comparator<P> {
    /// Returns why the comparator cannot be set; `None` if the hart has it.
    fn missing(_processor: &mut P) -> Option<&'static str> {
        None
    }

    /// Makes the timer interrupt be raised once the clock's count is at least `count`.
    fn set(processor: &mut P, count: u64);
}

/// The instruction that writes the hart's comparator.
pub trait Sstc: Timebase {
    /// Tries whether the hart has the register `stimecmp`, and leaves it at its highest value.
    fn has_stimecmp(&mut self) -> bool;

    /// Writes `stimecmp`: the timer interrupt is raised once the clock's count is at least `count`.
    fn set_stimecmp(&mut self, count: u64);
}

/// The hart's own comparator.
#[derive(Debug)]
pub enum Own {}

impl<P: Sstc> Comparator<P> for Own {
    fn missing(processor: &mut P) -> Option<&'static str> {
        const MISSING: &str = "timer.sstc: the hart does not have the extension Sstc";
        (!processor.has_stimecmp()).then_some(MISSING)
    }

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
    /// Why there is no comparator.
    missing: Option<&'static str>,
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
        let missing = C::missing(&mut processor);
        if missing.is_none() {
            C::set(&mut processor, NEVER);
        }
        Self {
            processor,
            rate: Rate::new(frequency.unwrap_or(0)),
            compare_value: NEVER,
            missing,
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
        self.rate.present(self.processor.time())
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

    fn missing(&self) -> Option<&'static str> {
        self.missing
    }
}

#[cfg(test)]
mod tests;
