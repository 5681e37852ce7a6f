//! Determines the next segment of a connection, and when it is due (RFC 9293, 3.8; RFC 1122,
//! 4.2.3).

use super::connection::{Connection, Ended, Owner, SHORTEST_KEEP_ALIVE, State};
use super::ranges::Ranges;
use super::segment::{ACK, FIN, Options, Outgoing, PSH, RST, SYN};
use super::statistics::TcpStatistics;
use super::{TCP_CONNECT_TIMEOUT, TCP_LINGER, TCP_TIMEOUT};
use crate::time::NEVER;

/// The number of further keep-alive intervals without an answer after which a peer counts as
/// vanished.
const UNANSWERED: u64 = 4;

/// A segment that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) segment: Outgoing,
    /// The offset of the segment's payload in the queue.
    offset: usize,
    length: usize,
    /// Whether the segment is a keep-alive probe.
    asks: bool,
}

impl Connection {
    /// Returns the payload of a segment.
    #[inline]
    pub(super) fn payload(&self, departure: &Departure) -> [&[u8]; 2] {
        self.sending.queue.get(departure.offset, departure.length)
    }

    /// Returns the ranges to be acknowledged selectively: data that arrived after missing data.
    #[inline]
    pub(super) fn ranges(&self, departure: &Departure) -> Option<&Ranges> {
        let gaps = &self.receiving.gaps;
        let tells = !gaps.is_empty()
            && self.sending.sacks
            && departure.segment.flags == ACK
            && departure.length == 0;
        tells.then_some(gaps)
    }

    /// Returns the next segment to send; `None` if there is none for now. `longest` is the longest
    /// payload that this machine can receive.
    #[inline]
    pub(super) fn departure(&mut self, longest: usize, now: u64) -> Option<Departure> {
        match self.state {
            State::SynSent | State::SynReceived => self.first_departure(longest),
            State::Closed => self.last_departure(),
            _ => {
                let text = self.text_departure();
                text.or_else(|| self.bare_departure(now))
            }
        }
    }

    pub(super) fn first_departure(&mut self, longest: usize) -> Option<Departure> {
        let sending = &self.sending;
        if sending.most != sending.unacknowledged && !sending.lost.is_after(sending.again) {
            return None;
        }
        let answers = self.state == State::SynReceived;
        let shifts = !answers || self.receiving.shifts;
        let known = Options {
            longest: None,
            shift: shifts.then_some(0),
            sacks: !answers || self.sending.sacks,
        };
        let mut departure = self.bare(SYN | if answers { ACK } else { 0 });
        departure.segment.sequence = self.sending.unacknowledged;
        departure.segment.options = known.answered(longest);
        Some(departure)
    }

    fn last_departure(&mut self) -> Option<Departure> {
        self.reset.then(|| self.bare(RST | ACK))
    }

    /// Returns a segment with data or a FIN.
    #[inline]
    fn text_departure(&mut self) -> Option<Departure> {
        if self.sending.lost.is_after(self.sending.again)
            && let Some(departure) = self.repetition()
        {
            return Some(departure);
        }
        let sending = &self.sending;
        let queued = sending.queue.len();
        let offset = sending.most.ahead_of(sending.base);
        let unsent = queued.saturating_sub(offset);
        if unsent == 0 && !(sending.ends && offset == queued) {
            return None;
        }
        let under_way = sending.most.ahead_of(sending.unacknowledged);
        let room = (sending.window.saturating_sub(under_way))
            .min(sending.congestion.saturating_sub(sending.flight()));
        let length = unsent.min(sending.longest).min(room);
        let idle = under_way == 0;
        // A partial segment waits until nothing is in flight (Nagle), unless it is the last one.
        let whole = length == sending.longest
            || length == unsent && (sending.ends || sending.no_delay)
            || idle;
        if whole && (length > 0 || unsent == 0) {
            return Some(self.text(offset, length));
        }
        (idle && sending.probing).then(|| self.text(offset, 1))
    }

    /// Returns a retransmission of lost data, if it may be sent now. If the peer's window is
    /// closed, it contains one byte, whose acknowledgement reports the window (RFC 9293, 3.8.6.1).
    #[cold]
    fn repetition(&mut self) -> Option<Departure> {
        let sending = &mut self.sending;
        let (start, end) = sending.next_lost()?;
        let before = start.ahead_of(sending.unacknowledged);
        let room = sending.window.max(usize::from(before == 0));
        // New data follows the data that was sent last.
        let length = if end == sending.most {
            sending.longest
        } else {
            end.ahead_of(start).min(sending.longest)
        };
        let length = length.min(room.saturating_sub(before));
        let flight = sending.flight();
        let has_its_turn = sending.resend || flight == 0 || flight + length <= sending.congestion;
        if length == 0 || !has_its_turn {
            return None;
        }
        let offset = start.ahead_of(sending.base);
        let length = length.min(sending.queue.len().saturating_sub(offset));
        Some(self.text(offset, length))
    }

    #[inline]
    fn text(&mut self, offset: usize, length: usize) -> Departure {
        let sending = &self.sending;
        let is_last = offset + length == sending.queue.len();
        let mut flags = ACK;
        if is_last && length > 0 {
            flags |= PSH;
        }
        if is_last && sending.ends {
            flags |= FIN;
        }
        let mut departure = self.bare(flags);
        departure.segment.sequence = self.sending.base.plus(offset);
        departure.offset = offset;
        departure.length = length;
        departure
    }

    /// Returns a segment without data, if the peer must get one.
    fn bare_departure(&mut self, now: u64) -> Option<Departure> {
        if self.receiving.acknowledge
            || self.timers.acknowledge <= now
            || self.may_receive() && self.has_much_more_room()
        {
            return Some(self.bare(ACK));
        }
        if self.timers.ask <= now {
            let mut departure = self.bare(ACK);
            // A byte that the peer already has, so that it answers.
            departure.segment.sequence = self.sending.unacknowledged.plus(usize::MAX);
            departure.asks = true;
            return Some(departure);
        }
        None
    }

    /// Returns an acknowledgement.
    #[inline]
    pub(super) fn acknowledgement(&mut self) -> Departure {
        self.bare(ACK)
    }

    #[inline]
    fn bare(&mut self, flags: u8) -> Departure {
        let sending = &self.sending;
        Departure {
            segment: Outgoing {
                // After everything that was sent, even during retransmission: the peer ignores
                // segments before that. If the peer has a closed window, it did not accept the
                // probe and ignores segments after it.
                sequence: if sending.probing {
                    sending.unacknowledged
                } else {
                    sending.most
                },
                acknowledgement: self.receiving.next,
                flags,
                window: self.announced_window(),
                options: Options::default(),
            },
            offset: 0,
            length: 0,
            asks: false,
        }
    }

    /// Returns by how much the window known to the peer could grow.
    #[inline]
    fn growth(&self) -> usize {
        let receiving = &self.receiving;
        let known = receiving.edge.ahead_of(receiving.next);
        receiving.queue.free().saturating_sub(known)
    }

    /// Returns whether the peer must be informed that the window grew: by half of the queue, or by
    /// a segment if it was nearly closed.
    #[inline]
    pub(in crate::net) fn has_much_more_room(&self) -> bool {
        let receiving = &self.receiving;
        let growth = self.growth();
        let closed = receiving.edge.ahead_of(receiving.next) < self.sending.longest;
        growth >= receiving.queue.capacity() / 2 || closed && growth >= self.sending.longest
    }

    /// Returns the window to announce. It grows by at least a segment, so that no peer sends small
    /// ones (RFC 9293, 3.8.6.2.2), and never shrinks.
    #[inline]
    fn announced_window(&mut self) -> u16 {
        let growth = self.growth();
        let least = self
            .sending
            .longest
            .min(self.receiving.queue.capacity() / 2);
        let receiving = &mut self.receiving;
        if growth >= least {
            receiving.edge = receiving.next.plus(receiving.queue.free());
        }
        let window = receiving.edge.ahead_of(receiving.next);
        u16::try_from(window).unwrap_or(u16::MAX)
    }

    /// Records that a segment was passed to the device.
    #[inline]
    pub(super) fn departed(
        &mut self,
        departure: &Departure,
        now: u64,
        statistics: &mut TcpStatistics,
    ) {
        let segment = &departure.segment;
        self.receiving.acknowledged = self.receiving.next;
        self.receiving.acknowledge = false;
        self.timers.acknowledge = NEVER;
        self.timers.ask = now.saturating_add(self.timers.keep_alive);
        if segment.flags & RST != 0 {
            self.reset = false;
            return;
        }
        let numbered = departure.length + usize::from(segment.flags & (SYN | FIN) != 0);
        if numbered == 0 {
            if departure.asks {
                // An answer or its probe may be lost.
                let soon = (self.timers.keep_alive / UNANSWERED).max(SHORTEST_KEEP_ALIVE);
                self.timers.ask = now.saturating_add(soon);
                self.timers.wait(now);
            }
            return;
        }
        let end = segment.sequence.plus(numbered);
        let sending = &mut self.sending;
        sending.resend = false;
        if sending.most.is_after(segment.sequence) {
            sending.trip.sent_again();
            sending.again = end;
            sending.repeated_at = sending.most;
            statistics.retransmissions += 1;
        } else {
            sending.trip.sent(end, now);
        }
        if end.is_after(sending.most) {
            sending.most = end;
        }
        if self.timers.resend == NEVER {
            self.timers.resend = now.saturating_add(sending.trip.timeout());
        }
        self.timers.wait(now);
    }

    /// Performs the actions that are due.
    pub(super) fn expire(&mut self, now: u64, statistics: &mut TcpStatistics) {
        if self.timers.close <= now {
            return self.end(false);
        }
        if self.gives_up_at() <= now {
            self.ended = Ended::TimedOut;
            statistics.gave_up += 1;
            return self.end(self.state != State::SynSent);
        }
        if self.timers.lengthen <= now {
            self.lengthen();
        }
        if self.timers.resend <= now {
            self.timers.resend = NEVER;
            self.timers.resent += 1;
            statistics.timeouts += 1;
            self.sending.time_out(self.timers.resent);
        }
    }

    /// Starts the timer for probes of a closed window. Called when there is nothing else to send.
    #[inline]
    pub(super) fn watch(&mut self, now: u64) {
        let sending = &self.sending;
        if self.timers.resend != NEVER {
            return;
        }
        let waits = match self.state {
            State::SynSent | State::SynReceived => true,
            State::TimeWait | State::Closed => false,
            _ => !sending.queue.is_empty() || sending.most != sending.unacknowledged,
        };
        if waits {
            self.timers.resend = now.saturating_add(sending.trip.timeout());
            self.timers.wait(now);
        }
    }

    /// Returns when the next action is due, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        let timers = &self.timers;
        // An unknown hardware address is asked for again.
        let address = if self.mac.is_none() && self.state != State::Closed {
            timers.address
        } else {
            NEVER
        };
        timers
            .resend
            .min(address)
            .min(timers.acknowledge)
            .min(timers.close)
            .min(timers.lengthen)
            .min(timers.ask)
            .min(self.gives_up_at())
    }

    /// Returns when the connection ends unless the peer answers, in nanoseconds.
    #[inline]
    fn gives_up_at(&self) -> u64 {
        let since = self.timers.waiting_since;
        if since == NEVER {
            return NEVER;
        }
        let nanoseconds = |duration: core::time::Duration| duration.as_nanos() as u64;
        let begins = matches!(self.state, State::SynSent | State::SynReceived);
        let (patience, left) = match self.owner {
            _ if begins => (nanoseconds(TCP_CONNECT_TIMEOUT), NEVER),
            // Without an owner, data from the peer does not extend the time.
            Owner::Nobody(left) => {
                let has_to_send = !self.sending.queue.is_empty();
                let patience = if has_to_send {
                    TCP_LINGER
                } else {
                    TCP_CONNECT_TIMEOUT
                };
                (nanoseconds(patience), left)
            }
            _ if self.sending.most == self.sending.unacknowledged => {
                // Keep-alive probes are unanswered, or probes of a closed window.
                let intervals = self.timers.keep_alive.saturating_mul(UNANSWERED);
                (self.timers.patience.min(intervals), NEVER)
            }
            _ => (self.timers.patience, NEVER),
        };
        let last = left.saturating_add(nanoseconds(TCP_TIMEOUT));
        since.saturating_add(patience).min(last)
    }
}
