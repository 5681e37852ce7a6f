//! When a network device that has nothing to do is checked.
//!
//! The interrupt for a received frame can be lost. No request tells that a frame is expected, so
//! the device is checked while nothing happens, and each check costs instructions. If a task or the
//! network waits for a time in the near future, such as the end of a wait for an answer, a frame
//! that came without an interrupt is found no later than the network had been idle before it came.
//! Otherwise the machine may be idle for long, and is not checked for the first 10 s. In both
//! cases, the frame waits no longer than a minute.

/// The time after which an idle device is checked if nothing waits, in nanoseconds.
const REST: u64 = 10_000_000_000;
/// The longest time between two checks, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// Returns the time until the next check in nanoseconds, if the device has had nothing to do since
/// `idle_since` and something waits for the time `due`.
#[cold]
pub(super) fn until_next_look(now: u64, idle_since: u64, due: u64) -> u64 {
    let is_waited_for = due <= now.saturating_add(LONGEST);
    let least = if is_waited_for { 0 } else { REST };
    now.saturating_sub(idle_since).clamp(least, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::attached::TICK;
    use crate::time::NEVER;

    const SECOND: u64 = 1_000_000_000;

    /// Returns the times of the checks, beginning with the one that found nothing in flight.
    fn looks(due: u64) -> [u64; 9] {
        let mut now = TICK;
        [(); 9].map(|()| {
            let look = now;
            now += until_next_look(now, 0, due);
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
    fn a_frame_waits_for_a_minute_at_most() {
        for due in [NEVER, 30 * SECOND] {
            let looks = looks(due);
            for (before, after) in looks.iter().zip(&looks[1..]) {
                assert!(*after - before <= LONGEST, "{before} {after}");
            }
        }
    }
}
