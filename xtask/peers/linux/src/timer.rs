//! Measures how late a thread wakes from a sleep with a deadline.

use std::io::{Error, Result};
use std::ptr;

/// The time between deadlines, in nanoseconds.
const PERIOD: u64 = 1_000_000;
/// The number of deadlines that the benchmark waits for.
const SLEEPS: usize = 2000;

/// Sleeps until each deadline, and prints how late each wake-up was.
pub(crate) fn measure() -> Result<()> {
    // By default, Linux delays a wake-up by up to 50 microseconds to combine it with others.
    let slack: libc::c_ulong = 1;
    // SAFETY: this option takes a number.
    let _ = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, slack) };
    let mut late = Vec::with_capacity(SLEEPS);
    let mut deadline = now()?;
    for _ in 0..SLEEPS {
        deadline += PERIOD;
        sleep_until(deadline);
        late.push(now()?.saturating_sub(deadline));
    }
    late.sort_unstable();
    println!(
        r#"{{"bench":"timer","period_ns":{PERIOD},"ops":{SLEEPS},"late_p50_ns":{},"late_p99_ns":{},"late_max_ns":{}}}"#,
        late[SLEEPS / 2],
        late[SLEEPS * 99 / 100],
        late[SLEEPS - 1],
    );
    Ok(())
}

/// Reads the monotonic clock, in nanoseconds.
fn now() -> Result<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writes.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    if result != 0 {
        return Err(Error::last_os_error());
    }
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

fn sleep_until(deadline: u64) {
    let time = libc::timespec {
        tv_sec: (deadline / 1_000_000_000) as _,
        tv_nsec: (deadline % 1_000_000_000) as _,
    };
    let (clock, flags) = (libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME);
    // SAFETY: `time` is valid for reads, and the pointer for the remaining time may be null.
    let _ = unsafe { libc::clock_nanosleep(clock, flags, &raw const time, ptr::null_mut()) };
}
