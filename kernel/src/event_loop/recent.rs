//! The last things that the loop did, for the report when something goes wrong.

use core::cell::Cell;
use core::fmt;

use critical_section::Mutex;

use crate::time::NEVER;

/// How many events are remembered; a power of two, so that counting round costs nothing.
const REMEMBERED: usize = 16;

static RECENT: Mutex<Recent> = Mutex::new(Recent::new());

/// Something that the loop did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// Took the interrupt of this number.
    Interrupt(u32),
    /// Ran the tasks that were ready.
    Tasks,
    /// Slept until this time in nanoseconds, or for any interrupt where it is [`NEVER`].
    Sleep(u64),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Interrupt(number) => write!(f, "interrupt {number}"),
            Self::Tasks => f.write_str("ran tasks"),
            Self::Sleep(NEVER) => f.write_str("slept until an interrupt"),
            Self::Sleep(until) => {
                write!(f, "slept until an interrupt or {}", Seconds(until))
            }
        }
    }
}

/// A time in nanoseconds, as the log writes it.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0 / 1_000;
        write!(
            f,
            "{}.{:06}",
            microseconds / 1_000_000,
            microseconds % 1_000_000
        )
    }
}

/// Notes what the loop does in the turn that began at `now`.
#[inline]
pub(crate) fn note(now: u64, event: Event) {
    critical_section::with(|cs| RECENT.borrow(cs).note(now, event));
}

/// Writes a line for each event that is remembered, the oldest first.
pub(crate) fn print(out: &mut dyn fmt::Write) -> fmt::Result {
    critical_section::with(|cs| RECENT.borrow(cs).print(out))
}

/// Events in the order in which they happened, over and over in the same places.
struct Recent {
    events: [Cell<Option<(u64, Event)>>; REMEMBERED],
    next: Cell<usize>,
}

impl Recent {
    const fn new() -> Self {
        Self {
            events: [const { Cell::new(None) }; REMEMBERED],
            next: Cell::new(0),
        }
    }

    #[inline]
    fn note(&self, now: u64, event: Event) {
        let next = self.next.get();
        self.events[next % REMEMBERED].set(Some((now, event)));
        self.next.set(next.wrapping_add(1));
    }

    fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let next = self.next.get();
        (0..REMEMBERED)
            .filter_map(|behind| self.events[next.wrapping_add(behind) % REMEMBERED].get())
            .try_for_each(|(at, event)| writeln!(out, "  [{}] {event}", Seconds(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn printed(recent: &Recent) -> String {
        let mut text = String::new();
        recent.print(&mut text).expect("a string takes everything");
        text
    }

    #[test]
    fn a_loop_that_never_turned_has_nothing_to_tell() {
        assert_eq!(printed(&Recent::new()), "");
    }

    #[test]
    fn events_are_told_in_the_order_in_which_they_happened() {
        let recent = Recent::new();
        recent.note(1_000, Event::Interrupt(79));
        recent.note(2_000, Event::Tasks);
        recent.note(3_000_000_000, Event::Sleep(NEVER));
        recent.note(3_000_001_000, Event::Sleep(4_500_000_000));
        assert_eq!(
            printed(&recent),
            "  [0.000001] interrupt 79\n  \
             [0.000002] ran tasks\n  \
             [3.000000] slept until an interrupt\n  \
             [3.000001] slept until an interrupt or 4.500000\n"
        );
    }

    #[test]
    fn only_the_last_events_are_remembered() {
        let recent = Recent::new();
        for number in 0..100 {
            recent.note(0, Event::Interrupt(number));
        }
        let text = printed(&recent);
        assert_eq!(text.lines().count(), REMEMBERED);
        assert_eq!(text.lines().next(), Some("  [0.000000] interrupt 84"));
        assert_eq!(text.lines().last(), Some("  [0.000000] interrupt 99"));
    }
}
