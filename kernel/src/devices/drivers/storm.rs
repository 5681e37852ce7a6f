//! Interrupts that are raised again and again although no device needs service.
//!
//! An interrupt line may be shared with a PCI function that has no driver, or be wired wrongly. If
//! it stays asserted, the machine would do little but take its interrupt. Such an interrupt is
//! masked after 2,000 at most, and the devices that use it are polled. Linux does the same after
//! 100,000 (`note_interrupt`).
//!
//! What raised it may end. The interrupt is enabled again once a device that uses it was restarted,
//! and after a pause; if it is still raised without need, it is masked again for twice as long
//! (`masked`).

use alloc::vec::Vec;
use core::mem;

use vmos_drivers::counts::report;
use vmos_drivers::interrupt::Interrupt;
use vmos_drivers::warn;

use super::masked::Masked;
use super::{Drivers, Route, Source, Watching};
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

/// How often an interrupt was raised since the last decision on it. Each interrupt of a device has a
/// count of its own: one that is raised without need is found at any rate of the others.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::devices) struct Raised {
    count: u32,
    /// How many of them found that a device had put something into a queue.
    useful: u32,
    /// The time of the last decision, in nanoseconds.
    decided: u64,
}

/// The interrupts that were masked, and the counts of those that no device uses.
#[derive(Default)]
pub(super) struct Storm {
    /// The interrupt without a device that is raised most often.
    number: u32,
    /// How many interrupts without a device had this number, less those that had another one.
    raised: Raised,
    /// The interrupts of devices that were masked, now or before: at most one for each route.
    masked: Vec<Masked>,
    /// How often an interrupt was masked that no device uses.
    unused: u64,
}

impl Raised {
    /// Counts an interrupt. Returns whether to decide on it.
    #[inline]
    pub(super) fn count(&mut self, has_news: bool) -> bool {
        self.count += 1;
        self.useful += u32::from(has_news);
        self.count >= LIMIT
    }

    /// Returns whether the interrupt is raised without need, and counts anew.
    fn decide(&mut self, now: u64) -> bool {
        let is_futile = self.useful < LIMIT / FUTILE && now - self.decided < PERIOD;
        (self.count, self.useful, self.decided) = (0, 0, now);
        is_futile
    }
}

impl Storm {
    /// Counts an interrupt that no device uses. Returns whether to decide on it.
    #[cold]
    pub(super) fn count_unused(&mut self, number: u32) -> bool {
        if self.number == number {
            return self.raised.count(false);
        }
        if self.raised.count == 0 {
            self.number = number;
        }
        self.raised.count = self.raised.count.abs_diff(1);
        false
    }
}

impl Drivers {
    /// Decides on an interrupt that was raised often. If it is raised without need, switches its
    /// devices to polling and returns true.
    #[cold]
    #[inline(never)]
    pub(super) fn is_storm(&mut self, number: u32) -> bool {
        let now = machine::now();
        let is_of = |route: &&mut Route| route.interrupt.number == number;
        let raised = match self.routes.iter_mut().find(is_of) {
            Some(route) => &mut route.raised,
            None => &mut self.storm.raised,
        };
        if !raised.decide(now) {
            return false;
        }
        let mut interrupt = None;
        for index in 0..self.routes.len() {
            let route = self.routes[index];
            if route.interrupt.number == number {
                interrupt = Some(route.interrupt);
                if let Some(attached) = self.attached(route.source) {
                    attached.expect_no_interrupt();
                }
            }
        }
        let Some(interrupt) = interrupt else {
            self.storm.unused += 1;
            report("interrupts masked that no device uses", self.storm.unused);
            return true;
        };
        if self.storm.mask(interrupt, now) {
            warn!(
                "interrupt {number} stays asserted though no device needs it: masked; devices are polled"
            );
        }
        // The next check has to be scheduled, also if the devices have nothing to do.
        self.watch_no_longer(Watching::No);
        true
    }

    /// Returns a masked interrupt that has to be enabled again, if there is one, and when to call
    /// this again. An interrupt that belongs to no device stays masked.
    pub(super) fn unmask(&mut self, now: u64) -> (Option<Interrupt>, u64) {
        let (mut found, mut due) = (None, NEVER);
        for index in 0..self.storm.masked.len() {
            let until = self.storm.masked[index].until;
            if until == NEVER {
                continue;
            }
            let interrupt = self.storm.masked[index].interrupt;
            if found.is_none() && (until <= now || self.was_restarted(interrupt)) {
                self.storm.masked[index].end(now, PERIOD);
                found = Some(interrupt);
            } else {
                due = due.min(until);
            }
        }
        (found, due)
    }

    /// Returns whether a device that uses the interrupt was restarted since it was masked.
    fn was_restarted(&mut self, interrupt: Interrupt) -> bool {
        let routes = mem::take(&mut self.routes);
        let found = any_restarted(&routes, interrupt, |source| {
            let attached = self.attached(source);
            attached.is_some_and(|attached| mem::take(&mut attached.was_restarted))
        });
        self.routes = routes;
        found
    }
}

/// Returns whether `take` is true for any device that uses the interrupt. Asks for all of them.
fn any_restarted(
    routes: &[Route],
    interrupt: Interrupt,
    mut take: impl FnMut(Source) -> bool,
) -> bool {
    let users = routes
        .iter()
        .filter(|route| route.interrupt.number == interrupt.number);
    users.filter(|route| take(route.source)).count() > 0
}

impl Storm {
    /// Records that an interrupt is masked. Returns whether it was neither masked nor on probation.
    fn mask(&mut self, interrupt: Interrupt, now: u64) -> bool {
        let known = |masked: &&mut Masked| masked.interrupt.number == interrupt.number;
        if let Some(masked) = self.masked.iter_mut().find(known) {
            return masked.begin(now);
        }
        self.masked.push(Masked::new(interrupt, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Raises an interrupt every `pause` nanoseconds; every `useful`th finds a completion. Returns how
    /// many it takes until it is masked.
    fn masked(pause: u64, useful: u32) -> Option<u32> {
        let mut raised = Raised::default();
        // Miri takes minutes for all of them.
        (1..if cfg!(miri) { 6_000 } else { 100_000 }).find(|&count| {
            let has_news = useful > 0 && count % useful == 0;
            raised.count(has_news) && raised.decide(u64::from(count) * pause)
        })
    }

    #[test]
    fn an_interrupt_without_need_is_masked_after_two_thousand() {
        assert_eq!(masked(1000, 0), Some(1000));
        let late = masked(9 * SECOND / 1000, 0);
        assert!(late.is_some_and(|count| count <= 2000), "{late:?}");
        // A device on the line works, but its interrupts are few among the others.
        assert_eq!(masked(1000, 100), Some(1000));
    }

    #[test]
    fn an_unused_interrupt_is_found_among_others() {
        let mut storm = Storm::default();
        let numbers = [7, 7, 8, 7, 9].into_iter().cycle();
        let found = (1..6000)
            .zip(numbers)
            .find(|&(_, number)| storm.count_unused(number));
        assert!(found.is_some_and(|(_, number)| number == 7), "{found:?}");
    }

    #[test]
    fn needed_and_rare_interrupts_are_not_masked() {
        for useful in 1..=4 {
            assert_eq!(masked(1000, useful), None);
        }
        assert_eq!(masked(SECOND / 50, 0), None);
    }

    fn route(number: u32) -> Route {
        Route {
            interrupt: Interrupt::level(number),
            source: Source::Entropy,
            is_configuration: false,
            raised: Raised::default(),
        }
    }

    /// Raises an interrupt until it is masked. Returns whether it was.
    fn storm(drivers: &mut Drivers, number: u32) -> bool {
        use crate::event_loop::Services as _;
        (1..=2000).any(|_| drivers.interrupt(number))
    }

    #[test]
    #[cfg_attr(
        miri,
        ignore = "the host's clock runs, so the interrupts are too rare; calls no unsafe code"
    )]
    fn lines_that_are_raised_in_turn_are_all_masked() {
        use crate::event_loop::Services as _;
        for lines in 2..=4 {
            let mut drivers = Drivers::default();
            drivers.routes.extend((1..=lines).map(route));
            let masked = (0..lines * 2000).filter(|raised| drivers.interrupt(1 + raised % lines));
            assert!(masked.count() >= lines as usize, "{lines} lines");
        }
    }

    #[test]
    fn the_watch_over_devices_enables_an_interrupt_again_once() {
        let mut drivers = Drivers::default();
        drivers.routes.push(route(7));
        assert!(storm(&mut drivers, 7));
        let (found, due) = drivers.unmask(machine::now());
        assert_eq!(found, None);
        assert!(due > machine::now() && due <= machine::now() + SECOND);
        assert_eq!(drivers.unmask(due), (Some(Interrupt::level(7)), NEVER));
        assert_eq!(drivers.unmask(due), (None, NEVER));
    }

    #[test]
    fn a_line_that_devices_share_is_enabled_again_once() {
        let mut drivers = Drivers::default();
        drivers.routes.extend([route(7), route(7)]);
        assert!(storm(&mut drivers, 7));
        let (_, due) = drivers.unmask(machine::now());
        assert_eq!(drivers.unmask(due), (Some(Interrupt::level(7)), NEVER));
        assert_eq!(drivers.unmask(due), (None, NEVER));
    }

    #[test]
    fn a_restart_of_any_device_on_the_line_counts_once() {
        let disk = |index| Route {
            source: Source::Disk(index),
            ..route(7)
        };
        let routes = [disk(0), disk(1), route(8)];
        let mut restarted = [true, true];
        let mut take = |source| match source {
            Source::Disk(index) => mem::take(&mut restarted[index]),
            _ => panic!("another line's device"),
        };
        assert!(any_restarted(&routes, Interrupt::level(7), &mut take));
        assert!(!any_restarted(&routes, Interrupt::level(7), &mut take));
    }

    #[test]
    fn each_interrupt_has_a_pause_of_its_own() {
        let mut storm = Storm::default();
        assert!(storm.mask(Interrupt::level(7), SECOND));
        storm.masked[0].end(2 * SECOND, PERIOD);
        assert!(!storm.mask(Interrupt::level(7), 3 * SECOND), "on probation");
        assert!(storm.mask(Interrupt::edge(8), 3 * SECOND));
        let until = storm.masked.iter().map(|masked| masked.until / SECOND);
        assert_eq!(until.collect::<Vec<_>>(), [5, 4]);
    }

    #[test]
    fn an_interrupt_that_cannot_be_masked_is_masked_once() {
        let mut storm = Storm::default();
        assert!(storm.mask(Interrupt::edge(7), SECOND));
        let until = storm.masked[0].until;
        assert!(!storm.mask(Interrupt::edge(7), SECOND + 1));
        assert_eq!(storm.masked[0].until, until);
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
    fn an_interrupt_without_a_device_is_masked() {
        let mut drivers = Drivers::default();
        assert!(storm(&mut drivers, 7));
        assert_eq!(drivers.unmask(u64::MAX - 1), (None, NEVER));
    }
}
