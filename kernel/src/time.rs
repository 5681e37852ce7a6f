//! Time: a nanosecond clock that does not tick, and the deadlines that tasks wait for.
//!
//! The types are embassy-time's, so crates written for it run here unmodified. Behind them stand
//! the board's timer and one queue of deadlines (`queue`); the event loop asks the queue for the
//! earliest one and lets the timer raise its interrupt then, so nothing happens in between.

pub use embassy_time::{
    Delay, Duration, Instant, Ticker, TimeoutError, Timer, WithTimeout, with_deadline, with_timeout,
};

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
/// The earliest of them, which the loop asks for each turn.
static NEXT: Mutex<Cell<u64>> = Mutex::new(Cell::new(NEVER));
/// When the loop looks at the devices, which counts as a deadline.
static WATCH: Mutex<Cell<u64>> = Mutex::new(Cell::new(NEVER));

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

/// Nanoseconds on the monotonic clock: since the machine started, on most boards.
#[must_use]
pub fn now() -> u64 {
    machine::now()
}

/// How far the time of day is ahead of the monotonic clock, in nanoseconds, once somebody has said so.
static WALL_CLOCK: Mutex<Cell<Option<u64>>> = Mutex::new(Cell::new(None));

/// The time of day: what it was [set](set_wall_clock) to, else what the board's clock says, as fine as
/// that is. `None` where the board has no such clock.
#[must_use]
pub fn wall_clock() -> Option<UnixTime> {
    match critical_section::with(|cs| WALL_CLOCK.borrow(cs).get()) {
        Some(ahead) => Some(core::time::Duration::from_nanos(now().wrapping_add(ahead))),
        None => machine::wall_clock(),
    }
    .map(UnixTime::new)
}

/// Sets the time of day. From here on it goes by the monotonic clock, to the nanosecond; the board's
/// own clock is left as it is. What is after the year 2554 counts as the end of that range.
pub fn set_wall_clock(time: UnixTime) {
    let nanoseconds = u64::try_from(time.since_1970().as_nanos()).unwrap_or(u64::MAX);
    let ahead = nanoseconds.wrapping_sub(now());
    critical_section::with(|cs| WALL_CLOCK.borrow(cs).set(Some(ahead)));
}

/// Steps the time of day by so many nanoseconds, forward or back: what a time server says it is off.
/// Where there is no time of day to be stepped, returns false.
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

/// How late timers were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimerCounts {
    /// The longest from a deadline to the turn of the loop that woke the task, in nanoseconds.
    pub latest: u64,
    /// Times a deadline was over for more than 100 ms when the loop came to it: the machine, or the
    /// computer that it runs on, stood still, or a task did not let others run.
    pub late: u64,
}

vmos_drivers::counted!(TimerCounts { latest, late });

static COUNTS: Mutex<Cell<TimerCounts>> = Mutex::new(Cell::new(TimerCounts { latest: 0, late: 0 }));

/// From so many nanoseconds on a timer is late.
const LATE: u64 = 100_000_000;

/// How late timers were so far.
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

/// Wakes every task whose deadline is not after `now`.
pub(crate) fn expire(now: u64) {
    let next = next_deadline();
    if next > now {
        return;
    }
    let lateness = now - next;
    if lateness > counts().latest || lateness > LATE {
        note_lateness(lateness);
    }
    // Each waker is called outside the borrow: it may set a deadline of its own.
    while let Some(waker) = with_deadlines(|deadlines| deadlines.take_expired(now)) {
        waker.wake();
    }
}

/// Lets `act` change the deadlines, and keeps the earliest.
fn with_deadlines<R>(act: impl FnOnce(&mut DeadlineQueue) -> R) -> R {
    critical_section::with(|cs| {
        let deadlines = &mut *DEADLINES.borrow_ref_mut(cs);
        let result = act(deadlines);
        let watch = WATCH.borrow(cs).get();
        NEXT.borrow(cs)
            .set(deadlines.next().unwrap_or(NEVER).min(watch));
        result
    })
}

/// A time that never comes, in nanoseconds: where nobody waits for anything.
pub(crate) const NEVER: u64 = u64::MAX;

/// Has the loop look at the devices at `at`, in nanoseconds.
pub(crate) fn set_watch(at: u64) {
    critical_section::with(|cs| WATCH.borrow(cs).set(at));
    with_deadlines(|_| ());
}

/// When the loop looks at the devices, in nanoseconds; [`NEVER`] where it does not.
pub(crate) fn watch_deadline() -> u64 {
    critical_section::with(|cs| WATCH.borrow(cs).get())
}

/// The earliest deadline that a task or the loop itself waits for; [`NEVER`] where none does.
#[inline]
pub(crate) fn next_deadline() -> u64 {
    critical_section::with(|cs| NEXT.borrow(cs).get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_can_be_set_and_stepped_and_goes_on() {
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
