//! Time: a monotonic clock in nanoseconds, and the deadlines that tasks wait for.
//!
//! The types are those of embassy-time, so crates written for it run without changes. The board's
//! timer and a queue of deadlines (`queue`) implement them: the event loop sets the timer to the
//! earliest deadline, so there is no periodic tick.

pub use embassy_time::{
    Delay, Duration, Instant, Ticker, TimeoutError, Timer, WithTimeout, with_deadline, with_timeout,
};

pub use crate::deadline::{TimesOut, Within};

#[cfg(test)]
pub(crate) mod alone;
pub(crate) mod queue;
mod wall_clock;

pub use wall_clock::UnixTime;

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::Mutex;
use vmos_drivers::counts::report;

use crate::machine;
use queue::DeadlineQueue;

static DEADLINES: Mutex<RefCell<DeadlineQueue>> = Mutex::new(RefCell::new(DeadlineQueue::new()));
/// The earliest deadline, which the loop reads in each turn.
static NEXT: Mutex<Cell<u64>> = Mutex::new(Cell::new(NEVER));
/// When the loop checks the devices; this counts as a deadline.
static WATCH: Mutex<Cell<u64>> = Mutex::new(Cell::new(NEVER));

/// Whether the loop must set the interrupt lines of parts; this counts as a deadline that has passed.
static LINES: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));

struct Driver;

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        now()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        with_deadlines(|deadlines| deadlines.insert(at, waker));
    }
}

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);

/// Returns the time of the monotonic clock in nanoseconds: on most boards, since the machine
/// started.
#[must_use]
pub fn now() -> u64 {
    machine::now()
}

/// The difference between the time of day and the monotonic clock, in nanoseconds, once it was set.
static WALL_CLOCK: Mutex<Cell<Option<u64>>> = Mutex::new(Cell::new(None));

/// Returns the time of day: as [set](set_wall_clock), or else from the board's clock with its
/// resolution. `None` if it was not set and the board has no such clock.
#[must_use]
pub fn wall_clock() -> Option<UnixTime> {
    match critical_section::with(|cs| WALL_CLOCK.borrow(cs).get()) {
        Some(ahead) => Some(core::time::Duration::from_nanos(now().wrapping_add(ahead))),
        None => machine::wall_clock(),
    }
    .map(UnixTime::new)
}

/// Sets the time of day. From then on it follows the monotonic clock, with nanosecond resolution;
/// the board's clock is not changed. A time after the year 2554 is set to the end of that range.
pub fn set_wall_clock(time: UnixTime) {
    let nanoseconds = u64::try_from(time.since_1970().as_nanos()).unwrap_or(u64::MAX);
    let ahead = nanoseconds.wrapping_sub(now());
    critical_section::with(|cs| WALL_CLOCK.borrow(cs).set(Some(ahead)));
}

/// Changes the time of day by `nanoseconds`, forward or back, as a time server's answer requires.
/// Returns false if there is no time of day.
pub fn step_wall_clock(nanoseconds: i64) -> bool {
    let Some(time) = wall_clock() else {
        return false;
    };
    let step = core::time::Duration::from_nanos(nanoseconds.unsigned_abs());
    let since_1970 = time.since_1970();
    set_wall_clock(UnixTime::new(if nanoseconds < 0 {
        since_1970.saturating_sub(step)
    } else {
        since_1970.saturating_add(step)
    }));
    true
}

/// Counts of late timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimerCounts {
    /// The longest time from a deadline to the turn of the loop that woke its task, in nanoseconds.
    pub latest: u64,
    /// Deadlines that the loop reached more than 100 ms late: the machine or its host paused, or a
    /// task ran too long.
    pub late: u64,
}

vmos_drivers::counted!(TimerCounts { latest, late });

static COUNTS: Mutex<Cell<TimerCounts>> = Mutex::new(Cell::new(TimerCounts { latest: 0, late: 0 }));

/// The delay from which a timer counts as late, in nanoseconds.
const LATE: u64 = 100_000_000;

/// Returns the counts of late timers.
pub(crate) fn counts() -> TimerCounts {
    critical_section::with(|cs| COUNTS.borrow(cs).get())
}

#[cold]
fn note_lateness(lateness: u64) {
    critical_section::with(|cs| {
        let mut counts = COUNTS.borrow(cs).get();
        counts.latest = counts.latest.max(lateness);
        if lateness > LATE {
            counts.late += 1;
            report("timers more than 100 ms late", counts.late);
        }
        COUNTS.borrow(cs).set(counts);
    });
}

/// Wakes all tasks whose deadline is at or before `now`.
pub(crate) fn expire(now: u64) {
    let next = next_deadline();
    if next > now {
        return;
    }
    let lateness = now - next;
    if lateness > counts().latest || lateness > LATE {
        note_lateness(lateness);
    }
    // Each waker is called outside the borrow, since it may set a deadline.
    while let Some(waker) = with_deadlines(|deadlines| deadlines.take_expired(now)) {
        waker.wake();
    }
}

/// Calls `act` with the deadlines, and updates the earliest.
fn with_deadlines<R>(act: impl FnOnce(&mut DeadlineQueue) -> R) -> R {
    critical_section::with(|cs| {
        let deadlines = &mut *DEADLINES.borrow_ref_mut(cs);
        let result = act(deadlines);
        let at_once = !machine::PARTS.is_empty() && LINES.borrow(cs).get();
        let watch = if at_once { 0 } else { WATCH.borrow(cs).get() };
        NEXT.borrow(cs)
            .set(deadlines.next().unwrap_or(NEVER).min(watch));
        result
    })
}

/// A time in nanoseconds that is never reached; it stands for no deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// Sets when the loop checks the devices, in nanoseconds.
pub(crate) fn set_watch(at: u64) {
    critical_section::with(|cs| WATCH.borrow(cs).set(at));
    with_deadlines(|_| ());
}

/// Sets whether the loop must set the interrupt lines of parts, which it does when a deadline has
/// passed: this makes one pass at once.
pub(crate) fn set_lines_soon(soon: bool) {
    critical_section::with(|cs| LINES.borrow(cs).set(soon));
    with_deadlines(|_| ());
}

/// Returns when the loop checks the devices, in nanoseconds; [`NEVER`] if it does not.
pub(crate) fn watch_deadline() -> u64 {
    critical_section::with(|cs| WATCH.borrow(cs).get())
}

/// Returns the earliest deadline of a task, in nanoseconds; [`NEVER`] if there is none.
#[cold]
pub(crate) fn task_deadline() -> u64 {
    with_deadlines(|deadlines| deadlines.next().unwrap_or(NEVER))
}

/// Returns the earliest deadline of a task or of the loop itself; [`NEVER`] if there is none.
#[inline]
pub(crate) fn next_deadline() -> u64 {
    critical_section::with(|cs| NEXT.borrow(cs).get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_can_be_set_and_stepped_and_continues() {
        let seconds = |n| core::time::Duration::from_secs(n);
        set_wall_clock(UnixTime::new(seconds(1_000_000_000)));
        let read = || wall_clock().map(UnixTime::since_1970).unwrap_or_default();
        assert!((seconds(1_000_000_000)..seconds(1_000_000_060)).contains(&read()));
        assert!(step_wall_clock(-3_600_000_000_000));
        assert!((seconds(999_996_400)..seconds(999_996_460)).contains(&read()));
        assert!(step_wall_clock(7_200_000_000_000));
        assert!((seconds(1_000_003_600)..seconds(1_000_003_660)).contains(&read()));
        let before = read();
        assert!(read() > before);
    }
}
