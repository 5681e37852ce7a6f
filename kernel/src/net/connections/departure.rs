//! Determines the next segment of a connection, and when it is due (RFC 9293, 3.8; RFC 1122,
//! 4.2.3).

use super::connection::{Connection, Ended, Owner, Sending, State};
use super::segment::{ACK, FIN, Options, Outgoing, PSH, RST, SYN};
use super::statistics::TcpStatistics;
use super::{TCP_CONNECT_TIMEOUT, TCP_TIMEOUT};
use crate::time::NEVER;

/// The largest congestion window, in bytes.
const MOST_UNDER_WAY: usize = 1 << 20;

/// A segment to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) segment: Outgoing,
    /// The offset of its payload in the queue.
    offset: usize,
    length: usize,
    /// Whether it is a keep-alive segment.
    asks: bool,
}

impl Connection {
    /// Returns the payload of a segment.
    #[inline]
    pub(super) fn payload(&self, departure: &Departure) -> [&[u8]; 2] {
        self.sending.queue.get(departure.offset, departure.length)
    }

    /// Returns the next segment to be sent; `None` if there is none now. `longest` is the longest
    /// payload that this machine receives.
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
        if self.sending.next != self.sending.unacknowledged {
            return None;
        }
        let answers = self.state == State::SynReceived;
        let shifts = !answers || self.receiving.shifts;
        let mut departure = self.bare(SYN | if answers { ACK } else { 0 });
        departure.segment.sequence = self.sending.unacknowledged;
        departure.segment.options = Options {
            longest: Some(u16::try_from(longest).unwrap_or(u16::MAX)),
            // This machine's windows need no shift, but the peer's may.
            shift: shifts.then_some(0),
            sacks: false,
        };
        Some(departure)
    }

    fn last_departure(&mut self) -> Option<Departure> {
        self.reset.then(|| self.bare(RST | ACK))
    }

    /// Returns a segment with data or a FIN.
    #[inline]
    fn text_departure(&mut self) -> Option<Departure> {
        let sending = &self.sending;
        let queued = sending.queue.len();
        if sending.resend && sending.most.is_after(sending.unacknowledged) {
            let length = queued.min(sending.longest);
            return Some(self.text(0, length));
        }
        let offset = sending.next.ahead_of(sending.base);
        let unsent = queued.saturating_sub(offset);
        if unsent == 0 && !(sending.ends && offset == queued) {
            return None;
        }
        let room = sending
            .window
            .min(sending.congestion)
            .saturating_sub(sending.next.ahead_of(sending.unacknowledged));
        let length = unsent.min(sending.longest).min(room);
        let idle = sending.next == sending.unacknowledged;
        // A partial segment waits until nothing is in flight (Nagle), unless it is the last.
        let whole = length == sending.longest
            || length == unsent && (sending.ends || sending.no_delay)
            || idle;
        if whole && (length > 0 || unsent == 0) {
            return Some(self.text(offset, length));
        }
        (idle && sending.probing).then(|| self.text(offset, 1))
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
                self.timers.wait(now);
            }
            return;
        }
        let end = segment.sequence.plus(numbered);
        let sending = &mut self.sending;
        sending.resend = false;
        if end.is_after(sending.most) {
            sending.most = end;
            sending.trip.sent(end, now);
        } else {
            sending.trip.sent_again();
            statistics.retransmissions += 1;
        }
        if end.is_after(sending.next) {
            sending.next = end;
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
        if self.timers.resend <= now {
            self.timers.resend = NEVER;
            self.timers.resent += 1;
            statistics.timeouts += 1;
            self.sending.time_out();
        }
    }

    /// Starts the timer for probes of a closed window. Called when there is nothing else to send.
    #[inline]
    pub(super) fn watch(&mut self, now: u64) {
        let sending = &self.sending;
        if self.timers.resend != NEVER || sending.next != sending.unacknowledged {
            return;
        }
        let waits = match self.state {
            State::SynSent | State::SynReceived => true,
            State::TimeWait | State::Closed => false,
            _ => !sending.queue.is_empty(),
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
        match self.owner {
            // Without an owner, data from the peer does not extend the time.
            Owner::Nobody(left) => since
                .saturating_add(nanoseconds(TCP_CONNECT_TIMEOUT))
                .min(left.saturating_add(nanoseconds(TCP_TIMEOUT))),
            _ if begins => since.saturating_add(nanoseconds(TCP_CONNECT_TIMEOUT)),
            _ => since.saturating_add(self.timers.patience),
        }
    }
}

impl Sending {
    /// Returns the congestion window after this many bytes were acknowledged: below the threshold
    /// it grows by as many, above it by a segment per window (RFC 5681, 3.1).
    #[inline]
    pub(super) fn grown(&self, bytes: usize) -> usize {
        let by = if self.congestion < self.threshold {
            bytes.min(2 * self.longest)
        } else {
            (self.longest * bytes.min(self.congestion) / self.congestion).max(1)
        };
        (self.congestion + by).min(MOST_UNDER_WAY)
    }

    /// Returns half of the bytes in flight, at least two segments.
    pub(super) fn half_of_flight(&self) -> usize {
        let flight = self.most.ahead_of(self.unacknowledged);
        (flight / 2).max(2 * self.longest)
    }

    /// Handles a retransmission timeout: everything in flight is sent again, slowly at first, or a
    /// closed window is probed.
    fn time_out(&mut self) {
        let begins = self.base != self.unacknowledged;
        if self.window == 0 && !begins {
            self.probing = true;
        } else if !begins && self.most.is_after(self.unacknowledged) {
            self.threshold = self.half_of_flight();
            self.congestion = self.longest;
        }
        self.next = self.unacknowledged;
        self.repeated = 0;
        self.resend = false;
        self.trip.timed_out();
    }
}
