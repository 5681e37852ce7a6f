//! The clock and alarm of PCs: the time stamp counter (TSC), and the timer in the local APIC. The
//! timer raises its interrupt at a TSC value if the processor supports that, otherwise after a
//! number of its own ticks. The rates of both are measured with a reference counter of known rate.
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

/// `cpuid` leaf 1, ecx: the timer supports TSC deadlines.
const HAS_TSC_DEADLINE: u32 = 1 << 24;
/// `LVT_TIMER`: TSC deadline mode.
const TSC_DEADLINE_MODE: u32 = 0b10 << 17;
/// `IA32_TSC_DEADLINE`: the deadline; 0 disables the timer.
const TSC_DEADLINE: u32 = 0x6e0;

/// `DIVIDE`: the timer counts every 16th tick. At 1 GHz its range is 68 s, its resolution 16 ns.
pub(super) const DIVIDE_BY_16: u32 = 0b0011;
pub(super) const DIVISOR: u64 = 16;

/// The time stamp counter.
pub trait TimeStamp: Default {
    /// Reads the counter, in program order.
    fn read(&self) -> u64;
}

/// The location of the local APIC, and the reference counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<C> {
    /// The registers of the local APIC; unused with an x2APIC.
    pub registers: Range,
    /// The configuration of the reference counter.
    pub reference: C,
}

/// How the timer's deadline is set.
enum Alarm {
    /// The deadline is a value of the time stamp counter.
    TimeStamp,
    /// The deadline is a number of ticks of this rate.
    Ticks(Rate),
}

/// The time stamp counter and the timer of a local APIC, measured with a `Q`.
pub struct LocalApicTimer<R, P, Q> {
    apic: LocalApic<R, P>,
    rate: Rate,
    alarm: Alarm,
    deadline: Option<u64>,
    reference: PhantomData<Q>,
}

impl<R: Registers, P: ModelSpecific + TimeStamp, Q: Reference> LocalApicTimer<R, P, Q> {
    /// Creates the driver for `processor`, without a deadline.
    ///
    /// # Panics
    ///
    /// If the reference counter does not count: without it there is no time.
    pub fn with_registers(registers: R, processor: P, mut reference: Q) -> Self {
        let time = P::default();
        let mut apic = LocalApic::new(registers, processor);
        let [_, _, features, _] = apic.processor.identify(1);
        let has_deadline = features & HAS_TSC_DEADLINE != 0;
        // Count the timer's ticks while the time stamp counter is measured.
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
                "the reference counter does not count: see \
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

/// The ticks of a local APIC's timer, which counts down.
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
        // SAFETY: the caller guarantees that the local APIC is present; the interrupt controller's
        // driver uses other registers of it.
        let registers = unsafe { Mmio::new(config.registers) };
        // SAFETY: the same applies to the reference.
        let reference = unsafe { Q::new(&config.reference) };
        Self::with_registers(registers, P::default(), reference)
    }
}

impl<R: Registers, P: ModelSpecific + TimeStamp, Q> Timer for LocalApicTimer<R, P, Q> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.present(TimeStamp::read(&self.apic.processor))
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
                    // 0 would disable the timer. A deadline beyond the range is raised early, and
                    // set again.
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
