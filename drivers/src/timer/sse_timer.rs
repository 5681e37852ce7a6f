//! The system timer of Arm's SSE subsystems for microcontrollers, such as SSE-300.
//!
//! Registers: Arm 101370 (SSE-123 Example Subsystem Technical Reference Manual), "System timer" and
//! "System counter". The counter has 64 bits and serves all system timers of the subsystem; each
//! timer has a comparator. After a reset, the counter is off.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::halves;
use super::rate::Rate;

/// `CNTPCT`: the lower and the upper half of the counter.
const COUNTER: [usize; 2] = [0x00, 0x04];
/// `CNTP_CVAL`: the lower and the upper half of the comparator.
const COMPARATOR: [usize; 2] = [0x20, 0x24];
/// `CNTP_CTL`: the control register of the timer.
const CONTROL: usize = 0x2c;
/// `CNTP_AIVAL_CTL`: the control register of the automatic increment of the comparator.
const INCREMENT_CONTROL: usize = 0x4c;
/// `CNTP_CTL`: the timer raises its interrupt while the counter is at or after the comparator.
const ENABLE: u32 = 1 << 0;

/// `CNTCR`, in the control frame of the counter.
const COUNTER_CONTROL: usize = 0x00;
/// `CNTCR`: the counter counts.
const COUNT: u32 = 1 << 0;

/// The location of the timer and of its counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the timer.
    pub registers: Range,
    /// The control frame of the counter.
    pub counter: Range,
    /// The frequency of the counter in Hz.
    pub clock: u64,
}

/// A system timer.
pub struct SseTimer<R> {
    registers: R,
    rate: Rate,
}

impl<R: Registers> SseTimer<R> {
    /// Creates the driver for a timer with these registers, whose counter runs at `clock` Hz, without
    /// a deadline. Starts the counter, and does not reset it, because other timers may use it.
    pub fn with_registers(registers: R, counter: &R, clock: u64) -> Self {
        let control = counter.read32(COUNTER_CONTROL);
        counter.write32(COUNTER_CONTROL, control | COUNT);
        registers.write32(CONTROL, 0);
        registers.write32(INCREMENT_CONTROL, 0);
        Self {
            registers,
            rate: Rate::new(clock),
        }
    }

    #[inline]
    fn count(&self) -> u64 {
        halves::read(&self.registers, COUNTER)
    }
}

impl Driver for SseTimer<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer and its counter are present and not shared.
        let [timer, counter] =
            [config.registers, config.counter].map(|range| unsafe { Mmio::new(range) });
        Self::with_registers(timer, &counter, config.clock)
    }
}

impl<R: Registers> Timer for SseTimer<R> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.count())
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        // Disabled while the comparator changes in halves. This also deasserts the interrupt.
        self.registers.write32(CONTROL, 0);
        if let Some(deadline) = deadline {
            let ticks = self.rate.ticks(deadline);
            self.registers.write32(COMPARATOR[0], ticks as u32);
            self.registers.write32(COMPARATOR[1], (ticks >> 32) as u32);
            self.registers.write32(CONTROL, ENABLE);
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
