//! The TCP ports that somebody listens on, and the sockets that wait there.
//!
//! smoltcp knows no backlog: a socket listens until one peer asks for a connection, and then is that
//! connection. A listener keeps several, and those not yet accepted are among them. Where all have a
//! connection already, a request is dropped: a peer that hears nothing tries again after a second,
//! and by then they have been accepted; one that is refused gives up (RFC 1122, 4.2.3.5).

use alloc::vec::Vec;

use smoltcp::socket::tcp::{self, State};

use super::sockets::{SocketId, Sockets};
use crate::net::buffer::OutOfMemory;

/// Those who listen.
#[derive(Default)]
pub(super) struct Listening {
    listeners: Vec<Listener>,
}

struct Listener {
    port: u16,
    sockets: Vec<SocketId>,
}

/// Who answers a request for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backlog {
    /// Nobody listens on the port.
    Refused,
    /// Nobody can for now.
    Full,
    /// This socket.
    Free(usize),
}

impl Listening {
    /// Adds a port, as yet without sockets.
    pub(super) fn add(&mut self, port: u16) -> Result<(), OutOfMemory> {
        self.listeners.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.listeners.push(Listener {
            port,
            sockets: Vec::new(),
        });
        Ok(())
    }

    /// Takes a port out, and returns its sockets.
    pub(super) fn remove(&mut self, port: u16) -> Vec<SocketId> {
        let position = self.listeners.iter().position(|one| one.port == port);
        position.map_or_else(Vec::new, |position| {
            self.listeners.swap_remove(position).sockets
        })
    }

    /// Whether somebody listens on the port.
    pub(super) fn contains(&self, port: u16) -> bool {
        self.listeners.iter().any(|one| one.port == port)
    }

    /// The sockets of a port: those that listen, and those whose connection was not accepted yet.
    pub(super) fn sockets(&self, port: u16) -> &[SocketId] {
        let listener = self.listeners.iter().find(|one| one.port == port);
        listener.map_or(&[], |listener| &listener.sockets)
    }

    /// Adds a socket to a port.
    pub(super) fn push(&mut self, port: u16, socket: SocketId) -> Result<(), OutOfMemory> {
        if let Some(listener) = self.listeners.iter_mut().find(|one| one.port == port) {
            listener.sockets.try_reserve(1).map_err(|_| OutOfMemory)?;
            listener.sockets.push(socket);
        }
        Ok(())
    }

    /// Takes a socket from a port, since its connection is accepted.
    pub(super) fn take(&mut self, port: u16, socket: SocketId) {
        if let Some(listener) = self.listeners.iter_mut().find(|one| one.port == port) {
            listener.sockets.retain(|one| *one != socket);
        }
    }

    /// Who answers a request for a connection to the port.
    pub(super) fn answers(&self, port: u16, sockets: &mut Sockets) -> Backlog {
        if !self.contains(port) {
            return Backlog::Refused;
        }
        let free = self.sockets(port).iter().find(|socket| {
            let socket = sockets.slot(socket.0).get::<tcp::Socket<'static>>();
            socket.state() == State::Listen
        });
        free.map_or(Backlog::Full, |socket| Backlog::Free(socket.0))
    }
}
