//! The retransmission timeout (RFC 6298).

use super::sequence::Sequence;

const MILLISECOND: u64 = 1_000_000;
/// The timeout before the first measurement (2.1).
const FIRST: u64 = 1000 * MILLISECOND;
/// The shortest timeout (2.4).
const SHORTEST: u64 = 1000 * MILLISECOND;
/// The longest timeout (2.5).
const LONGEST: u64 = 60_000 * MILLISECOND;

/// The measured round trip time. All times are in nanoseconds.
pub(super) struct RoundTrip {
    smoothed: Option<u64>,
    variation: u64,
    timeout: u64,
    /// The acknowledgement being timed, and when its segment was sent. One segment at a time is
    /// timed.
    timed: Option<(Sequence, u64)>,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self {
            smoothed: None,
            variation: 0,
            timeout: FIRST,
            timed: None,
        }
    }
}

impl RoundTrip {
    /// Returns the timeout.
    #[inline]
    pub(super) fn timeout(&self) -> u64 {
        self.timeout
    }

    /// Records that everything up to `end` was sent for the first time.
    #[inline]
    pub(super) fn sent(&mut self, end: Sequence, now: u64) {
        if self.timed.is_none() {
            self.timed = Some((end, now));
        }
    }

    /// Records that everything up to `end` was acknowledged.
    #[inline]
    pub(super) fn acknowledged(&mut self, end: Sequence, now: u64) {
        if let Some((timed, since)) = self.timed
            && !timed.is_after(end)
        {
            self.timed = None;
            self.measured(now.saturating_sub(since));
        }
    }

    fn measured(&mut self, took: u64) {
        let smoothed = match self.smoothed {
            None => {
                self.variation = took / 2;
                took
            }
            Some(smoothed) => {
                let differs = smoothed.abs_diff(took);
                self.variation = self.variation - self.variation / 4 + differs / 4;
                smoothed - smoothed / 8 + took / 8
            }
        };
        self.smoothed = Some(smoothed);
        let margin = (4 * self.variation).max(MILLISECOND);
        self.timeout = (smoothed + margin).clamp(SHORTEST, LONGEST);
    }

    /// Records a timeout: the next one is twice as long. Retransmitted data is not timed, since its
    /// acknowledgement may be for either copy (Karn).
    pub(super) fn timed_out(&mut self) {
        self.timed = None;
        self.timeout = (2 * self.timeout).min(LONGEST);
    }

    /// Records a retransmission.
    pub(super) fn sent_again(&mut self) {
        self.timed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1000 * MILLISECOND;

    #[test]
    fn the_timeout_follows_measurements_and_doubles() {
        let mut trip = RoundTrip::default();
        assert_eq!(trip.timeout(), SECOND);
        trip.sent(Sequence(10), 0);
        // Only the first segment in flight is timed.
        trip.sent(Sequence(20), SECOND);
        trip.acknowledged(Sequence(9), SECOND);
        trip.acknowledged(Sequence(15), 2 * SECOND);
        assert_eq!(trip.timeout(), 6 * SECOND);
        trip.acknowledged(Sequence(20), 9 * SECOND);
        assert_eq!(trip.timeout(), 6 * SECOND);
        for expected in [12, 24, 48, 60, 60] {
            trip.timed_out();
            assert_eq!(trip.timeout(), expected * SECOND);
        }
        for step in 0..100 {
            let end = Sequence(100 + step);
            trip.sent(end, 0);
            trip.acknowledged(end, 2 * MILLISECOND);
        }
        assert_eq!(trip.timeout(), SECOND);
    }

    #[test]
    fn retransmissions_are_not_timed() {
        let mut trip = RoundTrip::default();
        trip.sent(Sequence(10), 0);
        trip.sent_again();
        trip.acknowledged(Sequence(10), 50 * SECOND);
        assert_eq!(trip.timeout(), SECOND);
    }
}
