//! From a frame to the connection that its segment is for.

use core::task::Waker;

use vmos_drivers::dma::Frame;

use super::arrival::Answer;
use super::connection::{Owner, State};
use super::segment::{self, ACK, Outgoing, RST, Route, SYN, Segment, refusal};
use super::sequence::Sequence;
use super::{ConnectionId, Connections, named};
use crate::net::buffer::OutOfMemory;
use crate::net::statistics::{Counters, count};

/// What became of a frame.
pub(in crate::net) enum Heard {
    /// It is of no more use.
    Done(Frame),
    /// It now holds an answer, to be sent.
    Answer(Frame),
}

impl Connections {
    /// Takes an ordinary packet with a segment.
    #[inline]
    pub(in crate::net) fn hear(
        &mut self,
        mut frame: Frame,
        now: u64,
        counters: &Counters,
    ) -> Heard {
        let Some(segment) = Segment::of(&frame) else {
            return Heard::Done(frame);
        };
        if !segment::is_right(&frame) {
            count(&counters.wrong_checksum);
            return Heard::Done(frame);
        }
        let route = Route {
            mac: segment.mac,
            port: segment.port,
            to: segment.from,
        };
        let answer = match self.find(&segment) {
            Some(index) => self.arrive(index, &segment, now, counters),
            None => self.arrive_for_nobody(&segment, None, counters),
        };
        let (Some(answer), Some(own)) = (answer, self.own) else {
            return Heard::Done(frame);
        };
        if segment::write(&mut frame, &own, self.sums, &route, &answer, [&[], &[]]) {
            Heard::Answer(frame)
        } else {
            Heard::Done(frame)
        }
    }

    /// The connection that the segment is for. One that is over has no segments any more.
    #[inline]
    fn find(&self, segment: &Segment<'_>) -> Option<usize> {
        let key = named(segment.port, *segment.from.ip(), segment.from.port());
        let index = self.names.get(key)?;
        let connection = self.slots.get(index)?.as_ref()?;
        (connection.state != State::Closed).then_some(index)
    }

    /// Has a connection take a segment, and returns what is to be answered at once.
    #[inline]
    fn arrive(
        &mut self,
        index: usize,
        segment: &Segment<'_>,
        now: u64,
        counters: &Counters,
    ) -> Option<Outgoing> {
        let connection = self.slots.get_mut(index)?.as_mut()?;
        if connection.state == State::TimeWait
            && segment.flags & (SYN | ACK | RST) == SYN
            && segment.sequence.is_after(connection.receiving.next)
        {
            // The peer begins a new connection from the same port: one that goes on behind the old
            // one takes its place (RFC 1122, 4.2.2.13).
            let first = connection.sending.most.plus(usize::from(u16::MAX));
            if connection.is_orphan() && self.listeners.has_room(segment.port) == Some(true) {
                self.remove(index);
                return self.arrive_for_nobody(segment, Some(first), counters);
            }
        }
        let answer = connection.arrive(segment, self.longest, now);
        let outgoing = match answer {
            Answer::Nothing => None,
            Answer::Refusal(refusal) => Some(refusal),
            Answer::Acknowledgement => {
                let acknowledgement = connection.acknowledgement();
                connection.departed(&acknowledgement, now);
                Some(acknowledgement.segment)
            }
        };
        if connection.owner == Owner::Listener && connection.state != State::SynReceived {
            self.listeners.wake(segment.port);
        }
        self.touch(ConnectionId(index));
        outgoing
    }

    /// Opens the connection that a segment asks for, or refuses it. The connection begins with the
    /// sequence number `first`, or with any.
    #[cold]
    fn arrive_for_nobody(
        &mut self,
        segment: &Segment<'_>,
        first: Option<Sequence>,
        counters: &Counters,
    ) -> Option<Outgoing> {
        if segment.has(RST) {
            return None;
        }
        let asks = segment.flags & (SYN | ACK) == SYN && segment.from.port() != 0;
        match self.listeners.has_room(segment.port).filter(|_| asks) {
            None => return Some(refusal(segment)),
            Some(false) if !self.make_way(segment.port) => {
                count(&counters.backlog_full);
                return None;
            }
            Some(_) => {}
        }
        if !self.has_room() {
            count(&counters.backlog_full);
            return None;
        }
        let queue = self.listeners.queue(segment.port);
        match self.add(State::SynReceived, segment.port, segment.from, queue) {
            Ok(id) => {
                let longest = self.longest;
                let connection = self.get(id);
                if let Some(first) = first {
                    connection.begin_at(first);
                }
                connection.begin(segment, longest);
                self.listeners.push(segment.port, id);
                self.touch(id);
            }
            Err(OutOfMemory) => count(&counters.out_of_memory),
        }
        None
    }

    /// Forgets the oldest connection to the port whose peer asked for it, and has let the first answer
    /// go unacknowledged. False where there is none.
    fn make_way(&mut self, port: u16) -> bool {
        let stale = |id: &ConnectionId| {
            let connection = self.slots.get(id.0).and_then(Option::as_ref);
            connection.is_some_and(|connection| {
                connection.state == State::SynReceived && connection.timers.resent > 0
            })
        };
        let mut waiting = self.listeners.waiting(port).iter().copied();
        let Some(id) = waiting.find(stale) else {
            return false;
        };
        self.remove(id.0);
        true
    }

    /// Has connections to the port wait to be accepted, at most `backlog` of them.
    pub(in crate::net) fn listen(&mut self, port: u16, backlog: usize) -> Result<(), OutOfMemory> {
        self.listeners.add(port, backlog)
    }

    /// Sets how large the queues are of the connections to come.
    pub(in crate::net) fn set_queue(&mut self, port: u16, queue: usize) {
        self.listeners.set_queue(port, queue);
    }

    /// Ends that. Connections that were not accepted are aborted.
    pub(in crate::net) fn stop_listening(&mut self, port: u16, now: u64) {
        for id in self.listeners.remove(port) {
            self.get(id).abort();
            self.leave(id, now);
        }
    }

    /// The oldest connection to the port that was not accepted yet. Where there is none, the task is
    /// woken when there is.
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
