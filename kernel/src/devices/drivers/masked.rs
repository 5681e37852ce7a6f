//! An interrupt that was masked because it was raised without need, and when it is enabled again.

use vmos_drivers::interrupt::Interrupt;

use crate::time::NEVER;

/// The first pause until a masked interrupt is enabled again, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;
/// The longest pause, in nanoseconds.
const LONGEST_PAUSE: u64 = 600_000_000_000;

/// An interrupt that is masked, or was before.
pub(super) struct Masked {
    pub(super) interrupt: Interrupt,
    /// Until when it is masked, in nanoseconds; [`NEVER`] if it is enabled.
    pub(super) until: u64,
    /// The last pause, in nanoseconds.
    pause: u64,
    /// Until when it is on probation, in nanoseconds: if it is masked until then, the pause doubles.
    probation: u64,
}

impl Masked {
    /// Masks an interrupt for the first time.
    pub(super) const fn new(interrupt: Interrupt, now: u64) -> Self {
        Self {
            interrupt,
            until: now + PAUSE,
            pause: PAUSE,
            probation: 0,
        }
    }

    /// Masks the interrupt again. Returns whether it was neither masked nor on probation. If it is
    /// still masked, its controller cannot mask it.
    pub(super) fn begin(&mut self, now: u64) -> bool {
        if self.until != NEVER {
            return false;
        }
        let is_new = now >= self.probation;
        self.pause = if is_new {
            PAUSE
        } else {
            LONGEST_PAUSE.min(2 * self.pause)
        };
        self.until = now + self.pause;
        is_new
    }

    /// Enables the interrupt, on probation for as long as it was masked, and for as long as it takes to
    /// decide on it: `period` nanoseconds.
    pub(super) const fn end(&mut self, now: u64, period: u64) {
        self.until = NEVER;
        self.probation = now + self.pause + period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const PERIOD: u64 = 10 * SECOND;

    #[test]
    fn a_masked_interrupt_is_enabled_after_pauses_that_double_up_to_ten_minutes() {
        let mut now = SECOND;
        let mut masked = Masked::new(Interrupt::level(7), now);
        let pauses = [(); 12].map(|()| {
            let until = masked.until;
            let length = (until - now) / SECOND;
            masked.end(until, PERIOD);
            // It is raised again, rarely enough to be decided on as late as possible.
            now = until + PERIOD - 1;
            assert!(!masked.begin(now), "it is on probation");
            length
        });
        assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
        assert_eq!(pauses[11], 600);
        // The probation is as long as the pause.
        masked.end(now, PERIOD);
        now += 2 * LONGEST_PAUSE;
        assert!(masked.begin(now));
        assert_eq!(masked.until, now + PAUSE);
    }
}
