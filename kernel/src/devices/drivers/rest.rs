//! When a device that has nothing to do and may send by itself is checked.
//!
//! The interrupt for a received frame can be lost. No request tells that a frame is expected, so
//! the device is checked while nothing happens, and each check costs instructions. If a task or the
//! network waits for a time in the near future, such as the end of a wait for an answer, a frame
//! that came without an interrupt is found no later than the network had been idle before it came.
//! Otherwise the machine may be idle for long, and is not checked for the first 10 s. In both
//! cases, the frame waits no longer than a minute.

use crate::time::NEVER;

/// The time after which an idle device is checked if nothing waits, in nanoseconds.
const REST: u64 = 10_000_000_000;
/// The longest time between two checks, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// For how long the devices have had nothing to do.
#[derive(Default)]
pub(super) struct Rest {
    /// The time since which only checks have used the devices, in nanoseconds.
    since: u64,
}

impl Rest {
    /// Records that a device was in use at the time `now`, in nanoseconds.
    pub(super) const fn end(&mut self, now: u64) {
        self.since = now;
    }

    /// Records a check that wants another one after `next` nanoseconds, or [`NEVER`]: then a device
    /// has requests, or has put something into a queue. The first check of a device that `rests` may
    /// itself have sent something, which does not count.
    pub(super) const fn note_look(&mut self, now: u64, next: u64, rests: bool) {
        if next != NEVER && !rests {
            self.end(now);
        }
    }

    /// Returns the time until the next check in nanoseconds, if something waits for the time `due`.
    #[cold]
    pub(super) fn until_next_look(&self, now: u64, due: u64) -> u64 {
        let is_waited_for = due <= now.saturating_add(LONGEST);
        let least = if is_waited_for { 0 } else { REST };
        now.saturating_sub(self.since).clamp(least, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::attached::TICK;

    const SECOND: u64 = 1_000_000_000;

    /// Returns the times of the checks, beginning with the one that found nothing in flight.
    fn looks(due: u64) -> [u64; 9] {
        let mut now = TICK;
        [(); 9].map(|()| {
            let look = now;
            now += Rest::default().until_next_look(now, due);
            look
        })
    }

    #[test]
    fn a_frame_waits_no_longer_than_the_network_was_idle_if_something_waits() {
        let looks = looks(30 * SECOND);
        for (before, after) in looks.iter().zip(&looks[1..]) {
            assert!(*after <= 2 * before, "{before} {after}");
        }
    }

    #[test]
    fn an_idle_machine_is_left_alone_for_ten_seconds() {
        for due in [NEVER, 3600 * SECOND] {
            let looks = looks(due);
            assert_eq!(looks[1], TICK + REST);
        }
    }

    #[test]
    fn a_frame_that_is_found_without_an_interrupt_ends_the_rest() {
        let (mut rest, now) = (Rest::default(), 40 * SECOND);
        rest.note_look(now, 1, true);
        rest.note_look(now + 1, TICK, false);
        rest.note_look(now + 1 + TICK, NEVER, false);
        assert_eq!(rest.until_next_look(now + 1 + TICK, NEVER), REST);
        assert_eq!(rest.until_next_look(now + 1 + TICK, now), TICK);
    }

    #[test]
    fn requests_that_are_in_flight_for_long_end_the_rest_when_they_are_answered() {
        let mut rest = Rest::default();
        for look in 1..400 {
            rest.note_look(look * TICK, TICK, false);
        }
        assert_eq!(rest.until_next_look(400 * TICK, NEVER), REST);
    }

    #[test]
    fn a_frame_that_a_check_sends_does_not_end_the_rest() {
        let (mut rest, now) = (Rest::default(), 40 * SECOND);
        rest.note_look(now, TICK, true);
        rest.note_look(now + TICK, NEVER, false);
        assert_eq!(rest.until_next_look(now + TICK, NEVER), now + TICK);
    }

    #[test]
    fn a_frame_waits_for_a_minute_at_most() {
        for due in [NEVER, 30 * SECOND] {
            let looks = looks(due);
            for (before, after) in looks.iter().zip(&looks[1..]) {
                assert!(*after - before <= LONGEST, "{before} {after}");
            }
        }
    }
}
