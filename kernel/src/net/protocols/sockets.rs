//! The sockets: how many there may be, and who has which port.

use core::net::SocketAddrV4;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{self, ConnectError, State};
use smoltcp::socket::{AnySocket, Socket, icmp, udp};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::Protocols;
use crate::net::buffer::OutOfMemory;
use crate::net::error::BindError;

/// The most sockets at a time, those included that a listener keeps for connections to come. Every
/// frame is held against each of them.
pub const SOCKETS: usize = 64;

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct SocketId(SocketHandle);

impl Protocols {
    /// Takes a socket.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub(in crate::net) fn add<S: AnySocket<'static>>(
        &mut self,
        socket: S,
    ) -> Result<SocketId, BindError> {
        self.closing.reap(&mut self.sockets);
        if self.count() >= SOCKETS {
            self.closing.hurry(&mut self.sockets);
        }
        if self.count() >= SOCKETS {
            return Err(BindError::TooManySockets);
        }
        self.dirty = true;
        Ok(SocketId(self.sockets.add(socket)))
    }

    /// Frees a socket.
    pub(in crate::net) fn remove(&mut self, socket: SocketId) {
        self.sockets.remove(socket.0);
        // What it waited for is no longer due.
        self.dirty = true;
    }

    /// Notes that the socket may have something to send.
    pub(in crate::net) fn touch(&mut self, _: SocketId) {
        self.dirty = true;
    }

    /// How many sockets there are.
    pub(in crate::net) fn count(&self) -> usize {
        self.sockets.iter().count()
    }

    /// The socket, one of TCP.
    pub(in crate::net) fn tcp(&mut self, socket: SocketId) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(socket.0)
    }

    /// The socket, one of UDP.
    pub(in crate::net) fn udp(&mut self, socket: SocketId) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(socket.0)
    }

    /// The socket, one of ICMP.
    pub(in crate::net) fn icmp(&mut self, socket: SocketId) -> &mut icmp::Socket<'static> {
        self.sockets.get_mut(socket.0)
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
        self.dirty = true;
        self.sockets
            .get_mut::<tcp::Socket<'static>>(socket.0)
            .connect(self.interface.context(), remote, port)
    }

    /// Takes over a connection whose owner is gone: what is queued is sent, the peer is told, and
    /// the socket freed.
    pub(in crate::net) fn close(&mut self, socket: SocketId) {
        self.closing.take(socket.0, &mut self.sockets);
        self.dirty = true;
    }

    /// Notes that somebody listens on the TCP port.
    pub(in crate::net) fn listen(&mut self, port: u16) -> Result<(), OutOfMemory> {
        self.listening.add(port)
    }

    /// Notes that nobody listens there any more.
    pub(in crate::net) fn listen_no_more(&mut self, port: u16) {
        self.listening.remove(port);
    }

    /// Whether a TCP socket listens on the port, or, where `connections` count too, has one from it.
    pub(in crate::net) fn is_tcp_port_taken(&self, port: u16, connections: bool) -> bool {
        self.sockets.iter().any(|(_, socket)| match socket {
            Socket::Tcp(tcp) => {
                let listens = matches!(tcp.state(), State::Listen | State::SynReceived);
                listens && tcp.listen_endpoint().port == port
                    || connections && tcp.local_endpoint().is_some_and(|local| local.port == port)
            }
            _ => false,
        })
    }
}
