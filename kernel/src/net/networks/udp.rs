//! A UDP port of all networks.

use alloc::vec::Vec;
use core::cell::Cell;
use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddrV4};
use core::pin::pin;
use core::task::Poll;

use super::{Networks, on_all};
use crate::net::{BindError, Datagram, Queue, ReceiveError, SendError, UDP_QUEUE, UdpSocket};

/// A UDP port of all networks. Dropping it frees the port on each.
///
/// A datagram to send goes to the network that [leads](Networks::route) to its destination; an answer
/// goes to the network on which the datagram arrived. For datagrams of one network or address, use the
/// sockets of [`Network::net`](super::Network::net).
///
/// Only one task at a time can wait to receive, and one to send.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let networks = kernel.networks();
/// let socket = networks.udp(7)?;
/// let datagram = socket.receive().await?;
/// if let Some(network) = networks.of_datagram(&datagram) {
///     vmos::println!("from {} over {}", datagram.source(), network.name());
/// }
/// socket.send_back(datagram).await?;
/// # Ok(())
/// # }
/// ```
pub struct UdpSockets {
    pub(in crate::net) networks: Networks,
    /// One for each network, in the same order.
    sockets: Vec<UdpSocket>,
    /// The socket from which a datagram is taken first, so that none has to wait for another one.
    next: Cell<usize>,
}

impl Networks {
    /// Opens a UDP socket on `port` of all networks, with queues of [`UDP_QUEUE`] on each. Port 0
    /// selects a port that is free on all.
    ///
    /// # Errors
    ///
    /// If the port is in use on any network, there are too many sockets, or there is no memory.
    pub fn udp(&self, port: u16) -> Result<UdpSockets, BindError> {
        self.udp_with(port, UDP_QUEUE, UDP_QUEUE)
    }

    /// Like [`udp`](Self::udp), with queues of these sizes on each network.
    ///
    /// # Errors
    ///
    /// As for [`udp`](Self::udp).
    pub fn udp_with(
        &self,
        port: u16,
        receive: Queue,
        send: Queue,
    ) -> Result<UdpSockets, BindError> {
        let open = |net: crate::net::Net, port| net.udp_with(port, receive, send);
        Ok(UdpSockets {
            networks: *self,
            sockets: on_all(*self, port, open, UdpSocket::port)?,
            next: Cell::new(0),
        })
    }
}

impl UdpSockets {
    /// Returns the port; 0 if this machine has no network.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.sockets.first().map_or(0, UdpSocket::port)
    }

    /// Sets how many links other datagrams than those to multicast groups may cross; see
    /// [`UdpSocket::set_ttl`].
    pub fn set_ttl(&self, hops: u8) {
        self.sockets.iter().for_each(|socket| socket.set_ttl(hops));
    }

    /// Sets how many links datagrams to multicast groups may cross; see
    /// [`UdpSocket::set_multicast_ttl`].
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.sockets
            .iter()
            .for_each(|socket| socket.set_multicast_ttl(hops));
    }

    /// Waits for the next datagram of any network. [`Networks::of_datagram`] returns which.
    ///
    /// # Errors
    ///
    /// If a datagram arrived and there is no memory to return it.
    pub async fn receive(&self) -> Result<Datagram, ReceiveError> {
        poll_fn(|context| {
            let first = self.next.get();
            let (before, after) = self.sockets.split_at(first.min(self.sockets.len()));
            for (index, socket) in after.iter().chain(before).enumerate() {
                if let Poll::Ready(received) = pin!(socket.receive()).poll(context) {
                    self.next.set((first + index + 1) % self.sockets.len());
                    return Poll::Ready(received);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for the next datagram of any network and copies it to the start of `buffer`; see
    /// [`UdpSocket::receive_into`]. To answer it, use [`receive`](Self::receive), whose datagram knows its
    /// network.
    ///
    /// # Errors
    ///
    /// If the buffer was too short; the datagram is lost.
    pub async fn receive_into(
        &self,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddrV4), ReceiveError> {
        let datagram = self.receive().await?;
        Ok((datagram.copy_into(buffer)?, datagram.source()))
    }

    /// Sends `payload` to the sender of `datagram`, over the network on which it arrived; see
    /// [`UdpSocket::reply`].
    ///
    /// # Errors
    ///
    /// If the payload is too long, or there is no memory.
    pub async fn reply(&self, datagram: &Datagram, payload: &[u8]) -> Result<(), SendError> {
        match self.of(datagram) {
            Some(socket) => socket.reply(datagram, payload).await,
            None => Err(SendError::NoRoute(datagram.source())),
        }
    }

    /// Sends the datagram, with its changes, back to its sender, over the network on which it arrived;
    /// see [`UdpSocket::send_back`].
    ///
    /// # Errors
    ///
    /// If the payload is too long, or there is no memory.
    pub async fn send_back(&self, datagram: Datagram) -> Result<(), SendError> {
        match self.of(&datagram) {
            Some(socket) => socket.send_back(datagram).await,
            None => Err(SendError::NoRoute(datagram.source())),
        }
    }

    /// Sends `payload` to `to` over the network that leads there, once its queue has room. A stand-in
    /// of IPv6 belongs to one network, so there is no route to it: use `send_to_any` with
    /// `Datagram::sender`, or [`reply`](Self::reply).
    ///
    /// # Errors
    ///
    /// As for [`UdpSocket::send_to`]; there is no route if no network leads to the destination.
    pub async fn send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        self.leading_to(to)?.send_to(payload, to).await
    }

    /// Like [`send_to`](Self::send_to), but does not wait.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to), and if the queue is full.
    pub fn try_send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        self.leading_to(to)?.try_send_to(payload, to)
    }

    /// Sends `payload` to `to`, of either IP version, over the network that leads there, once its queue
    /// has room. The scope of a link-local address is the [number](super::Network::number) of its network;
    /// without one, the address counts as being on every network.
    ///
    /// # Errors
    ///
    /// As for [`UdpSocket::send_to_any`]; there is no route if no network leads to the destination.
    #[cfg(feature = "ipv6")]
    pub async fn send_to_any(
        &self,
        payload: &[u8],
        to: core::net::SocketAddr,
    ) -> Result<(), SendError> {
        match (self.networks.route_to(to), to.ip().to_canonical()) {
            (Some(network), _) => match self.of_stack(network.net().stack) {
                Some(socket) => socket.send_to_any(payload, to).await,
                None => Err(SendError::NoAddress),
            },
            (None, IpAddr::V6(ip)) => Err(self.networks.no_ipv6_route(ip).into()),
            (None, IpAddr::V4(ip)) => {
                let to = SocketAddrV4::new(ip, to.port());
                Err(self.networks.no_ipv4_route(to))
            }
        }
    }

    fn leading_to(&self, to: SocketAddrV4) -> Result<&UdpSocket, SendError> {
        let network = self.networks.route(IpAddr::V4(*to.ip()));
        let socket = network.and_then(|network| self.of_stack(network.net().stack));
        socket.ok_or_else(|| self.networks.no_ipv4_route(to))
    }

    fn of(&self, datagram: &Datagram) -> Option<&UdpSocket> {
        self.of_stack(datagram.stack)
    }

    fn of_stack(&self, stack: &'static crate::net::Stack) -> Option<&UdpSocket> {
        self.sockets
            .iter()
            .find(|socket| core::ptr::eq(socket.stack, stack))
    }
}
