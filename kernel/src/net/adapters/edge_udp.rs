//! `edge-nal`: UDP.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use edge_nal::{
    MulticastV4, MulticastV6, Readable, UdpBind, UdpConnect, UdpReceive, UdpSend, UdpSplit,
    UdpSplitMulticast,
};
use embedded_io_async::ErrorType;

use super::edge_tcp::check_local;
use super::error::NetError;
use super::versions::{destination, sender};
use crate::net::{Datagram, Net, ReceiveError, UdpSocket};

/// A [`UdpSocket`] for `edge-nal`, bound or connected.
pub struct UdpConnection {
    net: Net,
    socket: UdpSocket,
    waiting: Waiting,
}

/// The receiving half of a [`UdpConnection`].
pub struct UdpReceiver<'a> {
    socket: &'a UdpSocket,
    waiting: &'a mut Waiting,
}

/// The sending half of a [`UdpConnection`].
pub struct UdpSender<'a> {
    socket: &'a UdpSocket,
}

/// The multicast groups of a [`UdpConnection`]. A group that was joined is left only by `leave_v4`,
/// not by dropping the connection; its datagrams arrive at all sockets of their port.
pub struct Membership(Net);

/// The receiving side of a socket.
struct Waiting {
    /// The only accepted sender; `None` accepts any.
    from: Option<SocketAddrV4>,
    /// A datagram that was received while the caller checked whether one is available.
    first: Option<Datagram>,
}

impl Waiting {
    /// Waits until there is a datagram.
    async fn fill(&mut self, socket: &UdpSocket) -> Result<(), NetError> {
        while self.first.is_none() {
            let datagram = socket.receive().await?;
            if self.from.is_none_or(|from| from == datagram.source()) {
                self.first = Some(datagram);
            }
        }
        Ok(())
    }

    async fn receive(
        &mut self,
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddr), NetError> {
        self.fill(socket).await?;
        let Some(datagram) = self.first.take() else {
            return Ok((
                0,
                SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
            ));
        };
        let payload = datagram.payload();
        let room = buffer.len();
        let start = buffer
            .get_mut(..payload.len())
            .ok_or(ReceiveError::Truncated { buffer: room })?;
        start.copy_from_slice(payload);
        Ok((payload.len(), sender(&datagram)))
    }
}

impl UdpConnection {
    fn new(net: &Net, local: SocketAddr, from: Option<SocketAddrV4>) -> Result<Self, NetError> {
        check_local(net, local.ip())?;
        Ok(Self {
            net: *net,
            socket: net.udp(local.port())?,
            waiting: Waiting { from, first: None },
        })
    }

    /// Sets how many links other datagrams than those to multicast groups may cross; see
    /// [`UdpSocket::set_ttl`].
    pub fn set_ttl(&self, hops: u8) {
        self.socket.set_ttl(hops);
    }

    /// Sets how many links datagrams to multicast groups may cross; see
    /// [`UdpSocket::set_multicast_ttl`].
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.socket.set_multicast_ttl(hops);
    }

    fn receiver(&mut self) -> UdpReceiver<'_> {
        self.halves().0
    }

    fn halves(&mut self) -> (UdpReceiver<'_>, UdpSender<'_>) {
        let Self {
            socket, waiting, ..
        } = self;
        (UdpReceiver { socket, waiting }, UdpSender { socket })
    }
}

impl UdpBind for Net {
    type Error = NetError;
    type Socket<'a> = UdpConnection;

    async fn bind(&self, local: SocketAddr) -> Result<UdpConnection, NetError> {
        UdpConnection::new(self, local, None)
    }
}

impl UdpConnect for Net {
    type Error = NetError;
    type Socket<'a> = UdpConnection;

    async fn connect(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<UdpConnection, NetError> {
        UdpConnection::new(self, local, Some(destination(self, remote)?))
    }
}

macro_rules! errors {
    ($($name:ty),*) => {$(
        impl ErrorType for $name {
            type Error = NetError;
        }
    )*};
}

errors!(UdpConnection, UdpReceiver<'_>, UdpSender<'_>, Membership);

impl UdpReceive for UdpConnection {
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), NetError> {
        self.receiver().receive(buffer).await
    }
}

impl UdpReceive for UdpReceiver<'_> {
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), NetError> {
        self.waiting.receive(self.socket, buffer).await
    }
}

impl UdpSend for UdpConnection {
    async fn send(&mut self, remote: SocketAddr, data: &[u8]) -> Result<(), NetError> {
        let net = Net::new(self.socket.stack);
        Ok(self
            .socket
            .send_to(data, destination(&net, remote)?)
            .await?)
    }
}

impl UdpSend for UdpSender<'_> {
    async fn send(&mut self, remote: SocketAddr, data: &[u8]) -> Result<(), NetError> {
        let net = Net::new(self.socket.stack);
        Ok(self
            .socket
            .send_to(data, destination(&net, remote)?)
            .await?)
    }
}

impl Readable for UdpConnection {
    async fn readable(&mut self) -> Result<(), NetError> {
        self.receiver().readable().await
    }
}

impl Readable for UdpReceiver<'_> {
    async fn readable(&mut self) -> Result<(), NetError> {
        self.waiting.fill(self.socket).await
    }
}

impl UdpSplit for UdpConnection {
    type Receive<'a> = UdpReceiver<'a>;
    type Send<'a> = UdpSender<'a>;

    fn split(&mut self) -> (UdpReceiver<'_>, UdpSender<'_>) {
        self.halves()
    }
}

impl UdpSplitMulticast for UdpConnection {
    type MulticastV4<'a> = Membership;
    type MulticastV6<'a> = Membership;

    fn split_multicast(&mut self) -> (UdpReceiver<'_>, UdpSender<'_>, Membership, Membership) {
        let net = self.net;
        let (receiver, sender) = self.halves();
        (receiver, sender, Membership(net), Membership(net))
    }
}

impl Membership {
    fn join(&self, group: Ipv4Addr) -> Result<(), NetError> {
        self.0
            .join(group)
            .map_err(|_| NetError::Unsupported("joining what is no multicast group"))
    }
}

macro_rules! groups {
    ($($name:ty, $membership:expr;)*) => {$(
        impl MulticastV4 for $name {
            /// Joins at the only interface, whatever its address.
            async fn join_v4(&mut self, group: Ipv4Addr, _: Ipv4Addr) -> Result<(), NetError> {
                $membership(self).join(group)
            }

            async fn leave_v4(&mut self, group: Ipv4Addr, _: Ipv4Addr) -> Result<(), NetError> {
                $membership(self).0.leave(group);
                Ok(())
            }
        }

        impl MulticastV6 for $name {
            async fn join_v6(&mut self, _: Ipv6Addr, _: u32) -> Result<(), NetError> {
                Err(NO_IPV6)
            }

            async fn leave_v6(&mut self, _: Ipv6Addr, _: u32) -> Result<(), NetError> {
                Err(NO_IPV6)
            }
        }
    )*};
}

const NO_IPV6: NetError = NetError::Unsupported("a multicast group of IPv6");

groups!(
    UdpConnection, |connection: &Self| Membership(connection.net);
    Membership, |membership: &Self| Membership(membership.0);
);
