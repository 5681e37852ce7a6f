//! The machine timer of RISC-V: a memory-mapped counter for all harts and a comparator for each.
//!
//! Registers: RISC-V privileged architecture, 3.2.1. A CLINT (SiFive) and an ACLINT (RISC-V
//! Advanced Core Local Interruptor 1.0, chapter 2) have the same registers at different offsets.
//! Only machine mode can access them.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Hart, Timebase};

use super::Timer;
use super::halves;
use super::rate::Rate;

/// The distance between the `mtimecmp` registers of harts, in bytes.
const COMPARE_STRIDE: usize = 8;

/// The offsets of the lower and the upper half of `mtime`.
const COUNTER: [usize; 2] = [0, 4];

/// A count that is never reached.
const NEVER: u64 = u64::MAX;

/// The location of the timer's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// `mtimecmp` of all harts, from hart 0 on.
    pub compare: Range,
    /// `mtime`; `None` if the hart has the same counter in its `time` CSR, which is faster to read.
    pub time: Option<Range>,
    /// The frequency in Hz, if the board file states it.
    pub frequency: Option<u64>,
}

/// The machine timer, for one hart.
pub struct Mtimer<R, P> {
    hart: P,
    /// The comparators; that of this hart is at `compare_offset`.
    compare: R,
    compare_offset: usize,
    time: Option<R>,
    rate: Rate,
    /// The current value of the comparator.
    compare_value: u64,
}

impl<R: Registers, P: Hart + Timebase> Mtimer<R, P> {
    /// Creates the driver with `mtimecmp` at `compare` and `mtime` at `time`, without a deadline.
    pub fn with_registers(hart: P, compare: R, time: Option<R>, frequency: Option<u64>) -> Self {
        let frequency = frequency.or_else(|| hart.frequency()).unwrap_or(0);
        let timer = Self {
            compare_offset: COMPARE_STRIDE * hart.id(),
            hart,
            compare,
            time,
            rate: Rate::new(frequency),
            compare_value: NEVER,
        };
        timer.write_compare(NEVER);
        timer
    }

    fn count(&self) -> u64 {
        match &self.time {
            None => self.hart.time(),
            Some(time) if size_of::<usize>() == 8 => time.read64(0),
            Some(time) => halves::read(time, COUNTER),
        }
    }

    fn write_compare(&self, value: u64) {
        if size_of::<usize>() == 8 {
            self.compare.write64(self.compare_offset, value);
            return;
        }
        // No intermediate value may be in the past (privileged architecture, 3.2.1).
        let (low, high) = (self.compare_offset, self.compare_offset + 4);
        self.compare.write32(low, u32::MAX);
        self.compare.write32(high, (value >> 32) as u32);
        self.compare.write32(low, value as u32);
    }
}

impl<P: Hart + Timebase> Driver for Mtimer<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer is present and not shared.
        let compare = unsafe { Mmio::new(config.compare) };
        // SAFETY: as above; the counter is only read.
        let time = config.time.map(|time| unsafe { Mmio::new(time) });
        Self::with_registers(P::default(), compare, time, config.frequency)
    }
}

impl<R: Registers, P: Hart + Timebase> Timer for Mtimer<R, P> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.present(self.count())
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Option<u64>) {
        let value = deadline.map_or(NEVER, |deadline| self.rate.ticks(deadline));
        if value != self.compare_value {
            self.compare_value = value;
            self.write_compare(value);
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
