//! `edge-nal`: UDP, on one network and on all.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use edge_nal::{
    MulticastV4, MulticastV6, Readable, UdpBind, UdpConnect, UdpReceive, UdpSend, UdpSplit,
    UdpSplitMulticast,
};
use embedded_io_async::ErrorType;

use super::binding::Binding;
use super::error::NetError;
use super::sockets::Datagrams;
#[cfg(feature = "networks")]
use crate::net::Networks;
use crate::net::{Datagram, Net};

/// A UDP port for `edge-nal`, bound or connected: of one network, or, as `UdpConnection<Networks>`, of
/// all.
///
/// A datagram to send goes to the network that leads to its destination. A connected port, and one that
/// is bound to an own address, is that of one network.
pub struct UdpConnection<H: Binding = Net> {
    host: H,
    socket: H::Socket,
    waiting: Waiting,
}

/// The receiving half of a [`UdpConnection`].
pub struct UdpReceiver<'a, H: Binding = Net> {
    socket: &'a H::Socket,
    waiting: &'a mut Waiting,
}

/// The sending half of a [`UdpConnection`].
pub struct UdpSender<'a, H: Binding = Net> {
    socket: &'a H::Socket,
}

/// The multicast groups of a [`UdpConnection`]. A group that was joined is left only by `leave_v4` or
/// `leave_v6`, not by dropping the connection; its datagrams arrive at all sockets of their port.
pub struct Membership<H: Binding = Net>(H);

/// The receiving side of a socket.
struct Waiting {
    /// The only accepted sender; `None` accepts any.
    from: Option<SocketAddr>,
    /// A datagram that was received while the caller checked whether one is available.
    first: Option<Datagram>,
}

impl Waiting {
    /// Waits until there is a datagram, and returns it.
    async fn take(&mut self, socket: &impl Datagrams) -> Result<Datagram, NetError> {
        if let Some(datagram) = self.first.take() {
            return Ok(datagram);
        }
        loop {
            let datagram = socket.next().await?;
            let sender = socket.sender_of(&datagram);
            let is_accepted = self
                .from
                .is_none_or(|from| (from.ip(), from.port()) == (sender.ip(), sender.port()));
            if is_accepted {
                return Ok(datagram);
            }
        }
    }

    async fn receive(
        &mut self,
        socket: &impl Datagrams,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddr), NetError> {
        let datagram = self.take(socket).await?;
        Ok((datagram.copy_into(buffer)?, socket.sender_of(&datagram)))
    }
}

impl<H: Binding> UdpConnection<H> {
    fn new(host: H, port: u16, from: Option<SocketAddr>) -> Result<Self, NetError> {
        let from = from.map(|from| SocketAddr::new(from.ip().to_canonical(), from.port()));
        Ok(Self {
            host,
            socket: host.open(port)?,
            waiting: Waiting { from, first: None },
        })
    }

    /// Sets how many links other datagrams than those to multicast groups may cross; see
    /// [`UdpSocket::set_ttl`](crate::net::UdpSocket::set_ttl).
    pub fn set_ttl(&self, hops: u8) {
        self.socket.set_hops(hops);
    }

    /// Sets how many links datagrams to multicast groups may cross; see
    /// [`UdpSocket::set_multicast_ttl`](crate::net::UdpSocket::set_multicast_ttl).
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.socket.set_group_hops(hops);
    }

    fn receiver(&mut self) -> UdpReceiver<'_, H> {
        self.halves().0
    }

    fn halves(&mut self) -> (UdpReceiver<'_, H>, UdpSender<'_, H>) {
        let Self {
            socket, waiting, ..
        } = self;
        (UdpReceiver { socket, waiting }, UdpSender { socket })
    }
}

macro_rules! binds {
    ($host:ty) => {
        impl UdpBind for $host {
            type Error = NetError;
            type Socket<'a> = UdpConnection<Self>;

            /// Opens the port of the unspecified or of an own address.
            async fn bind(&self, local: SocketAddr) -> Result<UdpConnection<Self>, NetError> {
                UdpConnection::new(self.with_address(local.ip())?, local.port(), None)
            }
        }

        impl UdpConnect for $host {
            type Error = NetError;
            type Socket<'a> = UdpConnection<Self>;

            async fn connect(
                &self,
                local: SocketAddr,
                remote: SocketAddr,
            ) -> Result<UdpConnection<Self>, NetError> {
                let host = self.with_address(local.ip())?.leading_to(remote)?;
                UdpConnection::new(host, local.port(), Some(remote))
            }
        }
    };
}

binds!(Net);
#[cfg(feature = "networks")]
binds!(Networks);

macro_rules! errors {
    ($($name:ty),*) => {$(
        impl<H: Binding> ErrorType for $name {
            type Error = NetError;
        }
    )*};
}

errors!(
    UdpConnection<H>,
    UdpReceiver<'_, H>,
    UdpSender<'_, H>,
    Membership<H>
);

impl<H: Binding> UdpReceive for UdpConnection<H> {
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), NetError> {
        self.receiver().receive(buffer).await
    }
}

impl<H: Binding> UdpReceive for UdpReceiver<'_, H> {
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), NetError> {
        self.waiting.receive(self.socket, buffer).await
    }
}

impl<H: Binding> UdpSend for UdpConnection<H> {
    async fn send(&mut self, remote: SocketAddr, data: &[u8]) -> Result<(), NetError> {
        self.socket.send_datagram(data, remote).await
    }
}

impl<H: Binding> UdpSend for UdpSender<'_, H> {
    async fn send(&mut self, remote: SocketAddr, data: &[u8]) -> Result<(), NetError> {
        self.socket.send_datagram(data, remote).await
    }
}

impl<H: Binding> Readable for UdpConnection<H> {
    async fn readable(&mut self) -> Result<(), NetError> {
        self.receiver().readable().await
    }
}

impl<H: Binding> Readable for UdpReceiver<'_, H> {
    async fn readable(&mut self) -> Result<(), NetError> {
        let datagram = self.waiting.take(self.socket).await?;
        self.waiting.first = Some(datagram);
        Ok(())
    }
}

impl<H: Binding> UdpSplit for UdpConnection<H> {
    type Receive<'a>
        = UdpReceiver<'a, H>
    where
        Self: 'a;
    type Send<'a>
        = UdpSender<'a, H>
    where
        Self: 'a;

    fn split(&mut self) -> (UdpReceiver<'_, H>, UdpSender<'_, H>) {
        self.halves()
    }
}

impl<H: Binding> UdpSplitMulticast for UdpConnection<H> {
    type MulticastV4<'a>
        = Membership<H>
    where
        Self: 'a;
    type MulticastV6<'a>
        = Membership<H>
    where
        Self: 'a;

    fn split_multicast(
        &mut self,
    ) -> (
        UdpReceiver<'_, H>,
        UdpSender<'_, H>,
        Membership<H>,
        Membership<H>,
    ) {
        let host = self.host;
        let (receiver, sender) = self.halves();
        (receiver, sender, Membership(host), Membership(host))
    }
}

macro_rules! groups {
    ($($name:ty, $host:tt;)*) => {$(
        impl<H: Binding> MulticastV4 for $name {
            /// Joins on the network with the address `interface`, and on all networks of the port if it is
            /// unspecified. A port of one network joins there, whatever the address.
            async fn join_v4(&mut self, group: Ipv4Addr, interface: Ipv4Addr) -> Result<(), NetError> {
                self.$host.joining(interface)?.join_group(group)
            }

            async fn leave_v4(&mut self, group: Ipv4Addr, interface: Ipv4Addr) -> Result<(), NetError> {
                self.$host.joining(interface)?.leave_group(group);
                Ok(())
            }
        }

        impl<H: Binding> MulticastV6 for $name {
            /// Joins on the network with the number `interface`, and on all networks of the port for 0. A
            /// port of one network joins there, whatever the number.
            async fn join_v6(&mut self, group: Ipv6Addr, interface: u32) -> Result<(), NetError> {
                self.$host.numbered(interface)?.join_ipv6_group(group)
            }

            async fn leave_v6(&mut self, group: Ipv6Addr, interface: u32) -> Result<(), NetError> {
                self.$host.numbered(interface)?.leave_ipv6_group(group);
                Ok(())
            }
        }
    )*};
}

groups!(
    UdpConnection<H>, host;
    Membership<H>, 0;
);
