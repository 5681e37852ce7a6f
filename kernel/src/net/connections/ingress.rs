//! Finds the connection of a received segment.

use core::task::Waker;

use vmos_drivers::counts::report;
use vmos_drivers::dma::Frame;

use super::arrival::Answer;
use super::connection::{Connection, Owner, State};
use super::ranges::Ranges;
use super::segment::{self, ACK, Outgoing, RST, Route, SYN, Segment, refusal};
use super::sequence::Sequence;
use super::{COOKIES_FOR, ConnectionId, Connections, SOCKETS, named};
use crate::net::buffer::OutOfMemory;
use crate::net::names::Key;
use crate::net::packet::Own;
use crate::net::statistics::{Counters, count};

impl Connections {
    /// Handles an ordinary packet with a segment. Returns whether the frame now contains an answer
    /// to be sent.
    #[inline]
    pub(in crate::net) fn hear(
        &mut self,
        frame: &mut Frame,
        now: u64,
        counters: &Counters,
    ) -> bool {
        match self.own {
            Some(own) => self.hear_as(own, frame, now, counters),
            None => false,
        }
    }

    /// Handles a packet like [`hear`](Self::hear), and answers from the address `own`.
    #[inline(always)]
    pub(super) fn hear_as(
        &mut self,
        own: Own,
        frame: &mut Frame,
        now: u64,
        counters: &Counters,
    ) -> bool {
        let Some(segment) = Segment::of(frame) else {
            return false;
        };
        if !segment::is_right(frame) {
            count(&counters.wrong_checksum);
            return false;
        }
        let route = Route {
            mac: segment.mac,
            port: segment.port,
            to: segment.from,
        };
        let index = match self.find(&segment) {
            Some(index) => Ok(index),
            None => self.welcome(&segment, now, counters),
        };
        let answer = match index {
            Ok(index) => self.arrive(index, &segment, now, counters),
            Err(answer) => answer,
        };
        let sums = self.sums;
        let (outgoing, ranges) = match (answer, index) {
            (Answer::Refusal, _) => (refusal(&segment), None),
            (Answer::Cookie, _) => (self.cookie(&segment, now), None),
            (Answer::Request | Answer::Acknowledgement, Ok(index)) => {
                match self.answer(index, answer, now) {
                    Some(outgoing) => outgoing,
                    None => return false,
                }
            }
            _ => return false,
        };
        let nothing = [&[][..], &[]];
        segment::write(frame, &own, sums, &route, &outgoing, nothing, ranges)
    }

    /// Returns the connection of the segment. A connection that is over receives no segments. A
    /// connection in TIME-WAIT is replaced by a new one whose sequence numbers follow those of the
    /// old one (RFC 9293, 3.10.7.4).
    #[inline]
    fn find(&self, segment: &Segment<'_>) -> Option<usize> {
        let index = self.names.get(name(segment))?;
        let connection = self.slots.get(index)?.as_ref()?;
        let over = match connection.state {
            State::Closed => true,
            State::TimeWait => {
                segment.flags & (SYN | ACK | RST) == SYN
                    && segment.sequence.is_after(connection.receiving.next)
            }
            _ => false,
        };
        (!over).then_some(index)
    }

    /// Passes a segment to a connection, and returns the answer that must be sent immediately.
    #[inline]
    fn arrive(
        &mut self,
        index: usize,
        segment: &Segment<'_>,
        now: u64,
        counters: &Counters,
    ) -> Answer {
        let Some(Some(connection)) = self.slots.get_mut(index) else {
            return Answer::Nothing;
        };
        let answer = connection.arrive(segment, self.longest, now, &mut self.statistics);
        if answer == Answer::OutOfMemory {
            count(&counters.out_of_memory);
        }
        if connection.owner == Owner::Listener && connection.state != State::SynReceived {
            self.listeners.wake(segment.port);
        }
        self.touch(ConnectionId(index));
        answer
    }

    /// Returns the segment that a connection sends at once.
    #[inline]
    fn answer(
        &mut self,
        index: usize,
        answer: Answer,
        now: u64,
    ) -> Option<(Outgoing, Option<&Ranges>)> {
        let connection = self.slots.get_mut(index)?.as_mut()?;
        let departure = if answer == Answer::Request {
            connection.first_departure(self.longest)?
        } else {
            connection.acknowledgement()
        };
        connection.departed(&departure, now, &mut self.statistics);
        Some((departure.segment, connection.ranges(&departure)))
    }

    /// Handles a segment without a connection: creates the connection that it requests or that a
    /// cookie was sent for, which then [processes](Self::arrive) it. Otherwise, the error is what
    /// must be sent, if anything.
    #[cold]
    fn welcome(
        &mut self,
        segment: &Segment<'_>,
        now: u64,
        counters: &Counters,
    ) -> Result<usize, Answer> {
        if segment.has(RST) || segment.from.port() == 0 {
            return Err(Answer::Nothing);
        }
        let name = name(segment);
        let listens = self.listeners.contains(segment.port);
        let before = |sequence: Sequence| sequence.plus(usize::MAX);
        let mut sent = 0;
        let (theirs, first, options) = match segment.flags & (SYN | ACK) {
            SYN if listens => {
                let options = segment.options();
                let first = match self.first_behind(name) {
                    Some(first) => first,
                    None if self.is_crowded(segment.port) => return Err(Answer::Cookie),
                    None => self.cookies.make(name, segment.sequence, options, now),
                };
                (segment.sequence, first, options)
            }
            ACK if listens && now < self.cookies_until => {
                let theirs = before(segment.sequence);
                let first = before(segment.acknowledgement);
                let Some(options) = self.cookies.read(name, theirs, first, now) else {
                    return Err(Answer::Refusal);
                };
                self.statistics.cookies_accepted += 1;
                sent = 1;
                (theirs, first, options)
            }
            _ => return Err(Answer::Refusal),
        };
        if !self.make_way(segment.port, now) || !self.has_room(now) {
            count(&counters.backlog_full);
            return Err(Answer::Nothing);
        }
        let parties = (segment.port, segment.from);
        let queue = self.listeners.queue(segment.port);
        let mut connection = Connection::new(State::SynReceived, parties, first, queue);
        connection.sending.most = first.plus(sent);
        connection.take_first(theirs, options, segment.mac, self.longest);
        let Ok(id) = self.add(connection) else {
            count(&counters.out_of_memory);
            return Err(Answer::Nothing);
        };
        self.listeners.push(segment.port, id);
        Ok(id.0)
    }

    /// Ends the connection with this key, which is over or in TIME-WAIT, and returns the initial
    /// sequence number for its successor.
    fn first_behind(&mut self, name: Key) -> Option<Sequence> {
        let index = self.names.get(name)?;
        let connection = self.slots.get_mut(index)?.as_mut()?;
        let first = connection.sending.most.plus(usize::from(u16::MAX));
        if connection.state == State::TimeWait {
            connection.end(false);
            if connection.is_orphan() {
                self.remove(index);
            }
            return Some(first);
        }
        None
    }

    /// Returns whether half-open connections take all the room for another one of the port. Its peer
    /// then gets a cookie, and the connection is created when the peer answers: a flood of requests
    /// costs neither memory nor the time to create and evict connections.
    fn is_crowded(&self, port: u16) -> bool {
        let is_full = self.count >= SOCKETS || !self.listeners.has_room(port);
        is_full && self.oldest_half_open(port).is_some()
    }

    /// Returns the answer to a request for which no connection is created.
    #[cold]
    fn cookie(&mut self, segment: &Segment<'_>, now: u64) -> Outgoing {
        self.cookies_until = now.saturating_add(COOKIES_FOR);
        self.statistics.cookies_sent += 1;
        report(
            "requests to connect answered by a cookie: their listener was full",
            self.statistics.cookies_sent,
        );
        let options = segment.options();
        let queue = self.listeners.queue(segment.port);
        Outgoing {
            sequence: (self.cookies).make(name(segment), segment.sequence, options, now),
            acknowledgement: segment.sequence.plus(1),
            flags: SYN | ACK,
            window: u16::try_from(queue).unwrap_or(u16::MAX),
            options: options.answered(self.longest),
        }
    }

    /// Returns whether the listener on the port has room for a connection. If necessary, evicts the
    /// oldest half-open one.
    fn make_way(&mut self, port: u16, now: u64) -> bool {
        if self.listeners.has_room(port) {
            return true;
        }
        match self.oldest_half_open(port) {
            Some(id) => self.evict(id.0, now),
            None => false,
        }
    }

    /// Returns the oldest half-open connection of a listener.
    fn oldest_half_open(&self, port: u16) -> Option<ConnectionId> {
        let half_open = |id: &ConnectionId| {
            let connection = self.slots.get(id.0).and_then(Option::as_ref);
            connection.is_some_and(|connection| connection.state == State::SynReceived)
        };
        let mut waiting = self.listeners.waiting(port).iter().copied();
        waiting.find(half_open)
    }

    /// Starts to accept connections on the port; at most `backlog` of them wait.
    pub(in crate::net) fn listen(&mut self, port: u16, backlog: usize) -> Result<(), OutOfMemory> {
        self.listeners.add(port, backlog)
    }

    /// Sets the queue size of future connections.
    pub(in crate::net) fn set_queue(&mut self, port: u16, queue: usize) {
        self.listeners.set_queue(port, queue);
    }

    /// Stops accepting. Connections that were not accepted are aborted.
    pub(in crate::net) fn stop_listening(&mut self, port: u16, now: u64) {
        for id in self.listeners.remove(port) {
            self.get(id).abort();
            self.leave(id, now);
        }
    }

    /// Returns the oldest connection of the port that was not accepted yet. If there is none,
    /// registers the task to be woken when there is one.
    pub(in crate::net) fn accept(&mut self, port: u16, waker: &Waker) -> Option<ConnectionId> {
        let waiting = self.listeners.waiting(port).iter().copied();
        let ready = waiting.clone().find(|id| {
            let connection = self.slots.get(id.0).and_then(Option::as_ref);
            connection.is_some_and(|connection| {
                !matches!(connection.state, State::SynReceived | State::Closed)
            })
        });
        let Some(id) = ready else {
            self.listeners.sleep(port, waker);
            return None;
        };
        self.listeners.take(port, id);
        self.get(id).owner = Owner::Task;
        Some(id)
    }
}

/// Returns the key of the segment's connection.
#[inline]
fn name(segment: &Segment<'_>) -> Key {
    named(segment.port, *segment.from.ip(), segment.from.port())
}
