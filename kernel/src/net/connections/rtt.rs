//! The retransmission timeout (RFC 6298).

use super::sequence::Sequence;

const MILLISECOND: u64 = 1_000_000;
/// The timeout before the first measurement (2.1).
const FIRST: u64 = 1000 * MILLISECOND;
/// The smallest margin of the timeout over the round trip time, in nanoseconds. One second (2.4)
/// would be long if a round trip takes a millisecond, but peers may delay an acknowledgement for
/// 200 ms (RFC 9293, 3.8.6.3 allows 500 ms).
const MARGIN: u64 = 200 * MILLISECOND;
/// The longest timeout, in nanoseconds: short enough for a dozen retransmissions while the peer may
/// owe an answer, so that a connection survives the loss of a third of all frames. RFC 6298, 2.5
/// suggests a minute.
const LONGEST: u64 = 15_000 * MILLISECOND;
/// The number of acknowledgements after timeouts from which on the timeout stays long until the
/// next measurement.
const UNMEASURED: u8 = 6;

/// The measured round trip time. All times are in nanoseconds.
pub(super) struct RoundTrip {
    smoothed: Option<u64>,
    variation: u64,
    /// The timeout computed from the measurements.
    wait: u64,
    /// The current timeout, which doubles each time it expires.
    timeout: u64,
    /// The number of acknowledgements after timeouts since the last measurement.
    unmeasured: u8,
    /// The sequence number being timed, and when its segment was sent. Only one segment at a time
    /// is timed.
    timed: Option<(Sequence, u64)>,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self {
            smoothed: None,
            variation: 0,
            wait: FIRST,
            timeout: FIRST,
            unmeasured: 0,
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

    /// Records that everything up to `end` was acknowledged. After a few timeouts without a
    /// measurement, the timeout stays as long as it became until there is one (RFC 6298, 5; Karn):
    /// otherwise a path that became slower than the timeout would never be measured. The first few
    /// count as losses, because a long timeout on a lossy path costs more than a segment.
    #[inline]
    pub(super) fn acknowledged(&mut self, end: Sequence, now: u64) {
        if let Some((timed, since)) = self.timed
            && !timed.is_after(end)
        {
            self.timed = None;
            self.measured(now.saturating_sub(since));
            self.unmeasured = 0;
            self.timeout = self.wait;
        } else if self.timeout > self.wait {
            self.unmeasured = self.unmeasured.saturating_add(1);
            if self.unmeasured <= UNMEASURED {
                self.timeout = self.wait;
            }
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
        let margin = (4 * self.variation).max(MARGIN);
        self.wait = (smoothed + margin).min(LONGEST);
    }

    /// Records that the timeout expired. It doubles until something is acknowledged. A
    /// retransmitted segment is not timed, since its acknowledgement may belong to either
    /// transmission (Karn's algorithm).
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
        for expected in [12, 15, 15] {
            trip.timed_out();
            assert_eq!(trip.timeout(), expected * SECOND);
        }
        for step in 0..100 {
            let end = Sequence(100 + step);
            trip.sent(end, 0);
            trip.acknowledged(end, 2 * MILLISECOND);
        }
        let trips = trip.timeout() - 200 * MILLISECOND;
        assert!((2..4).contains(&(trips / MILLISECOND)), "{trips}");
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
