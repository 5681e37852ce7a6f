//! One connection: its bytes, its credit, and the packets that it owes its peer.

use alloc::collections::VecDeque;
use core::task::Waker;

use super::Error;
use super::header::{Address, Header, NO_RECEIVE, NO_SEND, Operation, STREAM};
use crate::dma::OutOfMemory;

/// The size of a connection's receive buffer in bytes.
pub const RECEIVE_BUFFER: usize = 16 << 10;

/// The state of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The peer was asked, and has not answered.
    Connecting,
    /// Both sides may send.
    Open,
    /// The handle was dropped, and the peer has not confirmed the end.
    Closing,
    /// The connection has ended. Only received bytes are left.
    Ended(Option<Error>),
}

/// A connection.
pub(super) struct Connection {
    pub(super) local: Address,
    pub(super) peer: Address,
    pub(super) state: State,
    /// A number that distinguishes connections that use the same entry of the table one after the other.
    pub(super) serial: u32,
    /// Whether the connection waits in a listener's backlog until a task accepts it.
    pub(super) is_waiting: bool,
    received: VecDeque<u8>,
    /// How many received bytes were taken, wrapping.
    forwarded: u32,
    /// What the peer knows of `forwarded`.
    told: u32,
    /// How many bytes were sent, wrapping.
    sent: u32,
    /// The size of the peer's receive buffer, and how many bytes it has taken from it.
    peer_allocated: u32,
    peer_forwarded: u32,
    /// Whether the peer was asked for credit since its last packet.
    has_asked: bool,
    peer_sends: bool,
    peer_receives: bool,
    /// The packets to send, in the order in which they are sent.
    pub(super) owed: VecDeque<Operation>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Connection {
    /// Creates a connection; nothing is sent yet.
    pub(super) fn new(
        local: Address,
        peer: Address,
        state: State,
        serial: u32,
    ) -> Result<Self, OutOfMemory> {
        let mut received = VecDeque::new();
        received
            .try_reserve_exact(RECEIVE_BUFFER)
            .map_err(|_error| OutOfMemory {
                bytes: RECEIVE_BUFFER,
            })?;
        Ok(Self {
            local,
            peer,
            state,
            serial,
            is_waiting: false,
            received,
            forwarded: 0,
            told: 0,
            sent: 0,
            peer_allocated: 0,
            peer_forwarded: 0,
            has_asked: false,
            peer_sends: true,
            peer_receives: true,
            owed: VecDeque::new(),
            reader: None,
            writer: None,
        })
    }

    /// Owes the peer a packet, unless one of the same kind is owed already.
    pub(super) fn owe(&mut self, operation: Operation) {
        if !self.owed.contains(&operation) {
            self.owed.push_back(operation);
        }
    }

    /// Returns the header of a packet with `len` bytes.
    pub(super) fn header(&mut self, operation: Operation, len: usize) -> Header {
        self.told = self.forwarded;
        Header {
            from: self.local,
            to: self.peer,
            len: len as u32,
            kind: STREAM,
            operation: Some(operation),
            flags: match operation {
                Operation::Shutdown => NO_RECEIVE | NO_SEND,
                _ => 0,
            },
            allocated: RECEIVE_BUFFER as u32,
            forwarded: self.forwarded,
        }
    }

    /// Returns how many bytes the peer has room for (5.10.6.3).
    pub(super) fn credit(&self) -> usize {
        let on_their_way = self.sent.wrapping_sub(self.peer_forwarded);
        self.peer_allocated.saturating_sub(on_their_way) as usize
    }

    /// Asks the peer once to tell when it has room again (5.10.6.3).
    pub(super) fn ask_for_credit(&mut self) {
        if !core::mem::replace(&mut self.has_asked, true) {
            self.owe(Operation::CreditRequest);
        }
    }

    /// Records that bytes were sent.
    pub(super) fn count_sent(&mut self, len: usize) {
        self.sent = self.sent.wrapping_add(len as u32);
    }

    /// Processes a packet of the peer.
    pub(super) fn receive(&mut self, header: &Header, payload: &[u8]) {
        let credit = self.credit();
        self.peer_allocated = header.allocated;
        // A peer that claims to have taken more than was sent gets no credit for it.
        if header.forwarded.wrapping_sub(self.peer_forwarded)
            <= self.sent.wrapping_sub(self.peer_forwarded)
        {
            self.peer_forwarded = header.forwarded;
        }
        // An answer without more credit must not lead to the same question again: the peer tells
        // when it has room (5.10.6.3).
        if self.credit() > credit {
            self.has_asked = false;
        }
        match (header.operation, self.state) {
            (Some(Operation::Response), State::Connecting) => self.state = State::Open,
            (Some(Operation::Reset), State::Connecting) => self.end(Some(Error::Refused)),
            (Some(Operation::Reset), State::Open) => {
                let is_orderly = !self.peer_sends && !self.peer_receives;
                self.end((!is_orderly).then_some(Error::Reset));
            }
            (Some(Operation::Reset), _) => self.end(None),
            (Some(Operation::Shutdown), State::Open) => {
                self.peer_sends &= header.flags & NO_SEND == 0;
                self.peer_receives &= header.flags & NO_RECEIVE == 0;
                if !self.peer_sends && !self.peer_receives {
                    // 5.10.6.5: confirms the end; what was received is kept.
                    self.owe(Operation::Reset);
                    self.end(None);
                }
            }
            (Some(Operation::Data), State::Open) if self.peer_sends => {
                if payload.len() > RECEIVE_BUFFER - self.received.len() {
                    // The peer has ignored its credit.
                    self.owe(Operation::Reset);
                    self.end(Some(Error::Reset));
                } else {
                    self.received.extend(payload);
                }
            }
            (Some(Operation::Shutdown), State::Closing) => {
                self.owe(Operation::Reset);
                self.end(None);
            }
            (Some(Operation::Data), State::Closing) | (Some(Operation::CreditUpdate), _) => {}
            (Some(Operation::CreditRequest), State::Open) => self.owe(Operation::CreditUpdate),
            (Some(Operation::CreditRequest), _) => {}
            // What does not fit the state ends the connection.
            (_, State::Ended(_)) => {}
            _ => {
                self.owe(Operation::Reset);
                self.end(Some(Error::Reset));
            }
        }
        self.wake();
    }

    /// Ends the connection; received bytes can still be read, unless the handle was dropped.
    pub(super) fn end(&mut self, error: Option<Error>) {
        self.state = State::Ended(error);
        self.wake();
    }

    /// Copies received bytes into `buffer`. Returns their number.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.received.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(self.received.drain(..len)) {
            *place = byte;
        }
        self.forwarded = self.forwarded.wrapping_add(len as u32);
        let news = self.forwarded.wrapping_sub(self.told) as usize;
        if news >= RECEIVE_BUFFER / 2 && self.state == State::Open {
            self.owe(Operation::CreditUpdate);
        }
        len
    }

    /// Returns whether there are received bytes.
    pub(super) fn has_bytes(&self) -> bool {
        !self.received.is_empty()
    }

    /// Returns whether the peer sends no more.
    pub(super) const fn is_at_end(&self) -> bool {
        !self.peer_sends || matches!(self.state, State::Ended(None))
    }

    /// Returns why nothing can be sent; `None` if it can.
    pub(super) const fn unwritable(&self) -> Option<Error> {
        match self.state {
            State::Ended(Some(error)) => Some(error),
            State::Open if self.peer_receives => None,
            _ => Some(Error::Closed),
        }
    }

    /// Wakes the tasks that wait for the connection.
    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}
