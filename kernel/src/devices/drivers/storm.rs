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

/// Whether an interrupt is masked, and until when.
#[derive(Clone, Copy, Debug)]
pub(in crate::devices) struct Masked {
    /// The time at which it is enabled again, in nanoseconds; [`NEVER`] if it is not masked.
    until: u64,
    /// How long it was masked the last time, in nanoseconds.
    pause: u64,
    /// Until when it is on trial: if it is masked until then, the pause doubles.
    trial: u64,
    /// How often its devices had been restarted when it was masked.
    restarts: u32,
}

impl Default for Masked {
    fn default() -> Self {
        Self {
            until: NEVER,
            pause: 0,
            trial: 0,
            restarts: 0,
        }
    }
}

impl Masked {
    /// Masks an interrupt whose devices were restarted so often. Returns whether it was not on trial.
    fn begin(&mut self, now: u64, restarts: u32) -> bool {
        let is_new = now >= self.trial;
        self.pause = if is_new {
            PAUSE
        } else {
            LONGEST_PAUSE.min(2 * self.pause)
        };
        self.until = now.saturating_add(self.pause);
        self.restarts = restarts;
        is_new
    }

    /// Returns whether to enable a masked interrupt again. It is then on trial for as long as it was
    /// masked, and for as long as it takes to decide on it.
    fn ends(&mut self, now: u64, restarts: u32) -> bool {
        let ends = self.until <= now || self.restarts != restarts;
        if ends {
            self.until = NEVER;
            self.trial = now.saturating_add(self.pause + PERIOD);
        }
        ends
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
        let now = machine::now();
        if !self.storm.decide(now) {
            return false;
        }
        for index in 0..self.routes.len() {
            let Route {
                interrupt, source, ..
            } = self.routes[index];
            if interrupt.number == number
                && let Some(attached) = self.attached(source)
            {
                attached.expect_no_interrupt();
            }
        }
        let restarts = self.restarts(number);
        let mut routes = self.routes.iter_mut();
        let route = routes.find(|route| route.interrupt.number == number);
        let is_new = route.is_none_or(|route| route.masked.begin(now, restarts));
        if is_new {
            warn!(
                "interrupt {number} stays asserted though no device needs it: masked; devices are polled"
            );
        }
        // The next check has to be scheduled, also if the devices have nothing to do.
        self.watching = Watching::No;
        true
    }

    /// Returns a masked interrupt that has to be enabled again, if there is one, and when to call
    /// this again. An interrupt that belongs to no device stays masked.
    pub(super) fn unmask(&mut self, now: u64) -> (Option<Interrupt>, u64) {
        let (mut found, mut due) = (None, NEVER);
        for index in 0..self.routes.len() {
            let Route {
                interrupt, masked, ..
            } = self.routes[index];
            if masked.until == NEVER {
                continue;
            }
            let restarts = self.restarts(interrupt.number);
            let masked = &mut self.routes[index].masked;
            if found.is_none() && masked.ends(now, restarts) {
                found = Some(interrupt);
            }
            due = due.min(masked.until);
        }
        (found, due)
    }

    /// Returns how often the devices that use an interrupt were restarted.
    fn restarts(&mut self, number: u32) -> u32 {
        let mut restarts = 0;
        for index in 0..self.routes.len() {
            let Route {
                interrupt, source, ..
            } = self.routes[index];
            if interrupt.number == number
                && let Some(attached) = self.attached(source)
            {
                restarts += attached.statistics().restarts;
            }
        }
        restarts
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
        let (mut masked, mut now) = (Masked::default(), SECOND);
        let pauses = [(); 12].map(|()| {
            let is_new = masked.begin(now, 0);
            assert_eq!(
                is_new,
                now == SECOND,
                "it is on trial from the first time on"
            );
            let begun = now;
            while !masked.ends(now, 0) {
                now += SECOND / 10;
            }
            let pause = (now - begun) / SECOND;
            // It is raised again, rarely enough to be decided on as late as possible.
            now += PERIOD - 1;
            pause
        });
        assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
        assert_eq!(pauses[11], 600);
    }

    #[test]
    fn a_restart_of_its_device_ends_the_pause_and_a_passed_trial_shortens_the_next() {
        let mut masked = Masked::default();
        assert!(masked.begin(0, 3));
        assert!(!masked.ends(1, 3));
        assert!(masked.ends(1, 4));
        assert!(!masked.begin(2, 4), "again at once");
        assert!(!masked.ends(2 + 2 * SECOND - 1, 4));
        assert!(masked.ends(2 + 2 * SECOND, 4));
        let now = 15 * SECOND;
        assert!(masked.begin(now, 4), "the trial is over");
        assert!(masked.ends(now + PAUSE, 4));
    }

    /// Drivers of no device, with a route, whose interrupt is raised until it is masked.
    fn stormy(number: u32) -> Drivers {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        drivers.routes.push(Route {
            interrupt: Interrupt::level(number),
            source: super::super::Source::Network,
            is_configuration: false,
            masked: Masked::default(),
        });
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
    fn an_interrupt_without_a_device_is_masked() {
        use crate::event_loop::Services as _;
        let mut drivers = Drivers::default();
        let taken = (1..10_000).find(|_| drivers.interrupt(7));
        assert!(taken.is_some_and(|taken| taken <= 2000), "{taken:?}");
    }
}
