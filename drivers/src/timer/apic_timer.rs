//! The clock and alarm of PCs: the time stamp counter, and the timer in the local APIC, which raises
//! its interrupt at a value of that counter where it can and after a number of its own ticks where it
//! cannot. The rates of both are measured by a counter of a known rate.
//!
//! Intel SDM volume 3A, sections 12.5.4 and 18.17.

use core::marker::PhantomData;

use crate::address::Range;
use crate::board::Driver;
use crate::local_apic::{LocalApic, MASKED, ModelSpecific, TIMER_VECTOR, register};
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::rate::{Factor, Rate};
use super::reference::{Reference, measure, pair};

/// `cpuid` leaf 1, ecx: the timer can be given a value of the time stamp counter.
const HAS_TSC_DEADLINE: u32 = 1 << 24;
/// `LVT_TIMER`: it does.
const TSC_DEADLINE_MODE: u32 = 0b10 << 17;
/// `IA32_TSC_DEADLINE`; 0 raises nothing.
const TSC_DEADLINE: u32 = 0x6e0;

/// `DIVIDE`: the timer counts every 16th tick, which at 1 GHz is 68 s at most, 16 ns at a time.
pub(super) const DIVIDE_BY_16: u32 = 0b0011;
pub(super) const DIVISOR: u64 = 16;

/// The time stamp counter.
pub trait TimeStamp: Default {
    /// Reads it, no earlier than it stands in the program.
    fn read(&self) -> u64;
}

/// Where the local APIC is, and what its timer is measured by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<C> {
    /// Its registers, which an x2APIC does not need.
    pub registers: Range,
    /// Where the counter of a known rate is.
    pub reference: C,
}

/// How the timer is given its deadline.
enum Alarm {
    /// As a value of the time stamp counter.
    TimeStamp,
    /// As a number of ticks of this rate.
    Ticks(Rate),
}

/// The time stamp counter with the timer of a local APIC, measured by a `Q`.
pub struct LocalApicTimer<R, P, Q> {
    apic: LocalApic<R, P>,
    rate: Rate,
    alarm: Alarm,
    deadline: Option<u64>,
    reference: PhantomData<Q>,
}

impl<R: Registers, P: ModelSpecific + TimeStamp, Q: Reference> LocalApicTimer<R, P, Q> {
    /// The timer of `processor`, raising nothing.
    ///
    /// # Panics
    ///
    /// Where the reference stands still: there is no time to tell then.
    pub fn with_registers(registers: R, processor: P, mut reference: Q) -> Self {
        let time = P::default();
        let mut apic = LocalApic::new(registers, processor);
        let [_, _, features, _] = apic.processor.identify(1);
        let has_deadline = features & HAS_TSC_DEADLINE != 0;
        // The timer's own ticks are counted while the other counter is measured.
        let begin = (!has_deadline).then(|| {
            apic.write(register::LVT_TIMER, MASKED);
            apic.write(register::DIVIDE, DIVIDE_BY_16);
            apic.write(register::INITIAL_COUNT, u32::MAX);
            pair(&mut Ticks(&apic), &mut || TimeStamp::read(&time))
        });
        let rate = measure(&mut reference, || TimeStamp::read(&time));
        let end = pair(&mut Ticks(&apic), &mut || TimeStamp::read(&time));
        reference.stop();
        let Some(frequency) = rate.filter(|&frequency| frequency > 0) else {
            panic!(
                "the counter that time is measured by stands still: see \
                 timer.local-apic.reference in the board file"
            );
        };
        let alarm = match begin {
            None => {
                apic.write(
                    register::LVT_TIMER,
                    TSC_DEADLINE_MODE | u32::from(TIMER_VECTOR),
                );
                Alarm::TimeStamp
            }
            Some(begin) => {
                apic.write(register::INITIAL_COUNT, 0);
                apic.write(register::LVT_TIMER, TIMER_VECTOR.into());
                let ticks = end.reference.wrapping_sub(begin.reference);
                let elapsed = end.count.saturating_sub(begin.count).max(1);
                let ticks = Factor::new(ticks.into(), elapsed).times(frequency);
                Alarm::Ticks(Rate::new(ticks))
            }
        };
        Self {
            apic,
            rate: Rate::new(frequency),
            alarm,
            deadline: None,
            reference: PhantomData,
        }
    }
}

/// The ticks of a local APIC's timer that counts down.
struct Ticks<'a, R, P>(&'a LocalApic<R, P>);

impl<R: Registers, P: ModelSpecific> Reference for Ticks<'_, R, P> {
    fn frequency(&self) -> u64 {
        0
    }

    fn mask(&self) -> u32 {
        u32::MAX
    }

    fn count(&mut self) -> u32 {
        !self.0.read(register::CURRENT_COUNT)
    }
}

impl<P: ModelSpecific + TimeStamp, Q: Reference + Driver> Driver for LocalApicTimer<Mmio, P, Q> {
    type Config = Config<Q::Config>;

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller promises that the local APIC is there; the interrupt controller's driver
        // uses other registers of it.
        let registers = unsafe { Mmio::new(config.registers) };
        // SAFETY: and that the reference is.
        let reference = unsafe { Q::new(&config.reference) };
        Self::with_registers(registers, P::default(), reference)
    }
}

impl<R: Registers, P: ModelSpecific + TimeStamp, Q> Timer for LocalApicTimer<R, P, Q> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(TimeStamp::read(&self.apic.processor))
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Option<u64>) {
        if deadline == self.deadline {
            return;
        }
        self.deadline = deadline;
        match &self.alarm {
            Alarm::TimeStamp => {
                let value = deadline.map_or(0, |deadline| self.rate.ticks(deadline).max(1));
                ModelSpecific::write(&mut self.apic.processor, TSC_DEADLINE, value);
            }
            Alarm::Ticks(rate) => {
                let ticks = deadline.map_or(0, |deadline| {
                    let left = deadline.saturating_sub(self.now());
                    // 0 would raise nothing; what is too far away is raised too soon, and set again
                    u32::try_from(rate.ticks(left)).unwrap_or(u32::MAX).max(1)
                });
                self.apic.write(register::INITIAL_COUNT, ticks);
            }
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
