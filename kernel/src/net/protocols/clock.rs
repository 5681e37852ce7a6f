//! smoltcp's time and the event loop's.

use smoltcp::time::Instant;

/// smoltcp counts in microseconds. Rounded down, so that nothing is due too early.
pub(in crate::net) fn instant(nanoseconds: u64) -> Instant {
    Instant::from_micros((nanoseconds / 1000) as i64)
}

/// The way back from [`instant`].
pub(super) fn nanoseconds(instant: Instant) -> u64 {
    (instant.total_micros().max(0) as u64).saturating_mul(1000)
}
