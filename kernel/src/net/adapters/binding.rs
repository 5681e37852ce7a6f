//! Ports of one network or of all networks, as the implementations of `edge-nal`'s traits use them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::error::NetError;
use super::host::Host;
use super::sockets::Datagrams;
use crate::net::{BindError, Net, TcpListener, TcpStream, UdpSocket};
#[cfg(feature = "networks")]
use crate::net::{Networks, TcpListeners, UdpSockets};

/// A [`Host`] that opens ports and joins groups.
pub trait Binding: Host {
    /// A UDP port.
    type Socket: Datagrams;
    /// A TCP port.
    type Listener: Listening;

    /// Returns those of the networks that have the local address: all of them for the unspecified one,
    /// and otherwise the first that has it.
    ///
    /// # Errors
    ///
    /// If none has it.
    fn with_address(&self, local: IpAddr) -> Result<Self, NetError>;

    /// Returns the network that leads to an address.
    ///
    /// # Errors
    ///
    /// If none does.
    fn leading_to(&self, remote: SocketAddr) -> Result<Self, NetError>;

    /// Returns the networks on which a group is joined by IPv4: all of them for the unspecified address.
    ///
    /// # Errors
    ///
    /// If none has the address.
    fn joining(&self, interface: Ipv4Addr) -> Result<Self, NetError>;

    /// Returns the networks on which a group is joined by IPv6: all of them for 0, otherwise the one with
    /// this number.
    ///
    /// # Errors
    ///
    /// If none has the number.
    fn numbered(&self, interface: u32) -> Result<Self, NetError>;

    /// Opens a UDP port; 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// If the port is in use, there are too many sockets, or there is no memory.
    fn open(&self, port: u16) -> Result<Self::Socket, BindError>;

    /// Listens on a TCP port; 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// If the port is in use, or there is no memory.
    fn listen(&self, port: u16) -> Result<Self::Listener, BindError>;

    /// Joins a multicast group on every one of the networks.
    ///
    /// # Errors
    ///
    /// If `group` is not a multicast group.
    fn join_group(&self, group: Ipv4Addr) -> Result<(), NetError>;

    /// Leaves a multicast group on every one of the networks.
    fn leave_group(&self, group: Ipv4Addr);

    /// Joins a multicast group of IPv6 on every one of the networks.
    ///
    /// # Errors
    ///
    /// If `group` is not a multicast group, or the feature `ipv6` is off.
    fn join_ipv6_group(&self, group: Ipv6Addr) -> Result<(), NetError>;

    /// Leaves a multicast group of IPv6 on every one of the networks.
    fn leave_ipv6_group(&self, group: Ipv6Addr);

    /// Returns the peer of a connection, or `None` once it is over.
    fn peer_of(&self, stream: &TcpStream) -> Option<SocketAddr>;
}

/// A TCP port that accepts connections.
pub trait Listening {
    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// As for [`TcpListener::accept`].
    fn next(&self) -> impl Future<Output = Result<TcpStream, BindError>>;
}

impl Listening for TcpListener {
    async fn next(&self) -> Result<TcpStream, BindError> {
        self.accept().await
    }
}

#[cfg(feature = "networks")]
impl Listening for TcpListeners {
    async fn next(&self) -> Result<TcpStream, BindError> {
        self.accept().await
    }
}

const NOT_A_GROUP: NetError =
    NetError::Unsupported("joining an address that is not a multicast group");
#[cfg(not(feature = "ipv6"))]
const NO_IPV6: NetError =
    NetError::Unsupported("a multicast group of IPv6 without the feature `ipv6`");

/// The items that are the same for one network and for all.
macro_rules! alike {
    ($socket:ty, $listener:ty) => {
        type Socket = $socket;
        type Listener = $listener;

        fn open(&self, port: u16) -> Result<$socket, BindError> {
            self.udp(port)
        }

        fn listen(&self, port: u16) -> Result<$listener, BindError> {
            self.tcp_listen(port)
        }

        fn join_group(&self, group: Ipv4Addr) -> Result<(), NetError> {
            self.join(group).map_err(|_| NOT_A_GROUP)
        }

        fn leave_group(&self, group: Ipv4Addr) {
            self.leave(group);
        }

        #[cfg(feature = "ipv6")]
        fn join_ipv6_group(&self, group: Ipv6Addr) -> Result<(), NetError> {
            self.join_ipv6(group).map_err(|_| NOT_A_GROUP)
        }

        #[cfg(feature = "ipv6")]
        fn leave_ipv6_group(&self, group: Ipv6Addr) {
            self.leave_ipv6(group);
        }

        #[cfg(not(feature = "ipv6"))]
        fn join_ipv6_group(&self, _: Ipv6Addr) -> Result<(), NetError> {
            Err(NO_IPV6)
        }

        #[cfg(not(feature = "ipv6"))]
        fn leave_ipv6_group(&self, _: Ipv6Addr) {}
    };
}

impl Binding for Net {
    alike!(UdpSocket, TcpListener);

    fn with_address(&self, local: IpAddr) -> Result<Self, NetError> {
        let accepted = local.is_unspecified() || has_address(self, local);
        accepted.then_some(*self).ok_or(NetError::NotOwn(local))
    }

    fn leading_to(&self, _: SocketAddr) -> Result<Self, NetError> {
        Ok(*self)
    }

    fn joining(&self, _: Ipv4Addr) -> Result<Self, NetError> {
        Ok(*self)
    }

    fn numbered(&self, _: u32) -> Result<Self, NetError> {
        Ok(*self)
    }

    fn peer_of(&self, stream: &TcpStream) -> Option<SocketAddr> {
        peer(stream)
    }
}

#[cfg(feature = "networks")]
impl Binding for Networks {
    alike!(UdpSockets, TcpListeners);

    fn with_address(&self, local: IpAddr) -> Result<Self, NetError> {
        if local.is_unspecified() {
            return Ok(*self);
        }
        let found = self.only(|network| has_address(&network.net(), local));
        found.ok_or(NetError::NotOwn(local))
    }

    fn leading_to(&self, remote: SocketAddr) -> Result<Self, NetError> {
        let number = self.route_to(remote).map(|network| network.number());
        let found = number.and_then(|number| self.only(|network| network.number() == number));
        found.ok_or_else(|| self.no_route_to(remote))
    }

    fn joining(&self, interface: Ipv4Addr) -> Result<Self, NetError> {
        self.with_address(IpAddr::V4(interface))
    }

    fn numbered(&self, interface: u32) -> Result<Self, NetError> {
        if interface == 0 {
            return Ok(*self);
        }
        let found = self.only(|network| network.number() == interface);
        found.ok_or(NetError::Unsupported(
            "an interface number that no network has",
        ))
    }

    fn peer_of(&self, stream: &TcpStream) -> Option<SocketAddr> {
        Some(self.scoped(peer(stream)?, self.of_stream(stream)))
    }
}

fn peer(stream: &TcpStream) -> Option<SocketAddr> {
    #[cfg(feature = "ipv6")]
    let peer = stream.remote();
    #[cfg(not(feature = "ipv6"))]
    let peer = stream.peer().map(SocketAddr::V4);
    peer
}

/// Whether the address is the network's own.
fn has_address(net: &Net, address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let known = net.configuration();
            known.is_some_and(|known| known.address.address() == address)
        }
        #[cfg(feature = "ipv6")]
        IpAddr::V6(address) => {
            let known = net.ipv6_configuration();
            known.addresses().any(|(own, _)| own == address)
        }
        #[cfg(not(feature = "ipv6"))]
        IpAddr::V6(_) => false,
    }
}
