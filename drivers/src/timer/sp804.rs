//! Arm's Dual-Timer Module (SP804): two down-counters of 32 bits with one interrupt.
//!
//! Registers: Arm DDI 0271, section 3.2. The first counter runs freely and is the clock; the second
//! raises the interrupt at the deadline. So that no wrap of the clock is missed, the second counter
//! also raises the interrupt at least twice during a whole round of the first.

use core::cell::Cell;

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::rate::Rate;

/// `Timer1Control`, for the clock.
const CLOCK_CONTROL: usize = 0x08;
/// `Timer1Load`: the value from which the clock counts down.
const CLOCK_LOAD: usize = 0x00;
/// `Timer1Value`.
const CLOCK_VALUE: usize = 0x04;
/// `Timer2Load`: the number of ticks until the interrupt.
const ALARM_LOAD: usize = 0x20;
/// `Timer2Control`.
const ALARM_CONTROL: usize = 0x28;
/// `Timer2IntClr`: any write releases the interrupt.
const ALARM_CLEAR: usize = 0x2c;

/// Control: one-shot mode, in which the counter stops at zero.
const ONE_SHOT: u32 = 1 << 0;
/// Control: counts with 32 bits.
const WIDE: u32 = 1 << 1;
/// Control: raises the interrupt at zero.
const INTERRUPT: u32 = 1 << 5;
/// Control: the counter is enabled.
const ENABLE: u32 = 1 << 7;

/// The most ticks between two interrupts: half of a round of the clock.
const LONGEST: u32 = 1 << 31;

/// The location of the timer's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of both counters.
    pub registers: Range,
    /// The frequency of both counters in Hz.
    pub clock: u64,
}

/// A dual timer.
pub struct Sp804<R> {
    registers: R,
    rate: Rate,
    /// The last reading of the clock, continued to 64 bits.
    last: Cell<u64>,
}

impl<R: Registers> Sp804<R> {
    /// Creates the driver for a timer whose counters run at `clock` Hz, without a deadline. The
    /// clock starts at zero.
    pub fn with_registers(registers: R, clock: u64) -> Self {
        registers.write32(ALARM_CONTROL, 0);
        registers.write32(CLOCK_CONTROL, 0);
        registers.write32(CLOCK_LOAD, u32::MAX);
        registers.write32(CLOCK_CONTROL, ENABLE | WIDE);
        let mut timer = Self {
            registers,
            rate: Rate::new(clock),
            last: Cell::new(0),
        };
        timer.set_deadline(None);
        timer
    }

    /// Returns the ticks since the start, and remembers them: the clock itself has only 32 bits.
    #[inline]
    fn count(&self) -> u64 {
        let last = self.last.get();
        let now = !self.registers.read32(CLOCK_VALUE);
        let count = last.wrapping_add(now.wrapping_sub(last as u32).into());
        self.last.set(count);
        count
    }
}

impl Driver for Sp804<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer is present and not shared.
        Self::with_registers(unsafe { Mmio::new(config.registers) }, config.clock)
    }
}

impl<R: Registers> Timer for Sp804<R> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.count())
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        let now = self.count();
        let ticks = deadline.map_or(u64::MAX, |deadline| {
            self.rate.ticks(deadline).saturating_sub(now)
        });
        // A counter that is loaded with zero raises its interrupt at once (section 2.2.1), but an
        // emulator may ignore it.
        let ticks = ticks.clamp(1, LONGEST.into()) as u32;
        self.registers.write32(ALARM_CONTROL, 0);
        self.registers.write32(ALARM_CLEAR, 0);
        self.registers.write32(ALARM_LOAD, ticks);
        self.registers
            .write32(ALARM_CONTROL, ENABLE | INTERRUPT | WIDE | ONE_SHOT);
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
