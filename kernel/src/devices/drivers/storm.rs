//! Interrupts that are raised again and again although no device needs service.
//!
//! An interrupt line may be shared with a PCI function that has no driver, or be wired wrongly. If
//! it stays asserted, the machine would do little but take its interrupt. Such an interrupt is
//! masked after 2,000 at most, and the devices that use it are polled. Linux does the same after
//! 100,000 (`note_interrupt`).

use vmos_drivers::warn;

use super::Drivers;
use crate::machine;

/// The number of interrupts after which it is decided whether they are needed.
const LIMIT: u32 = 1000;
/// The number of interrupts of which one at least has to find a completion. An interrupt may come
/// after its completion was processed, but seldom twice in a row.
const FUTILE: u32 = 8;
/// The time in which that many interrupts have to be raised, in nanoseconds: in a longer time, they
/// do no harm.
const PERIOD: u64 = 10_000_000_000;

/// The count of the interrupt that is raised most often.
#[derive(Default)]
pub(super) struct Storm {
    number: u32,
    /// How many interrupts had this number, less those that had another one.
    count: u32,
    /// How many of them found that a device had put something into a queue.
    useful: u32,
    /// The time of the last decision, in nanoseconds.
    decided: u64,
}

impl Storm {
    /// Counts an interrupt. Returns whether to decide on it.
    #[inline]
    pub(super) fn count(&mut self, number: u32, has_news: bool) -> bool {
        if self.number == number {
            self.count += 1;
            self.useful += u32::from(has_news);
            return self.count >= LIMIT;
        }
        if self.count == 0 {
            *self = Self {
                number,
                count: 1,
                useful: 0,
                ..*self
            };
        } else {
            self.count -= 1;
        }
        false
    }

    /// Returns whether the counted interrupt is raised without need, and counts anew.
    fn decide(&mut self, now: u64) -> bool {
        let is_futile = self.useful < LIMIT / FUTILE && now - self.decided < PERIOD;
        *self = Self {
            number: self.number,
            decided: now,
            ..Self::default()
        };
        is_futile
    }
}

impl Drivers {
    /// Decides on an interrupt that was raised often. If it is raised without need, switches its
    /// devices to polling and returns true.
    #[cold]
    #[inline(never)]
    pub(super) fn is_storm(&mut self, number: u32) -> bool {
        if !self.storm.decide(machine::now()) {
            return false;
        }
        warn!(
            "interrupt {number} stays asserted though no device needs it: masked; devices are polled"
        );
        for index in 0..self.routes.len() {
            let route = self.routes[index];
            if route.number == number
                && let Some(attached) = self.attached(route.source)
            {
                attached.expect_no_interrupt();
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Raises `numbers` in turn, `pause` nanoseconds apart; every `useful`th finds a completion.
    /// Returns how many it takes until one is masked, and its number.
    fn masked(numbers: &[u32], pause: u64, useful: u32) -> Option<(u32, u32)> {
        let mut storm = Storm::default();
        (1..100_000)
            .zip(numbers.iter().cycle())
            .find_map(|(count, &number)| {
                let has_news = useful > 0 && count % useful == 0;
                let now = u64::from(count) * pause;
                (storm.count(number, has_news) && storm.decide(now)).then_some((count, number))
            })
    }

    #[test]
    fn an_interrupt_without_need_is_masked_after_two_thousand() {
        assert_eq!(masked(&[7], 1000, 0), Some((1000, 7)));
        let late = masked(&[7], 9 * SECOND / 1000, 0);
        assert!(late.is_some_and(|(count, _)| count <= 2000), "{late:?}");
        // A device on the line works, but its interrupts are few among the others.
        let shared = masked(&[7], 1000, 100);
        assert_eq!(shared, Some((1000, 7)));
    }

    #[test]
    fn others_do_not_hide_it() {
        let found = masked(&[7, 7, 8, 7, 9], 1000, 0);
        assert!(found.is_some_and(|(count, number)| count < 6000 && number == 7));
    }

    #[test]
    fn needed_and_rare_interrupts_are_not_masked() {
        for useful in 1..=4 {
            assert_eq!(masked(&[7], 1000, useful), None);
        }
        assert_eq!(masked(&[7], SECOND / 50, 0), None);
    }

    #[test]
    fn an_interrupt_without_a_device_is_masked() {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        let taken = (1..10_000).find(|_| drivers.interrupt(7));
        assert!(taken.is_some_and(|taken| taken <= 2000), "{taken:?}");
    }
}
