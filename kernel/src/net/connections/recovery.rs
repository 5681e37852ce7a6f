//! What a connection takes for lost and sends again: fast retransmit and recovery by selective
//! acknowledgements (RFC 6675) or without them (RFC 6582), limited transmit (RFC 3042), early
//! retransmit (RFC 5827), and what follows a timeout (RFC 5681, 3.1).
//!
//! Everything between two places counts as lost: from [`again`](Sending::again), up to which the lost
//! was sent again, to [`lost`](Sending::lost). What the peer acknowledged selectively is left out.

use super::connection::Sending;
use super::sequence::Sequence;

/// How many acknowledgements in a row that acknowledge nothing new mean that a segment was lost, and
/// how many segments must have arrived behind it (RFC 5681, 3.2; RFC 6675, 2).
const LOST: usize = 3;

/// So many requests for a connection follow one another evenly.
const EVEN: u32 = 4;

impl Sending {
    /// Bytes that are under way as far as is known: sent, not acknowledged, and not lost.
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
            // Each repeated acknowledgement says that something arrived, not what.
            self.repeated * self.longest
        };
        let both = self.sacked.within(self.again, self.lost);
        (all + both).saturating_sub(lost + arrived)
    }

    /// The next of what was lost, and where it ends. None where all of it was sent again.
    #[cold]
    pub(super) fn next_lost(&mut self) -> Option<(Sequence, Sequence)> {
        let (start, next) = self.sacked.gap(self.again);
        let end = match next {
            Some(next) if self.lost.is_after(next) => next,
            _ => self.lost,
        };
        if end.is_after(start) {
            Some((start, end))
        } else {
            self.again = self.lost;
            None
        }
    }

    /// All that is under way was lost.
    pub(super) fn lose_all(&mut self) {
        self.again = self.unacknowledged;
        self.lost = self.most;
    }

    /// Takes up which ranges arrived, as the blocks of an option say. Returns whether some of that is
    /// news.
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

    /// The peer misses something: it acknowledges once more what it acknowledged before, or selectively
    /// what is behind a gap.
    #[cold]
    pub(super) fn repeat(&mut self) {
        self.repeated = self.repeated.saturating_add(1);
        if self.recovers {
            return self.find_lost();
        }
        let under_way = self.most.ahead_of(self.unacknowledged);
        // Where so few segments are under way that no three can arrive behind the lost one, and none will
        // follow, fewer do.
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

    /// Takes up what else is lost, in recovery: all in front of what arrived, or the first segment.
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
        // What was sent behind the last repetition arrived: what is missing still was lost again.
        if end.is_after(self.repeated_at) && self.again.is_after(self.unacknowledged) {
            self.again = self.unacknowledged;
            self.repeated_at = self.most;
        }
    }

    /// Takes up that all up to [`unacknowledged`](Self::unacknowledged) arrived, `bytes` of it now.
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
            return;
        }
        if !self.sacks {
            // The next segment is missing too (RFC 6582, 3.2, step 3). Of what was acknowledged, all but
            // the repetition had been counted as arrived.
            let others = (bytes / self.longest).saturating_sub(1);
            self.repeated = self.repeated.saturating_sub(others);
            self.resend |= !self.lost.is_after(self.unacknowledged);
        }
        self.find_lost();
    }

    /// The congestion window after so many more bytes arrived: it grows by those as long as it is
    /// below the threshold, and by a segment for each window behind it (RFC 5681, 3.1).
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

    /// Half of what is under way, and no less than two segments.
    fn half_of_flight(&self) -> usize {
        let flight = self.most.ahead_of(self.unacknowledged);
        (flight / 2).max(2 * self.longest)
    }

    /// Nothing was acknowledged in time, for the `count`th time in a row: all that is under way is sent
    /// again, slowly at first; or a peer without room is asked for its window.
    pub(super) fn time_out(&mut self, count: u32) {
        let begins = self.base != self.unacknowledged;
        if self.window == 0 && !begins {
            self.probing = true;
        } else if !begins && self.most.is_after(self.unacknowledged) {
            if count == 1 {
                self.threshold = self.half_of_flight();
            } else {
                // The peer may have thrown away what it acknowledged selectively (RFC 2018, 8).
                self.sacked.clear();
            }
            self.congestion = self.longest;
        }
        self.lose_all();
        self.recovers = self.lost.is_after(self.again);
        self.recover = self.most;
        self.repeated = 0;
        self.resend = false;
        // The first requests for a connection follow one another evenly: they congest nothing, and a
        // user waits.
        if !begins || count >= EVEN {
            self.trip.timed_out();
        }
    }
}
