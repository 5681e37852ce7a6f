//! The timer of the nRF51 series: an up-counter with compare registers.
//!
//! Registers: nRF51 Series Reference Manual 3.0, chapter 18. The counter has 32 bits only in some
//! timers of a chip (`TIMER0`). The first compare register captures the count, the second one raises
//! the interrupt at the deadline. So that no wrap of the count is missed, it also raises the interrupt
//! at least twice during a whole round.

use core::cell::Cell;

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::rate::Rate;

/// `START`, `STOP` and `CLEAR`: tasks, started by writing 1.
const START: usize = 0x000;
const STOP: usize = 0x004;
const CLEAR: usize = 0x00c;
/// `CAPTURE[0]`: the task that copies the count to `CC[0]`.
const CAPTURE: usize = 0x040;
/// `COMPARE[1]`: the event that the count reached `CC[1]`.
const REACHED: usize = 0x144;
/// `SHORTS`: 0, so that no event starts a task.
const SHORTS: usize = 0x200;
/// `INTENSET` and `INTENCLR`.
const SET_ENABLE: usize = 0x304;
const CLEAR_ENABLE: usize = 0x308;
/// `MODE`: 0 for a timer, not a counter of events.
const MODE: usize = 0x504;
/// `BITMODE`: the width of the count; [`WIDE`].
const BIT_MODE: usize = 0x508;
/// `PRESCALER`: the clock is divided by two to the power of this.
const PRESCALER: usize = 0x510;
/// `CC[0]`: the captured count. `CC[1]`: the count at the deadline.
const CAPTURED: usize = 0x540;
const DEADLINE: usize = 0x544;

/// `BITMODE`: 32 bits.
const WIDE: u32 = 3;
/// `INTENSET`: the bit of `COMPARE[1]`.
const REACHED_BIT: u32 = 1 << 17;

/// The most ticks between two interrupts: half of a round of the count.
const LONGEST: u64 = 1 << 31;
/// The fewest ticks until an interrupt: about the time that the driver needs to set it.
const SHORTEST: u64 = 32;

/// The location of the timer's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the timer.
    pub registers: Range,
    /// The frequency of the count in Hz: that of HFCLK.
    pub clock: u64,
}

/// A timer whose count has 32 bits.
pub struct Nrf51Timer<R> {
    registers: R,
    rate: Rate,
    /// The last count, continued to 64 bits.
    last: Cell<u64>,
}

impl<R: Registers> Nrf51Timer<R> {
    /// Creates the driver for a timer that counts at `clock` Hz, without a deadline. The clock starts at
    /// zero.
    pub fn with_registers(registers: R, clock: u64) -> Self {
        registers.write32(STOP, 1);
        registers.write32(CLEAR_ENABLE, u32::MAX);
        registers.write32(SHORTS, 0);
        registers.write32(MODE, 0);
        registers.write32(BIT_MODE, WIDE);
        registers.write32(PRESCALER, 0);
        registers.write32(CLEAR, 1);
        registers.write32(START, 1);
        let mut timer = Self {
            registers,
            rate: Rate::new(clock),
            last: Cell::new(0),
        };
        timer.set_deadline(None);
        timer.registers.write32(SET_ENABLE, REACHED_BIT);
        timer
    }

    /// Returns the ticks since the start, and remembers them: the count itself has only 32 bits.
    #[inline]
    fn count(&self) -> u64 {
        self.registers.write32(CAPTURE, 1);
        let last = self.last.get();
        let now = self.registers.read32(CAPTURED);
        let count = last.wrapping_add(now.wrapping_sub(last as u32).into());
        self.last.set(count);
        count
    }
}

impl Driver for Nrf51Timer<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer is present and not shared.
        Self::with_registers(unsafe { Mmio::new(config.registers) }, config.clock)
    }
}

impl<R: Registers> Timer for Nrf51Timer<R> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.count())
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        let wanted = deadline.map_or(u64::MAX, |deadline| self.rate.ticks(deadline));
        let mut shortest = SHORTEST;
        loop {
            let now = self.count();
            let ticks = wanted.saturating_sub(now).clamp(shortest, LONGEST);
            let end = now.wrapping_add(ticks);
            self.registers.write32(DEADLINE, end as u32);
            // The event of the deadline before, which may occur until `CC[1]` is changed.
            self.registers.write32(REACHED, 0);
            // A count that has already passed `CC[1]` raises no event before it wraps.
            let is_ahead = self.count() < end;
            if is_ahead || self.registers.read32(REACHED) != 0 || shortest == LONGEST {
                return;
            }
            shortest *= 2;
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
