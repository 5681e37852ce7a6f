//! Processes a received segment of a connection (RFC 9293, 3.10.7).

use super::TCP_QUEUE;
use super::connection::{Connection, Owner, State};
use super::segment::{ACK, FIN, Options, RST, SACK, SYN, Segment};
use super::sequence::Sequence;
use super::statistics::TcpStatistics;
use crate::net::packet::Mac;
use crate::time::NEVER;

/// How long a connection that ended is kept, in nanoseconds, so that its delayed segments are not
/// assigned to a new connection.
pub(super) const TIME_WAIT: u64 = 10_000_000_000;

/// The largest number of answers that a connection sends to unacceptable segments, and the period
/// in which they are counted, in nanoseconds (RFC 5961, 7).
const CHALLENGES: u8 = 10;
const CHALLENGE_PERIOD: u64 = 5_000_000_000;

/// The initial congestion window, in segments (RFC 6928).
const FIRST_SEGMENTS: usize = 10;

/// The smallest segment size that is accepted from a peer; smaller segments would cost too much.
const SHORTEST: usize = 48;

/// An answer that must be sent immediately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    Acknowledgement,
    /// A SYN with an acknowledgement.
    Request,
    /// A SYN with an acknowledgement, without a connection: its sequence number is a cookie.
    Cookie,
    /// A reset, because there is no such connection.
    Refusal,
    /// No answer, because there is no memory for the connection's queues.
    OutOfMemory,
}

impl Connection {
    /// Takes the parameters from the peer's SYN, whose sequence number is `theirs`.
    pub(super) fn take_first(
        &mut self,
        theirs: Sequence,
        options: Options,
        mac: Mac,
        longest: usize,
    ) {
        self.mac = Some(mac);
        let asked = options
            .longest
            .map_or(Options::LONGEST_BY_DEFAULT, usize::from);
        self.sending.longest = asked.max(SHORTEST).min(longest);
        self.sending.congestion = FIRST_SEGMENTS * self.sending.longest;
        self.sending.shift = options.shift.unwrap_or(0);
        self.sending.sacks = options.sacks;
        self.sending.window_from = (theirs, Sequence(0));
        let receiving = &mut self.receiving;
        receiving.shifts = options.shift.is_some();
        receiving.next = theirs.plus(1);
        receiving.edge = receiving.next.plus(receiving.queue.free());
        receiving.acknowledged = receiving.next;
    }

    /// Processes a segment, and returns the answer that must be sent immediately. Other segments
    /// that become due are sent later in the same turn.
    #[inline]
    pub(super) fn arrive(
        &mut self,
        segment: &Segment<'_>,
        longest: usize,
        now: u64,
        statistics: &mut TcpStatistics,
    ) -> Answer {
        if self.state == State::SynSent {
            return self.arrive_first(segment, longest, now, statistics);
        }
        if self.state == State::Closed {
            return Answer::Nothing;
        }
        let receiving = &self.receiving;
        let window = receiving.edge.ahead_of(receiving.next);
        let begins = segment.sequence.since(receiving.next);
        let length = segment.length();
        let acceptable = if length == 0 {
            // If the peer has filled the window and lost a segment, its acknowledgements come from
            // the end of the window.
            begins >= 0 && begins <= window as isize
        } else {
            // A FIN without data needs no room.
            begins < window as isize && begins + length as isize > 0
                || begins == 0 && segment.payload.is_empty()
        };
        if !acceptable {
            return self.arrive_outside(segment, begins, now, statistics);
        }
        if segment.flags & (RST | SYN | ACK) != ACK {
            return self.arrive_unusual(segment, begins, now, statistics);
        }
        if self.state == State::SynReceived
            && let Err(answer) = self.establish(segment, statistics)
        {
            return answer;
        }
        // A peer can only acknowledge what was sent and is not long acknowledged; at most a full
        // queue was ever in flight (RFC 5961, 5.2).
        let sending = &self.sending;
        let oldest = sending.unacknowledged.0.wrapping_sub(TCP_QUEUE as u32);
        if segment.acknowledgement.0.wrapping_sub(oldest) > sending.most.0.wrapping_sub(oldest) {
            return self.challenge(now, statistics);
        }
        self.mac = Some(segment.mac);
        self.acknowledged(segment, now);
        self.heard(now);
        let answer = if segment.payload.is_empty() {
            Answer::Nothing
        } else {
            self.take_text(segment, begins, window, now)
        };
        if segment.has(FIN) {
            self.take_fin(segment, now);
        }
        answer
    }

    /// Processes a segment in the window that is a reset or a SYN, or acknowledges nothing.
    #[cold]
    fn arrive_unusual(
        &mut self,
        segment: &Segment<'_>,
        begins: isize,
        now: u64,
        statistics: &mut TcpStatistics,
    ) -> Answer {
        if segment.has(RST) {
            // In TIME-WAIT, a reset may be an old one and is ignored (RFC 1337).
            if begins == 0 && self.state != State::TimeWait {
                self.end(false);
                return Answer::Nothing;
            }
            statistics.resets_refused += 1;
            if self.state == State::TimeWait {
                return Answer::Nothing;
            }
            // A reset elsewhere in the window makes the peer confirm it (RFC 5961, 3.2).
            return self.challenge(now, statistics);
        }
        if segment.has(SYN) {
            // With data, the peer's first SYN reaches into the window.
            if self.state == State::SynReceived && begins == -1 {
                return self.arrive_first_again(segment, now, statistics);
            }
            return self.challenge(now, statistics);
        }
        Answer::Nothing
    }

    /// Processes the answer to this machine's SYN.
    #[cold]
    fn arrive_first(
        &mut self,
        segment: &Segment<'_>,
        longest: usize,
        now: u64,
        statistics: &mut TcpStatistics,
    ) -> Answer {
        let right = segment.acknowledgement == self.sending.base;
        if segment.has(ACK) && !right {
            return if segment.has(RST) {
                Answer::Nothing
            } else {
                Answer::Refusal
            };
        }
        if segment.has(RST) {
            if segment.has(ACK) {
                self.end(false);
            }
            return Answer::Nothing;
        }
        if !segment.has(SYN) {
            return Answer::Nothing;
        }
        self.take_first(segment.sequence, segment.options(), segment.mac, longest);
        // The window in a SYN is not shifted.
        self.sending.window = usize::from(segment.window);
        self.sending.window_from = (segment.sequence, segment.acknowledgement);
        if segment.has(ACK) {
            self.sending.trip.acknowledged(self.sending.base, now);
            self.sending.unacknowledged = self.sending.base;
            self.sending.begin();
            self.state = State::Established;
            statistics.established += 1;
            self.timers.resend = NEVER;
            self.timers.resent = 0;
            self.receiving.acknowledge = true;
            self.heard(now);
            self.reader.wake();
        } else {
            // Simultaneous open: the SYN is sent again, with an acknowledgement.
            self.state = State::SynReceived;
            self.sending.lose_all();
        }
        Answer::Nothing
    }

    /// Processes a segment that is completely outside the window.
    #[cold]
    fn arrive_outside(
        &mut self,
        segment: &Segment<'_>,
        begins: isize,
        now: u64,
        statistics: &mut TcpStatistics,
    ) -> Answer {
        if segment.has(RST) {
            statistics.resets_refused += 1;
            return Answer::Nothing;
        }
        match self.state {
            State::SynReceived if segment.has(SYN) && begins == -1 => {
                return self.arrive_first_again(segment, now, statistics);
            }
            // Only a repeated FIN restarts the time (RFC 9293, 3.10.7.4).
            State::TimeWait if segment.has(FIN) => {
                self.timers.close = now.saturating_add(TIME_WAIT);
            }
            _ => {}
        }
        // The acknowledgement counts even if there is no room for the data.
        if begins == 0
            && segment.has(ACK)
            && !segment.has(SYN)
            && self.state != State::SynReceived
            && !segment.acknowledgement.is_after(self.sending.most)
        {
            self.acknowledged(segment, now);
            self.heard(now);
        }
        // Old data, and data without room, is always answered; otherwise the peer would be stuck.
        if !segment.has(SYN) && (!segment.payload.is_empty() || segment.has(FIN)) {
            return Answer::Acknowledgement;
        }
        self.challenge(now, statistics)
    }

    /// Processes a repeated SYN of the peer, before the peer has acknowledged this machine's SYN.
    fn arrive_first_again(
        &mut self,
        segment: &Segment<'_>,
        now: u64,
        statistics: &mut TcpStatistics,
    ) -> Answer {
        if !segment.has(ACK) {
            // The peer has not received the SYN.
            self.sending.lose_all();
            return Answer::Request;
        }
        // Simultaneous open.
        if let Err(answer) = self.establish(segment, statistics) {
            return answer;
        }
        self.advance(segment.acknowledgement, now);
        self.heard(now);
        Answer::Acknowledgement
    }

    /// Answers with the current state of this side, within the rate limit.
    fn challenge(&mut self, now: u64, statistics: &mut TcpStatistics) -> Answer {
        let timers = &mut self.timers;
        if now >= timers.challenge {
            timers.challenge = now.saturating_add(CHALLENGE_PERIOD);
            timers.challenges = 0;
        }
        if timers.challenges == CHALLENGES {
            statistics.challenges_withheld += 1;
            return Answer::Nothing;
        }
        timers.challenges += 1;
        statistics.challenges += 1;
        Answer::Acknowledgement
    }

    /// Processes the peer's answer to this machine's SYN and allocates the queues. On failure,
    /// returns the answer to send.
    #[cold]
    fn establish(
        &mut self,
        segment: &Segment<'_>,
        statistics: &mut TcpStatistics,
    ) -> Result<(), Answer> {
        let sending = &mut self.sending;
        let right = segment.acknowledgement.is_after(sending.unacknowledged)
            && !segment.acknowledgement.is_after(sending.most);
        if !right {
            return Err(Answer::Refusal);
        }
        if self.allocate().is_err() {
            return Err(Answer::OutOfMemory);
        }
        statistics.established += 1;
        self.state = if self.sending.ends {
            State::FinWait1
        } else {
            State::Established
        };
        self.reader.wake();
        Ok(())
    }

    /// Processes the acknowledgement and the window.
    #[inline]
    fn acknowledged(&mut self, segment: &Segment<'_>, now: u64) {
        let sending = &mut self.sending;
        let place = segment.acknowledgement;
        let news = place.since(sending.unacknowledged);
        let window = usize::from(segment.window) << sending.shift;
        if news > 0 {
            self.advance(place, now);
        } else if news < 0 {
            return;
        }
        let sending = &mut self.sending;
        if sending.sacks {
            if segment.has_options()
                && let Some(blocks) = segment.option(SACK)
                && sending.take_ranges(blocks)
            {
                sending.repeat();
            }
        } else if news == 0
            && segment.payload.is_empty()
            && !segment.has(FIN)
            && window == sending.window
            && sending.most.is_after(sending.unacknowledged)
            && !sending.probing
        {
            sending.repeat();
        }
        let sending = &mut self.sending;
        let (from, acknowledging) = sending.window_from;
        let newer = segment.sequence.since(from);
        if newer > 0 || newer == 0 && !acknowledging.is_after(place) {
            sending.window_from = (segment.sequence, place);
            sending.window = window;
            if sending.probing && window > 0 {
                // Whether or not the probe was accepted, continue from the peer's acknowledgement.
                sending.probing = false;
                sending.lose_all();
                self.timers.resend = NEVER;
                self.timers.resent = 0;
            }
        }
    }

    /// Records that the peer has acknowledged everything up to `place`.
    #[inline]
    fn advance(&mut self, place: Sequence, now: u64) {
        let sending = &mut self.sending;
        let bytes = place.ahead_of(sending.base).min(sending.queue.len());
        let ends_acknowledged = sending.ends && place.ahead_of(sending.base) > sending.queue.len();
        sending.queue.skip(bytes);
        sending.base = sending.base.plus(bytes);
        sending.unacknowledged = place;
        // The next probe waits for its time, even if this one was accepted.
        sending.probing = false;
        sending.trip.acknowledged(place, now);
        sending.progress(bytes);
        self.timers.resent = 0;
        self.timers.resend = if sending.most == place {
            NEVER
        } else {
            now.saturating_add(sending.trip.timeout())
        };
        if bytes > 0 || ends_acknowledged {
            self.writer.wake();
        }
        if ends_acknowledged {
            match self.state {
                State::FinWait1 => self.state = State::FinWait2,
                State::Closing => self.wait(now),
                State::LastAck => self.end(false),
                _ => {}
            }
        }
    }

    /// Records that the peer has answered.
    #[inline]
    fn heard(&mut self, now: u64) {
        let timers = &mut self.timers;
        let owes = self.sending.most.is_after(self.sending.unacknowledged);
        if timers.waiting_since != NEVER {
            let orphan = matches!(self.owner, Owner::Nobody(_));
            timers.waiting_since = if owes || orphan { now } else { NEVER };
        }
        timers.ask = now.saturating_add(timers.keep_alive);
    }
}
