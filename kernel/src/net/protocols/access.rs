//! The sockets as the futures reach them.

use core::net::SocketAddrV4;

use smoltcp::socket::tcp::{self, ConnectError};
use smoltcp::socket::{Socket, icmp, udp};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::Protocols;
use super::connections::Key;
use super::sockets::SocketId;
use crate::net::buffer::OutOfMemory;
use crate::net::error::{BindError, SOCKETS};

impl Protocols {
    /// Takes a TCP socket.
    ///
    /// # Errors
    ///
    /// There are too many sockets, or there is no memory.
    pub(in crate::net) fn add_tcp(
        &mut self,
        socket: tcp::Socket<'static>,
    ) -> Result<SocketId, BindError> {
        self.make_room()?;
        Ok(self.sockets.add(socket, None)?)
    }

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
        self.make_room()?;
        Ok(self.sockets.add(socket, Some(Key::udp(port)))?)
    }

    /// Takes an ICMP socket that is bound to `identifier`.
    ///
    /// # Errors
    ///
    /// There are too many sockets, or there is no memory.
    pub(in crate::net) fn add_icmp(
        &mut self,
        socket: icmp::Socket<'static>,
        identifier: u16,
    ) -> Result<SocketId, BindError> {
        self.make_room()?;
        Ok(self.sockets.add(socket, Some(Key::ping(identifier)))?)
    }

    fn make_room(&mut self) -> Result<(), BindError> {
        if self.sockets.count() >= SOCKETS {
            self.sockets.hurry();
        }
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
    pub(in crate::net) fn count(&self) -> usize {
        self.sockets.count()
    }

    /// The socket, one of TCP.
    #[inline]
    pub(in crate::net) fn tcp(&mut self, socket: SocketId) -> &mut tcp::Socket<'static> {
        self.sockets.slot(socket.0).get()
    }

    /// The socket, one of UDP.
    pub(in crate::net) fn udp(&mut self, socket: SocketId) -> &mut udp::Socket<'static> {
        self.sockets.slot(socket.0).get()
    }

    /// The socket, one of ICMP.
    pub(in crate::net) fn icmp(&mut self, socket: SocketId) -> &mut icmp::Socket<'static> {
        self.sockets.slot(socket.0).get()
    }

    /// Begins to connect a TCP socket.
    ///
    /// # Errors
    ///
    /// `remote` is no peer, or there is no address to connect from.
    pub(in crate::net) fn connect(
        &mut self,
        socket: SocketId,
        port: u16,
        remote: SocketAddrV4,
    ) -> Result<(), ConnectError> {
        let remote = IpEndpoint {
            addr: IpAddress::Ipv4(*remote.ip()),
            port: remote.port(),
        };
        let tcp = self.sockets.slot(socket.0).get::<tcp::Socket<'static>>();
        tcp.connect(self.interface.context(), remote, port)?;
        self.sockets.settle(socket.0);
        self.touch(socket);
        Ok(())
    }

    /// Notes that somebody listens on the TCP port.
    pub(in crate::net) fn listen(&mut self, port: u16) -> Result<(), OutOfMemory> {
        self.listening.add(port)
    }

    /// Adds a socket that listens on the port.
    pub(in crate::net) fn add_to_backlog(
        &mut self,
        port: u16,
        socket: tcp::Socket<'static>,
    ) -> Result<(), BindError> {
        let socket = self.add_tcp(socket)?;
        if let Err(error) = self.listening.push(port, socket) {
            self.remove(socket);
            return Err(error.into());
        }
        Ok(())
    }

    /// The sockets that listen on the port, or have a connection that was not accepted yet.
    pub(in crate::net) fn backlog(&self, port: u16) -> &[SocketId] {
        self.listening.sockets(port)
    }

    /// Takes a socket from the backlog, since its connection is accepted.
    pub(in crate::net) fn take_from_backlog(&mut self, port: u16, socket: SocketId) {
        self.listening.take(port, socket);
    }

    /// Notes that nobody listens on the port any more. Connections that were not accepted end.
    pub(in crate::net) fn stop_listening(&mut self, port: u16) {
        for socket in self.listening.remove(port) {
            self.tcp(socket).abort();
            self.close(socket);
        }
    }

    /// Whether somebody listens on the TCP port, or, where `connections` count too, has one from it.
    pub(in crate::net) fn is_tcp_port_taken(&self, port: u16, connections: bool) -> bool {
        let connected = |socket: &Socket<'static>| {
            matches!(socket, Socket::Tcp(socket)
                if socket.local_endpoint().is_some_and(|local| local.port == port))
        };
        self.listening.contains(port)
            || connections && self.sockets.iter().any(|(_, socket)| connected(socket))
    }
}
