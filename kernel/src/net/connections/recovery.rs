//! Detects lost segments and sends them again: fast retransmit and recovery with selective
//! acknowledgements (RFC 6675) or without them (RFC 6582), limited transmit (RFC 3042), early
//! retransmit (RFC 5827), and recovery after a timeout (RFC 5681, 3.1).
//!
//! Everything from [`again`](Sending::again), the end of what was sent again, to
//! [`lost`](Sending::lost) counts as lost, except what the peer acknowledged selectively.

use super::connection::Sending;
use super::sequence::Sequence;

/// The number of consecutive duplicate acknowledgements, and of segments that arrived after a gap,
/// that indicates a lost segment (RFC 5681, 3.2; RFC 6675, 2).
const LOST: usize = 3;

/// The number of requests for a connection that are repeated at a constant interval, before the
/// interval doubles.
const EVEN: u32 = 4;

impl Sending {
    /// Returns the estimated bytes in flight: sent, not acknowledged, and not lost.
    #[inline]
    pub(super) fn flight(&self) -> usize {
        let all = self.most.ahead_of(self.unacknowledged);
        if self.repeated == 0 && !self.recovers && self.sacked.is_empty() {
            return all;
        }
        self.flight_in_recovery(all)
    }

    #[cold]
    fn flight_in_recovery(&self, all: usize) -> usize {
        let lost = self.lost.ahead_of(self.again);
        let arrived = if self.sacks {
            self.sacked.within(self.unacknowledged, self.most)
        } else {
            // Each duplicate acknowledgement shows that a segment arrived, but not which.
            self.repeated.saturating_mul(self.longest)
        };
        let both = self.sacked.within(self.again, self.lost);
        (all + both).saturating_sub(lost + arrived)
    }

    /// Returns the next lost range; `None` if all of it was sent again.
    #[cold]
    pub(super) fn next_lost(&mut self) -> Option<(Sequence, Sequence)> {
        // What was acknowledged meanwhile is not lost.
        if self.unacknowledged.is_after(self.again) {
            self.again = self.unacknowledged;
        }
        let (start, next) = self.sacked.gap(self.again);
        let end = match next {
            Some(next) if self.lost.is_after(next) => next,
            _ => self.lost,
        };
        if end.is_after(start) {
            Some((start, end))
        } else {
            self.lost = self.again;
            None
        }
    }

    /// Records that the first segment was acknowledged, however often it was sent.
    pub(super) fn begin(&mut self) {
        self.lost = self.again;
        self.recovers = false;
        self.repeated = 0;
        self.resend = false;
    }

    /// Records that everything in flight was lost.
    pub(super) fn lose_all(&mut self) {
        self.again = self.unacknowledged;
        self.lost = self.most;
    }

    /// Records the ranges in an option's blocks as arrived. Returns whether any of that is new.
    #[cold]
    pub(super) fn take_ranges(&mut self, blocks: &[u8]) -> bool {
        let known = |sending: &Self| sending.sacked.within(sending.unacknowledged, sending.most);
        let before = known(self);
        for block in blocks.chunks_exact(8) {
            let [start, end] = [0, 4].map(|at| {
                let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
                Sequence(bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes)))
            });
            let is_sound = start.is_after(self.unacknowledged)
                && end.is_after(start)
                && !end.is_after(self.most);
            if is_sound {
                self.sacked.add(start, end);
            }
        }
        known(self) > before
    }

    /// Handles a sign that the peer misses a segment: a duplicate acknowledgement, or a selective
    /// one of data after a gap.
    #[cold]
    pub(super) fn repeat(&mut self) {
        self.repeated = self.repeated.saturating_add(1);
        if self.recovers {
            return self.find_lost();
        }
        let under_way = self.most.ahead_of(self.unacknowledged);
        // If fewer than three segments can arrive after the lost one because so few are in flight
        // and none will follow, fewer are enough.
        let enough = if self.most.ahead_of(self.base) >= self.queue.len() {
            let others = under_way.div_ceil(self.longest).saturating_sub(1);
            LOST.min(others.max(1))
        } else {
            LOST
        };
        let arrived = self.sacked.within(self.unacknowledged, self.most);
        if self.repeated >= enough || arrived >= LOST * self.longest {
            self.threshold = self.half_of_flight();
            self.congestion = self.threshold;
            self.recovers = true;
            self.recover = self.most;
            self.resend = true;
            self.again = self.unacknowledged;
            self.lost = self.unacknowledged;
            self.find_lost();
        }
    }

    /// Detects further losses during recovery: everything before the ranges that arrived, or the
    /// first segment.
    #[cold]
    pub(super) fn find_lost(&mut self) {
        let first = self.unacknowledged.plus(self.longest);
        let first = if first.is_after(self.most) {
            self.most
        } else {
            first
        };
        let end = match self.sacked.end() {
            Some(end) if end.is_after(first) => end,
            _ => first,
        };
        if end.is_after(self.lost) {
            self.lost = end;
        }
        // Data sent after the last retransmission arrived, so what is still missing was lost again.
        if end.is_after(self.repeated_at) && self.again.is_after(self.unacknowledged) {
            self.again = self.unacknowledged;
            self.repeated_at = self.most;
        }
    }

    /// Records that everything up to [`unacknowledged`](Self::unacknowledged) arrived, `bytes` of
    /// it now.
    #[inline]
    pub(super) fn progress(&mut self, bytes: usize) {
        if !self.sacked.is_empty() {
            self.sacked.absorb(self.unacknowledged);
        }
        if !self.recovers {
            self.repeated = 0;
            self.congestion = self.grown(bytes);
            return;
        }
        self.progress_in_recovery(bytes);
    }

    #[cold]
    fn progress_in_recovery(&mut self, bytes: usize) {
        if self.unacknowledged.is_after(self.again) {
            self.again = self.unacknowledged;
        }
        self.congestion = self.grown(bytes);
        if !self.recover.is_after(self.unacknowledged) {
            self.recovers = false;
            self.repeated = 0;
            if self.sacked.is_empty() {
                // What was sent during the recovery is only under way.
                self.lost = self.again;
            }
            return;
        }
        if !self.sacks {
            // The next segment is missing too (RFC 6582, 3.2, step 3). All acknowledged segments
            // except the retransmitted one had been counted as arrived.
            let others = (bytes / self.longest).saturating_sub(1);
            self.repeated = self.repeated.saturating_sub(others);
            self.resend |= !self.lost.is_after(self.unacknowledged);
        }
        self.find_lost();
    }

    /// Returns the congestion window after this many bytes were acknowledged: below the threshold
    /// it grows by as many, above it by a segment per window (RFC 5681, 3.1).
    #[inline]
    fn grown(&self, bytes: usize) -> usize {
        /// The largest congestion window, in bytes.
        const MOST_UNDER_WAY: usize = 1 << 20;
        let by = if self.congestion < self.threshold {
            bytes.min(2 * self.longest)
        } else {
            (self.longest * bytes.min(self.congestion) / self.congestion).max(1)
        };
        (self.congestion + by).min(MOST_UNDER_WAY)
    }

    /// Returns half of the bytes in flight, at least two segments.
    fn half_of_flight(&self) -> usize {
        let flight = self.most.ahead_of(self.unacknowledged);
        (flight / 2).max(2 * self.longest)
    }

    /// Handles the `count`th consecutive retransmission timeout: everything in flight is sent
    /// again, slowly at first, or a closed window is probed.
    pub(super) fn time_out(&mut self, count: u32) {
        let begins = self.base != self.unacknowledged;
        if self.window == 0 && !begins {
            self.probing = true;
        } else if !begins && self.most.is_after(self.unacknowledged) {
            if count == 1 {
                self.threshold = self.half_of_flight();
            } else {
                // The peer may have discarded data that it acknowledged selectively (RFC 2018, 8).
                self.sacked.clear();
            }
            self.congestion = self.longest;
        }
        self.lose_all();
        self.recovers = self.lost.is_after(self.again);
        self.recover = self.most;
        self.repeated = 0;
        self.resend = false;
        // The first requests for a connection are sent at equal intervals: they cause no
        // congestion, and a user is waiting.
        if !begins || count >= EVEN {
            self.trip.timed_out();
        }
    }
}
