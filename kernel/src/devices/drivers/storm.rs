//! Interrupts that are raised again and again although no device needs service.
//!
//! An interrupt line may be shared with a PCI function that has no driver, or be wired wrongly. If
//! it stays asserted, the machine would do little but take its interrupt. Such an interrupt is
//! masked after 2,000 at most, and the devices that use it are polled. Linux does the same after
//! 100,000 (`note_interrupt`).
//!
//! What raised it may end. The interrupt is enabled again once a device that uses it was restarted,
//! and after a pause; if it is still raised without need, it is masked again for twice as long.

use vmos_drivers::warn;

use vmos_drivers::interrupt::Interrupt;

use super::{Drivers, Route, Watching};
use crate::machine;
use crate::time::NEVER;

/// The number of interrupts after which it is decided whether they are needed.
const LIMIT: u32 = 1000;
/// The number of interrupts of which one at least has to find a completion. An interrupt may come
/// after its completion was processed, but seldom twice in a row.
const FUTILE: u32 = 8;
/// The time in which that many interrupts have to be raised, in nanoseconds: in a longer time, they
/// do no harm.
const PERIOD: u64 = 10_000_000_000;

/// The first pause until a masked interrupt is enabled again, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;
/// The longest pause, in nanoseconds.
const LONGEST_PAUSE: u64 = 600_000_000_000;

/// For how long interrupts are masked.
#[derive(Default)]
struct Pause {
    /// The last pause, in nanoseconds.
    length: u64,
    /// Until when interrupts are on trial, in nanoseconds: if one is masked until then, the pause
    /// doubles.
    trial: u64,
}

impl Pause {
    /// Returns until when an interrupt is masked from now on, and whether none was on trial.
    fn begin(&mut self, now: u64) -> (u64, bool) {
        let is_new = now >= self.trial;
        self.length = if is_new {
            PAUSE
        } else {
            LONGEST_PAUSE.min(2 * self.length)
        };
        (now + self.length, is_new)
    }

    /// Puts an interrupt on trial for as long as it was masked, and for as long as it takes to
    /// decide on it.
    const fn end(&mut self, now: u64) {
        self.trial = now + self.length + PERIOD;
    }
}

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
    pause: Pause,
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
            (self.number, self.count, self.useful) = (number, 1, 0);
        } else {
            self.count -= 1;
        }
        false
    }

    /// Returns whether the counted interrupt is raised without need, and counts anew.
    fn decide(&mut self, now: u64) -> bool {
        let is_futile = self.useful < LIMIT / FUTILE && now - self.decided < PERIOD;
        (self.count, self.useful, self.decided) = (0, 0, now);
        is_futile
    }
}

impl Route {
    /// Returns whether to enable the masked interrupt again: after the pause, or if its device is not polled any more. As a masked line raises no interrupt, the device was restarted
    /// then. A device with messages has others, which are not masked.
    const fn is_to_be_enabled(&self, is_polled: bool, now: u64) -> bool {
        let is_restarted = !is_polled && self.interrupt.trigger.is_level();
        self.masked_until <= now || is_restarted
    }
}

impl Drivers {
    /// Decides on an interrupt that was raised often. If it is raised without need, switches its
    /// devices to polling and returns true.
    #[cold]
    #[inline(never)]
    pub(super) fn is_storm(&mut self, number: u32) -> bool {
        let now = machine::now();
        if !self.storm.decide(now) {
            return false;
        }
        let (until, is_new) = self.storm.pause.begin(now);
        if is_new {
            warn!(
                "interrupt {number} stays asserted though no device needs it: masked; devices are polled"
            );
        }
        for index in 0..self.routes.len() {
            let route = &mut self.routes[index];
            if route.interrupt.number == number {
                route.masked_until = until;
                let source = route.source;
                if let Some(attached) = self.attached(source) {
                    attached.expect_no_interrupt();
                }
            }
        }
        // The next check has to be scheduled, also if the devices have nothing to do.
        self.watch_no_longer(Watching::No);
        true
    }

    /// Returns a masked interrupt that has to be enabled again, if there is one, and when to call
    /// this again. An interrupt that belongs to no device stays masked.
    pub(super) fn unmask(&mut self, now: u64) -> (Option<Interrupt>, u64) {
        let (mut found, mut due) = (None, NEVER);
        for index in 0..self.routes.len() {
            let route = self.routes[index];
            if route.masked_until == NEVER {
                continue;
            }
            let is_polled = { self.attached(route.source) }.is_none_or(|one| one.is_polled());
            if found.is_none() && route.is_to_be_enabled(is_polled, now) {
                found = Some(route.interrupt);
                self.storm.pause.end(now);
                self.routes[index].masked_until = NEVER;
            } else {
                due = due.min(route.masked_until);
            }
        }
        (found, due)
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
    fn a_masked_interrupt_is_enabled_after_pauses_that_double_up_to_ten_minutes() {
        let (mut pause, mut now) = (Pause::default(), SECOND);
        let pauses = [(); 12].map(|()| {
            let (until, is_new) = pause.begin(now);
            assert_eq!(
                is_new,
                now == SECOND,
                "it is on trial from the first time on"
            );
            let length = (until - now) / SECOND;
            pause.end(until);
            // It is raised again, rarely enough to be decided on as late as possible.
            now = until + PERIOD - 1;
            length
        });
        assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
        assert_eq!(pauses[11], 600);
        // The trial is as long as the pause.
        now += 2 * LONGEST_PAUSE;
        assert_eq!(pause.begin(now), (now + PAUSE, true));
    }

    fn route(number: u32) -> Route {
        Route {
            interrupt: Interrupt::level(number),
            source: super::super::Source::Entropy,
            is_configuration: false,
            masked_until: NEVER,
        }
    }

    /// Drivers of a device whose interrupt is raised until it is masked.
    fn stormy(number: u32) -> Drivers {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        drivers.routes.push(route(number));
        let taken = (1..10_000).find(|_| drivers.interrupt(number));
        assert!(taken.is_some_and(|taken| taken <= 2000), "{taken:?}");
        drivers
    }

    #[test]
    fn the_watch_over_devices_enables_an_interrupt_again_once() {
        let mut drivers = stormy(7);
        let (found, due) = drivers.unmask(machine::now());
        assert_eq!(found, None);
        assert!(due > machine::now() && due <= machine::now() + PAUSE);
        assert_eq!(drivers.unmask(due), (Some(Interrupt::level(7)), NEVER));
        assert_eq!(drivers.unmask(due), (None, NEVER));
        assert_eq!(
            drivers.watching,
            Watching::No,
            "the next check is scheduled"
        );
    }

    #[test]
    fn the_next_check_is_scheduled_in_the_turn_in_which_an_interrupt_is_masked() {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        drivers.routes.push(route(7));
        drivers.watching = Watching::Yes;
        drivers.calls.answer();
        assert!(!drivers.calls.any());
        assert!((1..10_000).any(|_| drivers.interrupt(7)));
        assert!(drivers.calls.any(), "the loop serves the devices");
    }

    #[test]
    fn a_masked_line_is_enabled_again_once_its_device_was_restarted() {
        let masked = Route {
            masked_until: 9,
            ..route(7)
        };
        assert!(!masked.is_to_be_enabled(true, 8) && masked.is_to_be_enabled(true, 9));
        assert!(masked.is_to_be_enabled(false, 8));
        // Another message of the device says nothing about this one.
        let message = Route {
            interrupt: Interrupt::edge(7),
            ..masked
        };
        assert!(!message.is_to_be_enabled(false, 8));
    }

    #[test]
    fn an_interrupt_without_a_device_is_masked() {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        let taken = (1..10_000).find(|_| drivers.interrupt(7));
        assert!(taken.is_some_and(|taken| taken <= 2000), "{taken:?}");
    }
}
