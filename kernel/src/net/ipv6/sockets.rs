//! What tasks use: addresses of both versions in place of those of IPv4.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;

use super::packet::{ICMP, Route, UPPER, finish};
use super::{Ip6, Ipv6Configuration, Ipv6Statistics, is_stand_in};
use crate::net::error::BindError;
use crate::net::neighbours::Way;
use crate::net::packet::UDP;
use crate::net::ports::Port;
use crate::net::stack::Stack;
use crate::net::statistics::count;
use crate::net::tcp::{ConnectError, TcpStream};
use crate::net::udp::{Datagram, SendError, UdpSocket};
use crate::net::{Net, PING_PAYLOAD, PingError, TCP_QUEUE};

/// The reason why nothing can be sent to an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6Error {
    /// This machine has no IPv6 address that can be used yet.
    NoAddress,
    /// There is no route: the address is on another network, and there is no router or no address
    /// for other networks.
    NoRoute(Ipv6Addr),
    /// The address is not one of another machine or a group.
    Unaddressable(Ipv6Addr),
    /// Connections use all places for peers.
    TooManyPeers,
}

impl fmt::Display for Ipv6Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress => f.write_str(
                "this machine has no IPv6 address yet; wait for `Net::ipv6_configured` first",
            ),
            Self::NoRoute(to) => write!(f, "no route to {to}: no router advertises one"),
            Self::Unaddressable(to) => write!(f, "nothing can be sent to {to}"),
            Self::TooManyPeers => f.write_str("connections use all places for IPv6 peers"),
        }
    }
}

impl core::error::Error for Ipv6Error {}

impl From<Ipv6Error> for SendError {
    fn from(error: Ipv6Error) -> Self {
        Self::Ipv6(error)
    }
}

impl From<Ipv6Error> for ConnectError {
    fn from(error: Ipv6Error) -> Self {
        Self::Ipv6(error)
    }
}

impl From<Ipv6Error> for PingError {
    fn from(error: Ipv6Error) -> Self {
        Self::Ipv6(error)
    }
}

impl Net {
    /// Returns the IPv6 addresses of this machine now, with routers and name servers.
    pub fn ipv6_configuration(&self) -> Ipv6Configuration {
        let state = self.stack.neighbours.ipv6.state.borrow();
        { state.as_ref() }.map_or_else(Ipv6Configuration::default, |state| state.configuration())
    }

    /// Waits until the machine has an IPv6 address for other networks than its link, and returns the
    /// addresses. Returns at once if it has one.
    pub async fn ipv6_configured(&self) -> Ipv6Configuration {
        core::future::poll_fn(|context| {
            let configuration = self.ipv6_configuration();
            if configuration.global().is_some() {
                return core::task::Poll::Ready(configuration);
            }
            self.wake_when_configured(context.waker());
            core::task::Poll::Pending
        })
        .await
    }

    /// Changes the source of the IPv6 addresses, for an app that does not use the `ip6=` word of the
    /// command line. Connections that use an address that is lost fail.
    pub fn configure_ipv6(&self, ip: Ip6) {
        self.stack.configure_ipv6(ip);
    }

    /// Returns the counts of IPv6 so far.
    pub fn ipv6_statistics(&self) -> Ipv6Statistics {
        self.stack.neighbours.ipv6.counters.snapshot()
    }

    /// Returns the IPv4 address that stands for an IPv6 address, in 240.0.0.0/5, for the functions
    /// that take IPv4 addresses. An IPv4 address stands for itself. There are 256 places: a new peer
    /// takes the place of one that was not used for long and that no connection uses.
    ///
    /// # Errors
    ///
    /// If nothing can be sent to the address.
    pub fn stand_in(&self, address: IpAddr) -> Result<Ipv4Addr, Ipv6Error> {
        let address = match address.to_canonical() {
            IpAddr::V4(address) => return Ok(address),
            IpAddr::V6(address) => address,
        };
        let inner = &*self.stack.inner.borrow();
        let connections = &inner.connections;
        let admitted = self.stack.neighbours.ipv6.with(|state| {
            let now = self.stack.now.get();
            state.admit(address, now, |stand_in| connections.has_peer(stand_in))
        });
        admitted.unwrap_or(Err(Ipv6Error::NoAddress))
    }

    /// Returns the address that an IPv4 address stands for: for a [stand-in](Self::stand_in) that is
    /// still known, the IPv6 address of the peer; otherwise the address itself.
    pub fn real_address(&self, address: Ipv4Addr) -> IpAddr {
        self.stack.real_address(address)
    }

    /// Returns the length of the prefix by which this network leads to an address: that of a network
    /// on the link, or 0 for a router. `None` if it does not.
    #[cfg(feature = "networks")]
    pub(in crate::net) fn ipv6_prefix_to(&self, to: Ipv6Addr) -> Option<u8> {
        let ipv6 = &self.stack.neighbours.ipv6;
        ipv6.with(|state| state.host.prefix_to(to)).flatten()
    }

    fn stand_in_for(&self, to: SocketAddr) -> Result<SocketAddrV4, Ipv6Error> {
        Ok(SocketAddrV4::new(self.stand_in(to.ip())?, to.port()))
    }

    /// Connects to `remote` by TCP over IPv4 or IPv6; see [`tcp_connect`](Self::tcp_connect).
    ///
    /// # Errors
    ///
    /// As for [`tcp_connect`](Self::tcp_connect), with the variants of [`Ipv6Error`].
    pub async fn tcp_connect_any(&self, remote: SocketAddr) -> Result<TcpStream, ConnectError> {
        if let IpAddr::V6(group) = remote.ip()
            && group.is_multicast()
        {
            return Err(Ipv6Error::Unaddressable(group).into());
        }
        let stand_in = self.stand_in_for(remote)?;
        self.tcp_connect_with(stand_in, TCP_QUEUE).await
    }

    /// Sends an echo request to `address` over IPv4 or IPv6; see [`ping`](Self::ping).
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping), with the variants of [`Ipv6Error`].
    pub async fn ping_any(
        &self,
        address: IpAddr,
        timeout: Duration,
    ) -> Result<Duration, PingError> {
        let stand_in = self.stand_in(address)?;
        self.ping(stand_in, timeout).await
    }

    /// Joins a multicast group of IPv6; see [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// If `group` is no multicast group.
    pub fn join_ipv6(&self, group: Ipv6Addr) -> Result<(), Ipv6Error> {
        if !group.is_multicast() {
            return Err(Ipv6Error::Unaddressable(group));
        }
        let now = self.stack.time();
        let ipv6 = &self.stack.neighbours.ipv6;
        ipv6.with(|state| state.groups.join(group, now));
        self.stack.due.set(0);
        Ok(())
    }

    /// Leaves a multicast group of IPv6. Does nothing if it was not joined.
    pub fn leave_ipv6(&self, group: Ipv6Addr) {
        let now = self.stack.time();
        let ipv6 = &self.stack.neighbours.ipv6;
        ipv6.with(|state| state.groups.leave(group, now));
        self.stack.due.set(0);
    }
}

impl Stack {
    fn real_address(&self, address: Ipv4Addr) -> IpAddr {
        let real = if is_stand_in(address) {
            let ipv6 = &self.neighbours.ipv6;
            ipv6.with(|state| Some(state.peers.get(address)?.remote))
        } else {
            None
        };
        real.flatten().map_or(IpAddr::V4(address), IpAddr::V6)
    }

    fn real_socket_address(&self, address: SocketAddrV4) -> SocketAddr {
        match self.real_address(*address.ip()) {
            IpAddr::V4(_) => SocketAddr::V4(address),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, address.port(), 0, 0).into(),
        }
    }

    /// Queues a datagram of `port` for a stand-in.
    #[cold]
    #[inline(never)]
    pub(in crate::net) fn send_ipv6_datagram(
        &self,
        port: &Port,
        payload: &[u8],
        to: SocketAddrV4,
    ) -> Result<(), SendError> {
        let ipv6 = &self.neighbours.ipv6;
        let length = payload.len();
        if to.port() == 0 {
            return Err(SendError::Unaddressable(to));
        }
        let (mut route, way, mtu) = self
            .ipv6_way(*to.ip())
            .ok_or(SendError::Unaddressable(to))??;
        let maximum = (mtu - (UPPER - 14) - 8).min(port.longest_sent().saturating_sub(20));
        if length > maximum {
            return Err(SendError::TooLong { length, maximum });
        }
        if !port.can_send(length + 20) {
            return Err(SendError::QueueFull { port: port.number });
        }
        if let Way::To(mac) = way {
            route.mac = mac.bytes();
        }
        if route.destination.is_multicast() {
            route.hop_limit = port.group_hops.get();
        } else if let Some(hops) = port.hops() {
            route.hop_limit = hops;
        }
        let size = UPPER + 8 + length;
        let frame = self.frames.take_for(size);
        let mut frame = frame.map_err(|_| SendError::OutOfMemory)?;
        frame.set_len(size);
        frame.set_changed(false);
        let bytes = frame.bytes_mut();
        route.write(bytes, UDP);
        let mut header = [0; 8];
        header[..2].copy_from_slice(&port.number.to_be_bytes());
        header[2..4].copy_from_slice(&to.port().to_be_bytes());
        header[4..6].copy_from_slice(&((8 + length) as u16).to_be_bytes());
        if let Some((head, place)) = bytes[UPPER..].split_first_chunk_mut() {
            *head = header;
            place.copy_from_slice(payload);
        }
        finish(bytes, UPPER, UDP, 6);
        self.due.set(0);
        match way {
            Way::To(_) => self.outgoing.push(port, frame, false),
            Way::Asked => self.outgoing.push(port, frame, true),
            Way::TooMany | Way::Nowhere => {
                count(&ipv6.counters.unreachable);
                self.frames.give(frame);
            }
        }
        Ok(())
    }

    /// Returns the route to a stand-in, the way of its hardware address, and the longest packet;
    /// `None` if the stand-in is not known.
    pub(super) fn ipv6_way(
        &self,
        stand_in: Ipv4Addr,
    ) -> Option<Result<(Route, Way, usize), Ipv6Error>> {
        let now = self.now.get();
        let found = self.neighbours.ipv6.with(|state| {
            let peer = *state.peers.get(stand_in)?;
            let Some(route) = state.route(&peer, [0; 6]) else {
                return Some(Err(Ipv6Error::NoAddress));
            };
            let way = match peer.mac(now) {
                Some(mac) => Way::To(mac),
                None => state.way(peer.remote, now),
            };
            Some(match way {
                Way::Nowhere => Err(Ipv6Error::NoRoute(peer.remote)),
                way => Ok((route, way, peer.mtu(now).min(state.host.mtu))),
            })
        });
        found.flatten()
    }

    /// Sends an echo request to a stand-in.
    pub(in crate::net) fn request_ipv6(
        &self,
        stand_in: Ipv4Addr,
        identifier: u16,
    ) -> Result<(), BindError> {
        /// The type of an echo request.
        const REQUEST: u8 = 128;
        let Some(Ok((mut route, way, _))) = self.ipv6_way(stand_in) else {
            // It is not answered.
            return Ok(());
        };
        if let Way::To(mac) = way {
            route.mac = mac.bytes();
        }
        let [high, low] = identifier.to_be_bytes();
        let head = [REQUEST, 0, 0, 0, high, low, 0, 1];
        let message = route.message(&self.frames, &[&head, &[0; PING_PAYLOAD]], false);
        let frame = message.ok_or(BindError::OutOfMemory)?;
        debug_assert!(frame.bytes().get(20) == Some(&ICMP));
        self.due.set(0);
        match way {
            Way::To(_) => self.answer(frame),
            Way::Asked => self.outgoing.wait(frame),
            Way::TooMany | Way::Nowhere => {
                count(&self.neighbours.ipv6.counters.unreachable);
                self.frames.give(frame);
            }
        }
        Ok(())
    }

    /// Checks that packets can be sent to a stand-in; `None` if it is not known.
    pub(in crate::net) fn check_ipv6(&self, stand_in: Ipv4Addr) -> Option<Result<(), Ipv6Error>> {
        Some(self.ipv6_way(stand_in)?.map(|_| ()))
    }
}

impl UdpSocket {
    /// Sends `payload` to `to` over IPv4 or IPv6; see [`send_to`](Self::send_to). A datagram over
    /// IPv6 is not fragmented: the longest payload is that of one packet.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to), with the variants of [`Ipv6Error`].
    pub async fn send_to_any(&self, payload: &[u8], to: SocketAddr) -> Result<(), SendError> {
        let net = Net { stack: self.stack };
        let to = net.stand_in_for(to)?;
        self.send_to(payload, to).await
    }
}

impl Datagram {
    /// Returns the sender's address and port, also over IPv6, for which [`source`](Self::source) is
    /// a [stand-in](Net::stand_in).
    #[must_use]
    pub fn sender(&self) -> SocketAddr {
        self.stack.real_socket_address(self.source())
    }
}

impl TcpStream {
    /// Returns the peer's address and port, also over IPv6, for which [`peer`](Self::peer) is a
    /// [stand-in](Net::stand_in); `None` once the connection is over.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        Some(self.stack.real_socket_address(self.peer()?))
    }
}
