//! The TCP ports with a listener, and their connections that were not accepted yet.
//!
//! If half-open connections fill a listener, a request is answered by a cookie
//! ([`cookie`](super::cookie)) and takes no room, so that requests from forged addresses do not keep
//! others out; when the peer answers, the oldest half-open connection is evicted for it (RFC 4987,
//! 3.2 and 3.6). If none is half open, the request is dropped. A peer without an answer tries again
//! after a second, when there may be room; a refused one would give up (RFC 1122, 4.2.3.5).

use alloc::vec::Vec;
use core::task::Waker;

use super::{ConnectionId, TCP_QUEUE};
use crate::net::buffer::OutOfMemory;
use crate::net::sleeper::Sleeper;

/// The table of listeners.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
}

struct Listener {
    port: u16,
    /// Connections that were not accepted yet, the oldest first. Memory for the largest number of
    /// them is reserved.
    waiting: Vec<ConnectionId>,
    backlog: usize,
    /// The queue size of new connections, in bytes.
    queue: usize,
    sleeper: Sleeper,
}

impl Listeners {
    /// Adds a port with room for `backlog` connections that were not accepted yet.
    pub(super) fn add(&mut self, port: u16, backlog: usize) -> Result<(), OutOfMemory> {
        let mut waiting = Vec::new();
        waiting
            .try_reserve_exact(backlog)
            .map_err(|_| OutOfMemory)?;
        self.all.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.all.push(Listener {
            port,
            waiting,
            backlog,
            queue: TCP_QUEUE,
            sleeper: Sleeper::default(),
        });
        Ok(())
    }

    /// Removes a port, and returns the connections that were not accepted.
    pub(super) fn remove(&mut self, port: u16) -> Vec<ConnectionId> {
        let position = self.all.iter().position(|one| one.port == port);
        position.map_or_else(Vec::new, |position| self.all.swap_remove(position).waiting)
    }

    /// Returns whether the port has a listener.
    pub(super) fn contains(&self, port: u16) -> bool {
        self.all.iter().any(|one| one.port == port)
    }

    /// Returns whether the port has room for another connection.
    pub(super) fn has_room(&self, port: u16) -> bool {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.is_some_and(|listener| listener.waiting.len() < listener.backlog)
    }

    /// Returns the queue size of new connections of the port, in bytes.
    pub(super) fn queue(&self, port: u16) -> usize {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.map_or(TCP_QUEUE, |listener| listener.queue)
    }

    /// Sets the queue size of new connections.
    pub(super) fn set_queue(&mut self, port: u16, queue: usize) {
        if let Some(listener) = self.get(port) {
            listener.queue = queue;
        }
    }

    /// Adds a connection to a port that has room.
    pub(super) fn push(&mut self, port: u16, id: ConnectionId) {
        if let Some(listener) = self.get(port) {
            listener.waiting.push(id);
        }
    }

    /// Removes a connection from a port.
    pub(super) fn take(&mut self, port: u16, id: ConnectionId) {
        if let Some(listener) = self.get(port) {
            listener.waiting.retain(|one| *one != id);
        }
    }

    /// Returns the connections of a port that were not accepted yet.
    pub(super) fn waiting(&self, port: u16) -> &[ConnectionId] {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.map_or(&[], |listener| &listener.waiting)
    }

    /// Registers the task to be woken when a connection of the port is established.
    pub(super) fn sleep(&mut self, port: u16, waker: &Waker) {
        if let Some(listener) = self.get(port) {
            listener.sleeper.sleep(waker);
        }
    }

    /// Wakes the task that accepts on the port.
    pub(super) fn wake(&mut self, port: u16) {
        if let Some(listener) = self.get(port) {
            listener.sleeper.wake();
        }
    }

    fn get(&mut self, port: u16) -> Option<&mut Listener> {
        self.all.iter_mut().find(|one| one.port == port)
    }
}
