//! The last turns of the loop in which anything happened, for the crash report.

use core::cell::Cell;
use core::fmt;

use critical_section::Mutex;

use crate::arch;
use crate::time::NEVER;

/// The number of turns kept; a power of two, so that wrapping around is cheap.
const REMEMBERED: usize = if arch::IS_MICROCONTROLLER { 4 } else { 8 };

/// Marks a turn without an interrupt.
const NO_INTERRUPT: u32 = u32::MAX;

/// The turns of the running loop.
pub(super) static RECENT: Mutex<Recent> = Mutex::new(Recent::new());

/// Prints a line for each event of the turns kept, the oldest first.
pub(crate) fn print(out: &mut dyn fmt::Write) -> fmt::Result {
    critical_section::with(|cs| RECENT.borrow(cs).print(out))
}

/// One turn, recorded as it happens. The size is a power of two, so that indexing is a shift.
#[repr(align(32))]
pub(crate) struct Turn {
    /// The start of the turn, in nanoseconds.
    at: Cell<u64>,
    /// The interrupt that was taken last, or [`NO_INTERRUPT`].
    interrupt: Cell<u32>,
    ran_tasks: Cell<bool>,
    slept: Cell<bool>,
    /// The end of the sleep after this turn in nanoseconds, if the loop slept.
    until: Cell<u64>,
}

impl Turn {
    /// Returns a place for a turn. All its bytes are zero, so that an image does not contain them.
    const fn new() -> Self {
        Self {
            at: Cell::new(0),
            interrupt: Cell::new(0),
            ran_tasks: Cell::new(false),
            slept: Cell::new(false),
            until: Cell::new(0),
        }
    }

    /// Records that an interrupt was taken.
    #[inline]
    pub(super) fn interrupt(&self, number: u32) {
        self.interrupt.set(number);
    }

    /// Records that ready tasks are run.
    #[inline]
    pub(super) fn tasks(&self) {
        self.ran_tasks.set(true);
    }

    /// Records that the loop sleeps until this time in nanoseconds, or, for [`NEVER`], until an
    /// interrupt.
    #[inline]
    pub(super) fn sleep(&self, until: u64) {
        self.slept.set(true);
        self.until.set(until);
    }

    /// Returns whether nothing happened in the turn.
    #[inline]
    fn is_empty(&self) -> bool {
        self.interrupt.get() == NO_INTERRUPT && !self.ran_tasks.get() && !self.slept.get()
    }

    fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let at = Seconds(self.at.get());
        if self.interrupt.get() != NO_INTERRUPT {
            writeln!(out, "  [{at}] interrupt {}", self.interrupt.get())?;
        }
        if self.ran_tasks.get() {
            writeln!(out, "  [{at}] ran tasks")?;
        }
        match self.until.get() {
            _ if !self.slept.get() => Ok(()),
            NEVER => writeln!(out, "  [{at}] slept until an interrupt"),
            until => writeln!(
                out,
                "  [{at}] slept until an interrupt or {}",
                Seconds(until)
            ),
        }
    }
}

/// A time in nanoseconds, printed as in the log.
struct Seconds(u64);

impl fmt::Display for Seconds {
    #[cold]
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

/// A ring of the last turns.
pub(crate) struct Recent {
    turns: [Turn; REMEMBERED],
    /// The index of the current turn.
    current: Cell<usize>,
}

impl Recent {
    pub(crate) const fn new() -> Self {
        Self {
            turns: [const { Turn::new() }; REMEMBERED],
            current: Cell::new(0),
        }
    }

    /// Returns the current turn.
    #[inline]
    fn turn(&self) -> &Turn {
        &self.turns[self.current.get() % REMEMBERED]
    }

    /// Starts a turn at `now`, in nanoseconds, and returns it.
    #[inline]
    pub(super) fn begin(&self, now: u64) -> &Turn {
        self.current.set(self.current.get().wrapping_add(1));
        let turn = self.turn();
        turn.at.set(now);
        turn.interrupt.set(NO_INTERRUPT);
        turn.ran_tasks.set(false);
        turn.slept.set(false);
        turn
    }

    /// Ends the current turn without a sleep, and forgets it if nothing happened in it.
    #[inline]
    pub(super) fn end(&self) {
        if self.turn().is_empty() {
            self.current.set(self.current.get().wrapping_sub(1));
        }
    }

    fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let current = self.current.get();
        let oldest = current.wrapping_add(1);
        // Some places are empty during the first turns.
        (REMEMBERED.saturating_sub(current)..REMEMBERED)
            .map(|behind| &self.turns[oldest.wrapping_add(behind) % REMEMBERED])
            .try_for_each(|turn| turn.print(out))
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
    fn before_the_first_turn_nothing_is_printed() {
        assert_eq!(printed(&Recent::new()), "");
    }

    #[test]
    fn events_are_printed_in_order() {
        let recent = Recent::new();
        recent.begin(1_000).interrupt(79);
        recent.begin(2_000).tasks();
        for (now, until) in [(3_000_000_000, NEVER), (3_000_001_000, 4_500_000_000)] {
            recent.begin(now).sleep(until);
        }
        assert_eq!(
            printed(&recent),
            "  [0.000001] interrupt 79\n  \
             [0.000002] ran tasks\n  \
             [3.000000] slept until an interrupt\n  \
             [3.000001] slept until an interrupt or 4.500000\n"
        );
    }

    #[test]
    fn an_empty_turn_is_not_kept() {
        let recent = Recent::new();
        recent.begin(1_000).interrupt(79);
        recent.end();
        (2_000..3_000).for_each(|now| {
            recent.begin(now);
            recent.end();
        });
        assert_eq!(printed(&recent), "  [0.000001] interrupt 79\n");
    }

    #[test]
    fn only_the_last_turns_are_kept() {
        let recent = Recent::new();
        for number in 0..100 {
            recent.begin(0).interrupt(number);
        }
        let text = printed(&recent);
        assert_eq!(text.lines().count(), REMEMBERED);
        assert_eq!(text.lines().next(), Some("  [0.000000] interrupt 92"));
        assert_eq!(text.lines().last(), Some("  [0.000000] interrupt 99"));
    }
}
