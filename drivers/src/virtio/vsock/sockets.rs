//! The connections and listeners of a socket device.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::task::{Poll, Waker};

use super::Error;
use super::connection::{Connection, State};
use super::header::{Address, Header, Operation, STREAM};
use crate::dma::OutOfMemory;

/// The largest number of connections.
pub const MOST_CONNECTIONS: usize = 16;
/// The largest number of listeners.
pub const MOST_LISTENERS: usize = 8;
/// The largest number of connections that a listener holds until they are accepted.
pub const BACKLOG: usize = 8;
/// The largest number of refusals that wait to be sent; further ones are not sent.
const MOST_REFUSALS: usize = 16;
/// The first port for connections that this side makes.
const FIRST_PORT: u32 = 49152;

/// Refers to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle {
    place: usize,
    serial: u32,
}

/// A port on which connections are accepted.
struct Listener {
    port: u32,
    waker: Option<Waker>,
}

/// All connections and listeners.
#[derive(Default)]
pub(super) struct Sockets {
    /// The machine's own number.
    pub(super) cid: u64,
    connections: Vec<Option<Connection>>,
    listeners: Vec<Listener>,
    refusals: VecDeque<Header>,
    next_port: u32,
    next_serial: u32,
}

impl Sockets {
    /// Creates a connection in an empty place.
    fn create(
        &mut self,
        local: Address,
        peer: Address,
        state: State,
    ) -> Result<(Handle, &mut Connection), Error> {
        let serial = self.next_serial;
        let connection = Connection::new(local, peer, state, serial)
            .map_err(|OutOfMemory { .. }| Error::OutOfMemory)?;
        let place = self.place().ok_or(Error::TooMany)?;
        self.next_serial = serial.wrapping_add(1);
        let connection = self.connections[place].insert(connection);
        Ok((Handle { place, serial }, connection))
    }

    /// Returns an empty place. If there is none, the connection that waits for its peer's last word
    /// for the longest time gives up its place.
    fn place(&mut self) -> Option<usize> {
        if let Some(empty) = self.connections.iter().position(Option::is_none) {
            return Some(empty);
        }
        if self.connections.len() < MOST_CONNECTIONS {
            self.connections.push(None);
            return Some(self.connections.len() - 1);
        }
        let next = self.next_serial;
        let closing = (0..).zip(self.connections.iter().flatten());
        let closing = closing.filter(|(_, connection)| connection.state == State::Closing);
        let (oldest, _) = closing.max_by_key(|(_, it)| next.wrapping_sub(it.serial))?;
        let mut connection = self.connections[oldest].take()?;
        let reset = connection.header(Operation::Reset, 0);
        self.refuse(reset);
        Some(oldest)
    }

    fn refuse(&mut self, reset: Header) {
        if self.refusals.len() < MOST_REFUSALS {
            self.refusals.push_back(reset);
        }
    }

    /// Listens on a port.
    pub(super) fn listen(&mut self, port: u32) -> Result<(), Error> {
        if self.listeners.iter().any(|other| other.port == port) {
            return Err(Error::PortTaken(port));
        }
        if self.listeners.len() == MOST_LISTENERS {
            return Err(Error::TooMany);
        }
        self.listeners.push(Listener { port, waker: None });
        Ok(())
    }

    /// Stops listening on a port. Connections that were not accepted are refused.
    pub(super) fn stop_listening(&mut self, port: u32) {
        self.listeners.retain(|listener| listener.port != port);
        for place in 0..self.connections.len() {
            let connection = &mut self.connections[place];
            if let Some(waiting) = connection
                && waiting.is_waiting
                && waiting.local.port == port
            {
                let reset = waiting.header(Operation::Reset, 0);
                *connection = None;
                self.refuse(reset);
            }
        }
    }

    /// Returns the oldest connection that waits to be accepted at a port.
    pub(super) fn accept(&mut self, port: u32, waker: &Waker) -> Poll<(Handle, Address)> {
        let next = self.next_serial;
        let waiting = (0..).zip(&mut self.connections);
        let waiting = waiting.filter_map(|(place, it)| Some((place, it.as_mut()?)));
        let waiting = waiting.filter(|(_, it)| it.is_waiting && it.local.port == port);
        if let Some((place, found)) = waiting.max_by_key(|(_, it)| next.wrapping_sub(it.serial)) {
            found.is_waiting = false;
            let serial = found.serial;
            return Poll::Ready((Handle { place, serial }, found.peer));
        }
        if let Some(listener) = self.listeners.iter_mut().find(|it| it.port == port) {
            listener.waker = Some(waker.clone());
        }
        Poll::Pending
    }

    /// Starts a connection to a peer.
    pub(super) fn connect(&mut self, peer: Address) -> Result<Handle, Error> {
        let taken = |port: u32| {
            let mut connections = self.connections.iter().flatten();
            connections.any(|it| it.local.port == port && it.peer == peer)
                || self.listeners.iter().any(|it| it.port == port)
        };
        // There are far more ports than connections.
        let port = (0..=MOST_CONNECTIONS as u32 + MOST_LISTENERS as u32)
            .map(|step| FIRST_PORT.wrapping_add(self.next_port.wrapping_add(step) & 0x3fff))
            .find(|port| !taken(*port))
            .ok_or(Error::TooMany)?;
        self.next_port = (port - FIRST_PORT).wrapping_add(1);
        let local = Address {
            cid: self.cid,
            port,
        };
        let (handle, connection) = self.create(local, peer, State::Connecting)?;
        connection.owe(Operation::Request);
        Ok(handle)
    }

    /// Returns the connection of a handle.
    pub(super) fn get(&mut self, handle: Handle) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(handle.place)?.as_mut()?;
        (connection.serial == handle.serial).then_some(connection)
    }

    /// Closes a connection whose handle was dropped.
    pub(super) fn close(&mut self, handle: Handle) {
        let Some(connection) = self.get(handle) else {
            return;
        };
        match connection.state {
            State::Open => {
                connection.state = State::Closing;
                connection.owe(Operation::Shutdown);
            }
            State::Connecting => {
                connection.owe(Operation::Reset);
                connection.state = State::Closing;
                connection.end(None);
                self.release(handle.place);
            }
            _ => self.release(handle.place),
        }
    }

    /// Frees the place of a connection that has ended; what it owes is sent nevertheless.
    fn release(&mut self, place: usize) {
        if let Some(mut connection) = self.connections[place].take()
            && connection.owed.contains(&Operation::Reset)
        {
            let reset = connection.header(Operation::Reset, 0);
            self.refuse(reset);
        }
    }

    /// Processes a packet.
    pub(super) fn receive(&mut self, header: &Header, payload: &[u8]) {
        let is_reset = header.operation == Some(Operation::Reset);
        let known = (0..).zip(&mut self.connections);
        let mut known = known.filter_map(|(place, it)| Some((place, it.as_mut()?)));
        let known = known.find(|(_, it)| {
            let has_ended = matches!(it.state, State::Ended(_));
            !has_ended && it.peer == header.from && it.local.port == header.to.port
        });
        if header.to.cid != self.cid {
            return;
        }
        if let Some((place, connection)) = known
            && header.kind == STREAM
        {
            let was_closing = connection.state == State::Closing;
            connection.receive(header, payload);
            let has_ended = matches!(connection.state, State::Ended(_));
            if has_ended && (was_closing || connection.is_waiting && !connection.has_bytes()) {
                // Nobody has a handle.
                self.release(place);
            }
            return;
        }
        if header.kind == STREAM
            && header.operation == Some(Operation::Request)
            && self.admit(header)
        {
            return;
        }
        if !is_reset {
            self.refuse(Header {
                from: header.to,
                to: header.from,
                len: 0,
                kind: header.kind,
                operation: Some(Operation::Reset),
                flags: 0,
                allocated: 0,
                forwarded: 0,
            });
        }
    }

    /// Accepts a request for a connection, if something listens and there is room.
    fn admit(&mut self, header: &Header) -> bool {
        let port = header.to.port;
        let waiting = self.connections.iter().flatten();
        let waiting = waiting.filter(|it| it.is_waiting && it.local.port == port);
        if waiting.count() >= BACKLOG || !self.listeners.iter().any(|it| it.port == port) {
            return false;
        }
        let Ok((_, connection)) = self.create(header.to, header.from, State::Open) else {
            return false;
        };
        connection.is_waiting = true;
        connection.owe(Operation::Response);
        // Takes over the peer's credit; the operation itself is done.
        let credit = Header {
            operation: Some(Operation::CreditUpdate),
            ..*header
        };
        connection.receive(&credit, &[]);
        let listener = self.listeners.iter_mut().find(|it| it.port == port);
        if let Some(waker) = listener.and_then(|listener| listener.waker.take()) {
            waker.wake();
        }
        true
    }

    /// Passes each owed packet to `send`, until that returns false.
    pub(super) fn pay(&mut self, mut send: impl FnMut(&Header) -> bool) {
        while let Some(reset) = self.refusals.front() {
            if !send(reset) {
                return;
            }
            self.refusals.pop_front();
        }
        for connection in self.connections.iter_mut().flatten() {
            while let Some(&operation) = connection.owed.front() {
                let header = connection.header(operation, 0);
                if !send(&header) {
                    return;
                }
                connection.owed.pop_front();
            }
        }
    }

    /// Wakes the tasks that wait to send.
    pub(super) fn wake_writers(&mut self) {
        for connection in self.connections.iter_mut().flatten() {
            if let Some(waker) = connection.writer.take() {
                waker.wake();
            }
        }
    }

    /// Ends all connections, because the device lost them.
    pub(super) fn reset(&mut self) {
        self.refusals.clear();
        for place in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[place] else {
                continue;
            };
            connection.owed.clear();
            let was_closing = connection.state == State::Closing;
            if !matches!(connection.state, State::Ended(_)) {
                connection.end(Some(Error::Reset));
            }
            if was_closing || connection.is_waiting {
                self.release(place);
            }
        }
        // Connections that had ended before may still wait for their packets to be taken.
        self.wake_writers();
    }
}
