//! TCP connections over all networks.

use alloc::vec::Vec;
use core::cell::Cell;
use core::future::poll_fn;
use core::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use core::task::Poll;
use core::time::Duration;

use super::{Networks, on_all};
use crate::net::address::is_unicast;
use crate::net::{
    BindError, ConnectError, PingError, TCP_BACKLOG, TCP_QUEUE, TcpListener, TcpStream,
};

/// A TCP port of all networks that accepts connections. Dropping it frees the port on each, and ends
/// connections that were not accepted.
///
/// Only one task at a time can wait to accept.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let networks = kernel.networks();
/// let listener = networks.tcp_listen(7)?;
/// let stream = listener.accept().await?;
/// if let Some(network) = networks.of_stream(&stream) {
///     vmos::println!("{:?} has connected over {}", stream.peer(), network.name());
/// }
/// # Ok(())
/// # }
/// ```
pub struct TcpListeners {
    /// One for each network, in the same order.
    listeners: Vec<TcpListener>,
    /// The listener that is asked first, so that none has to wait for another one.
    next: Cell<usize>,
}

impl Networks {
    /// Listens on the TCP port of all networks. Up to [`TCP_BACKLOG`] connections of each network can
    /// wait to be accepted. Port 0 selects a port that is free on all.
    ///
    /// # Errors
    ///
    /// If the port is in use on any network, there are too many sockets, or there is no memory.
    pub fn tcp_listen(&self, port: u16) -> Result<TcpListeners, BindError> {
        self.tcp_listen_with(port, TCP_BACKLOG)
    }

    /// Like [`tcp_listen`](Self::tcp_listen), with room for `backlog` connections of each network.
    ///
    /// # Errors
    ///
    /// As for [`tcp_listen`](Self::tcp_listen).
    pub fn tcp_listen_with(&self, port: u16, backlog: usize) -> Result<TcpListeners, BindError> {
        let open = |net: crate::net::Net, port| net.tcp_listen_with(port, backlog);
        Ok(TcpListeners {
            listeners: on_all(*self, port, open, TcpListener::port)?,
            next: Cell::new(0),
        })
    }

    /// Connects to `remote` by TCP, over the network that [leads](Self::route) there and from its
    /// address.
    ///
    /// # Errors
    ///
    /// As for [`Net::tcp_connect`](crate::net::Net::tcp_connect); there is no route if no network leads
    /// to the destination, which is an error at once.
    pub async fn tcp_connect(&self, remote: SocketAddrV4) -> Result<TcpStream, ConnectError> {
        self.tcp_connect_with(remote, TCP_QUEUE).await
    }

    /// Like [`tcp_connect`](Self::tcp_connect), with queues of `queue` bytes in each direction; see
    /// [`TcpListener::set_queue`].
    ///
    /// # Errors
    ///
    /// As for [`tcp_connect`](Self::tcp_connect).
    pub async fn tcp_connect_with(
        &self,
        remote: SocketAddrV4,
        queue: usize,
    ) -> Result<TcpStream, ConnectError> {
        match self.route(IpAddr::V4(*remote.ip())) {
            Some(network) => network.net().tcp_connect_with(remote, queue).await,
            None if !self.has_address() => Err(ConnectError::NoAddress),
            None if is_unicast(remote.ip().to_bits()) => Err(ConnectError::NoRoute(remote)),
            None => Err(ConnectError::Unaddressable(remote)),
        }
    }

    /// Connects to `remote` of either IP version by TCP; see [`tcp_connect`](Self::tcp_connect). The scope
    /// of a link-local address is the [number](super::Network::number) of its network.
    ///
    /// # Errors
    ///
    /// As for [`Net::tcp_connect_any`](crate::net::Net::tcp_connect_any); there is no route if no
    /// network leads to the destination, which is an error at once.
    #[cfg(feature = "ipv6")]
    pub async fn tcp_connect_any(
        &self,
        remote: core::net::SocketAddr,
    ) -> Result<TcpStream, ConnectError> {
        match remote.ip().to_canonical() {
            IpAddr::V4(ip) => self.tcp_connect(SocketAddrV4::new(ip, remote.port())).await,
            IpAddr::V6(ip) => match self.route_to(remote) {
                Some(network) => network.net().tcp_connect_any(remote).await,
                None => Err(self.no_ipv6_route(ip).into()),
            },
        }
    }

    /// Sends an ICMP echo request over the network that [leads](Self::route) to `address`; see
    /// [`Net::ping`](crate::net::Net::ping).
    ///
    /// # Errors
    ///
    /// As for [`Net::ping`](crate::net::Net::ping).
    pub async fn ping(&self, address: Ipv4Addr, timeout: Duration) -> Result<Duration, PingError> {
        match self.route(IpAddr::V4(address)) {
            Some(network) => network.net().ping(address, timeout).await,
            None if !self.has_address() => Err(PingError::NoAddress),
            None => Err(PingError::NoRoute(address)),
        }
    }

    /// Sends an echo request to an address of either IP version; see [`ping`](Self::ping).
    ///
    /// # Errors
    ///
    /// As for [`Net::ping_any`](crate::net::Net::ping_any).
    #[cfg(feature = "ipv6")]
    pub async fn ping_any(
        &self,
        address: IpAddr,
        timeout: Duration,
    ) -> Result<Duration, PingError> {
        match (address.to_canonical(), self.route(address)) {
            (IpAddr::V4(address), _) => self.ping(address, timeout).await,
            (IpAddr::V6(_), Some(network)) => network.net().ping_any(address, timeout).await,
            (IpAddr::V6(address), None) => Err(self.no_ipv6_route(address).into()),
        }
    }

    /// Returns why nothing can be sent to an IPv6 address to which no network leads.
    #[cfg(feature = "ipv6")]
    pub(in crate::net) fn no_ipv6_route(&self, to: core::net::Ipv6Addr) -> crate::net::Ipv6Error {
        let mut all = self.iter();
        let has_ipv6 = |network: super::Network| {
            let configuration = network.net().ipv6_configuration();
            configuration.addresses().next().is_some()
        };
        match all.any(has_ipv6) {
            true => crate::net::Ipv6Error::NoRoute(to),
            false => crate::net::Ipv6Error::NoAddress,
        }
    }
}

impl TcpListeners {
    /// Returns the port; 0 if this machine has no network.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listeners.first().map_or(0, TcpListener::port)
    }

    /// Sets the queue size of future connections; see [`TcpListener::set_queue`].
    pub fn set_queue(&self, bytes: usize) {
        self.listeners
            .iter()
            .for_each(|listener| listener.set_queue(bytes));
    }

    /// Waits for the next connection of any network. [`Networks::of_stream`] returns which.
    ///
    /// # Errors
    ///
    /// As for [`TcpListener::accept`].
    pub async fn accept(&self) -> Result<TcpStream, BindError> {
        poll_fn(|context| {
            let first = self.next.get();
            let (before, after) = self.listeners.split_at(first.min(self.listeners.len()));
            for (index, listener) in after.iter().chain(before).enumerate() {
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    self.next.set((first + index + 1) % self.listeners.len());
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}
