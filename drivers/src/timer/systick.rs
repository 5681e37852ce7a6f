//! SysTick, the timer of the processors of Arm's M profile: a down-counter of 24 bits.
//!
//! Registers: Arm DDI 0403, section B3.3, and the interrupt control and state register, B3.2.4. The
//! counter is both the clock and the alarm: for a deadline, it starts again with the ticks until then, and
//! afterwards counts whole rounds. It is read at least once a round, because each of its ends raises the
//! interrupt, also without a deadline. A deadline within `NEAR` raises the interrupt at once.
//!
//! The clock does not advance for the few processor cycles of each new start. If an app does not return to
//! the event loop for a whole round (0.67 s at 25 MHz), the clock may lose that round.

use core::cell::Cell;
use core::hint::spin_loop;

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::rate::Rate;

/// `SYST_CSR`: control and status. Reading it clears [`ENDED`].
const CONTROL: usize = 0x10;
/// `SYST_RVR`: the value from which the next round counts down to zero.
const RELOAD: usize = 0x14;
/// `SYST_CVR`: the count. A write makes it zero, from which it starts a round with the next tick.
const COUNT: usize = 0x18;
/// `ICSR`: the interrupt control and state register.
const ICSR: usize = 0xd04;

/// `SYST_CSR`: enabled, with the interrupt, at the processor's clock.
const ON: u32 = 1 << 0 | 1 << 1 | 1 << 2;
/// `SYST_CSR`: the count has reached zero since the last read.
const ENDED: u32 = 1 << 16;

/// The ticks of a whole round.
const ROUND: u32 = 1 << 24;
/// `ICSR`: makes the exception of this timer pending.
const PENDSTSET: u32 = 1 << 26;

/// The shortest time of a round, in nanoseconds: more than the driver needs to set the length of the next
/// one, also in an emulator that starts a round later than it should.
const NEAR: u64 = 100_000;
/// How often to look whether a new round has started, and how long to wait in between. It starts with the
/// next tick; but an emulator may need milliseconds, and cannot start it while it is asked all the time.
const LOOKS: u32 = 1000;
const REST: u32 = 1000;

/// The system control space, which has the same address in all processors (B3.2).
const REGISTERS: Range = Range {
    base: PhysicalAddress(0xe000_e000),
    size: 0x1000,
};

/// The frequency of a SysTick timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The frequency of the processor's clock in Hz.
    pub processor_clock: u64,
}

/// A SysTick timer.
pub struct SysTick<R> {
    registers: R,
    rate: Rate,
    /// The ticks before the current round, and the ticks of that round. All later ones are whole.
    before: Cell<u64>,
    round: Cell<u32>,
}

impl<R: Registers> SysTick<R> {
    /// Creates the driver for a timer that counts at `clock` Hz, without a deadline. The clock starts at
    /// zero.
    pub fn with_registers(registers: R, clock: u64) -> Self {
        registers.write32(CONTROL, 0);
        registers.write32(RELOAD, ROUND - 1);
        registers.write32(COUNT, 0);
        registers.write32(CONTROL, ON);
        let timer = Self {
            registers,
            rate: Rate::new(clock),
            before: Cell::new(0),
            round: Cell::new(ROUND),
        };
        timer.wait_for_the_round();
        timer
    }

    /// Waits until a round has started: only then may the length of the next one be set.
    fn wait_for_the_round(&self) {
        for _ in 0..LOOKS {
            if self.registers.read32(COUNT) != 0 {
                break;
            }
            (0..REST).for_each(|_| spin_loop());
        }
    }

    /// Returns the ticks before the current round, and those in it.
    #[inline]
    fn position(&self) -> (u64, u32) {
        let mut count = self.registers.read32(COUNT);
        let has_ended = self.registers.read32(CONTROL) & ENDED != 0;
        if has_ended {
            // The count was read before or after the end.
            count = self.registers.read32(COUNT);
            let before = self.before.get() + u64::from(self.round.get());
            self.before.set(before);
            self.round.set(ROUND);
        }
        // A round starts where the last one has ended, at zero, and goes on with its length minus one.
        let ticks = match count {
            0 if has_ended => 0,
            count => self.round.get().saturating_sub(count),
        };
        (self.before.get(), ticks)
    }

    /// Returns the ticks since the start.
    #[inline]
    fn ticks(&self) -> u64 {
        let (before, ticks) = self.position();
        before + u64::from(ticks)
    }
}

impl Driver for SysTick<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: every processor of this profile that the binding allows has the registers, and the
        // caller guarantees that nothing else drives the timer.
        Self::with_registers(unsafe { Mmio::new(REGISTERS) }, config.processor_clock)
    }
}

impl<R: Registers> Timer for SysTick<R> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.ticks())
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        let Some(deadline) = deadline else {
            // The end of the round raises an interrupt without a deadline, which does no harm.
            return;
        };
        let wanted = self.rate.ticks(deadline);
        let (before, ticks) = self.position();
        let now = before + u64::from(ticks);
        let left = wanted.saturating_sub(now);
        if left <= self.rate.ticks(NEAR) {
            // If it is too early, the kernel sets the deadline again.
            self.registers.write32(ICSR, PENDSTSET);
            return;
        }
        if left >= u64::from(self.round.get() - ticks) {
            // The round ends before, and the kernel sets the deadline again then.
            return;
        }
        let left = left as u32;
        self.registers.write32(RELOAD, left - 1);
        self.registers.write32(COUNT, 0);
        self.before.set(now);
        self.round.set(left);
        self.wait_for_the_round();
        self.registers.write32(RELOAD, ROUND - 1);
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
