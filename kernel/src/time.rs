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

/// What the board's clock says of the time of day, as fine as that clock is; `None` where the board
/// has no such clock.
#[must_use]
pub fn wall_clock() -> Option<UnixTime> {
    machine::wall_clock().map(UnixTime::new)
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
