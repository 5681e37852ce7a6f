//! The sockets as the futures reach them.

use smoltcp::socket::{raw, udp};

use super::Protocols;
use super::sockets::SocketId;
use crate::net::error::{BindError, SOCKETS};
use crate::net::names::Key;

impl Protocols {
    /// Takes a UDP socket that is bound to `port`.
    ///
    /// # Errors
    ///
    /// There are too many sockets, or there is no memory.
    pub(in crate::net) fn add_udp(
        &mut self,
        socket: udp::Socket<'static>,
        port: u16,
    ) -> Result<SocketId, BindError> {
        self.check_room()?;
        Ok(self.sockets.add(socket, Key::udp(port))?)
    }

    /// Takes the socket of the ping with this identifier.
    ///
    /// # Errors
    ///
    /// There are too many sockets, or there is no memory.
    pub(in crate::net) fn add_ping(
        &mut self,
        socket: raw::Socket<'static>,
        identifier: u16,
    ) -> Result<SocketId, BindError> {
        self.check_room()?;
        Ok(self.sockets.add(socket, Key::ping(identifier))?)
    }

    fn check_room(&self) -> Result<(), BindError> {
        if self.sockets.count() >= SOCKETS {
            return Err(BindError::TooManySockets);
        }
        Ok(())
    }

    /// Frees a socket.
    pub(in crate::net) fn remove(&mut self, socket: SocketId) {
        self.sockets.remove(socket.0);
        self.keep_deadline();
    }

    /// Notes that the socket may have something to send.
    #[inline]
    pub(in crate::net) fn touch(&mut self, socket: SocketId) {
        self.retry = 0;
        self.sockets.touch(socket.0);
    }

    /// How many sockets there are.
    #[cfg(test)]
    pub(in crate::net) fn count(&self) -> usize {
        self.sockets.count()
    }

    /// The socket, one of UDP.
    pub(in crate::net) fn udp(&mut self, socket: SocketId) -> &mut udp::Socket<'static> {
        self.sockets.slot(socket.0).get()
    }

    /// The socket of a ping.
    pub(in crate::net) fn ping(&mut self, socket: SocketId) -> &mut raw::Socket<'static> {
        self.sockets.slot(socket.0).get()
    }
}
