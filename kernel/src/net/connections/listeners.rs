//! The ports that somebody listens on, and the connections that were not accepted yet.
//!
//! Where there are as many of those as the listener holds, the oldest that is half open makes way for a
//! new one (RFC 4987, 3.2), so that requests from addresses that nobody has keep no others out; its
//! peer's next segment brings it back ([`cookie`](super::cookie)). Where none is half open, a request is
//! dropped: a peer that hears nothing tries again after a second, and by then they may have been
//! accepted; one that is refused gives up (RFC 1122, 4.2.3.5).

use alloc::vec::Vec;
use core::task::Waker;

use super::{ConnectionId, TCP_QUEUE};
use crate::net::buffer::OutOfMemory;
use crate::net::sleeper::Sleeper;

/// Those who listen.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
}

struct Listener {
    port: u16,
    /// Connections that were not accepted yet, the oldest first; room for all is reserved.
    waiting: Vec<ConnectionId>,
    backlog: usize,
    /// Bytes in each queue of a connection that comes about.
    queue: usize,
    sleeper: Sleeper,
}

impl Listeners {
    /// Adds a port with room for `backlog` connections that are not accepted yet.
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

    /// Takes a port out, and returns the connections that nobody will accept.
    pub(super) fn remove(&mut self, port: u16) -> Vec<ConnectionId> {
        let position = self.all.iter().position(|one| one.port == port);
        position.map_or_else(Vec::new, |position| self.all.swap_remove(position).waiting)
    }

    /// Whether somebody listens on the port.
    pub(super) fn contains(&self, port: u16) -> bool {
        self.all.iter().any(|one| one.port == port)
    }

    /// Whether the port has room for one more connection.
    pub(super) fn has_room(&self, port: u16) -> bool {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.is_some_and(|listener| listener.waiting.len() < listener.backlog)
    }

    /// How large the queues of a connection to the port are, in bytes.
    pub(super) fn queue(&self, port: u16) -> usize {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.map_or(TCP_QUEUE, |listener| listener.queue)
    }

    /// Sets that for the connections to come.
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

    /// Takes a connection from a port.
    pub(super) fn take(&mut self, port: u16, id: ConnectionId) {
        if let Some(listener) = self.get(port) {
            listener.waiting.retain(|one| *one != id);
        }
    }

    /// The connections of a port that were not accepted yet.
    pub(super) fn waiting(&self, port: u16) -> &[ConnectionId] {
        let listener = self.all.iter().find(|one| one.port == port);
        listener.map_or(&[], |listener| &listener.waiting)
    }

    /// Has the task woken when a connection comes about on the port.
    pub(super) fn sleep(&mut self, port: u16, waker: &Waker) {
        if let Some(listener) = self.get(port) {
            listener.sleeper.sleep(waker);
        }
    }

    /// Wakes whoever accepts on the port.
    pub(super) fn wake(&mut self, port: u16) {
        if let Some(listener) = self.get(port) {
            listener.sleeper.wake();
        }
    }

    fn get(&mut self, port: u16) -> Option<&mut Listener> {
        self.all.iter_mut().find(|one| one.port == port)
    }
}
