//! Packets of a protocol on all networks.

use alloc::vec::Vec;
use core::cell::Cell;
use core::future::poll_fn;
use core::net::IpAddr;
use core::task::Poll;

use super::{Network, Networks};
use crate::net::{Queue, RAW_QUEUE, RawError, RawPacket, RawSocket};

/// A socket for the packets of one protocol on all networks. Dropping it drops its queues.
///
/// Only one task at a time can wait to receive.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let sockets = kernel.networks().raw(253)?;
/// let (network, packet) = sockets.receive().await;
/// sockets.send_over(network, packet.payload(), packet.source())?;
/// # Ok(())
/// # }
/// ```
pub struct RawSockets {
    networks: Networks,
    /// One for each network, in the same order.
    sockets: Vec<RawSocket>,
    /// The socket from which a packet is taken first, so that none has to wait for another one.
    next: Cell<usize>,
}

impl Networks {
    /// Opens a socket for the packets of a protocol on all networks, with a queue of [`RAW_QUEUE`] on
    /// each; see [`Net::raw`](crate::net::Net::raw).
    ///
    /// # Errors
    ///
    /// If the kernel handles the protocol alone, another socket of any network has it, or there is no
    /// memory.
    pub fn raw(&self, protocol: u8) -> Result<RawSockets, RawError> {
        self.raw_with(protocol, RAW_QUEUE)
    }

    /// Like [`raw`](Self::raw), with queues of this size on each network.
    ///
    /// # Errors
    ///
    /// As for [`raw`](Self::raw).
    pub fn raw_with(&self, protocol: u8, queue: Queue) -> Result<RawSockets, RawError> {
        let mut sockets = Vec::new();
        let enough = sockets.try_reserve_exact(self.all.len());
        enough.map_err(|_| RawError::OutOfMemory)?;
        for network in self.iter() {
            sockets.push(network.net().raw_with(protocol, queue)?);
        }
        Ok(RawSockets {
            networks: *self,
            sockets,
            next: Cell::new(0),
        })
    }
}

impl RawSockets {
    /// Returns how many packets were dropped on all networks; see [`RawSocket::dropped`].
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sockets.iter().map(RawSocket::dropped).sum()
    }

    /// Sets how many links packets to multicast groups may cross; see
    /// [`RawSocket::set_multicast_ttl`].
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.sockets
            .iter()
            .for_each(|socket| socket.set_multicast_ttl(hops));
    }

    /// Waits for the next packet of any network, and returns the network on which it arrived.
    pub async fn receive(&self) -> (Network, RawPacket) {
        poll_fn(|context| {
            let count = self.sockets.len();
            for turn in 0..count {
                let index = (self.next.get() + turn) % count;
                if let (Some(socket), Some(network)) =
                    (self.sockets.get(index), self.networks.all.get(index))
                    && let Poll::Ready(packet) = socket.poll_receive(context)
                {
                    self.next.set(index + 1);
                    return Poll::Ready((*network, packet));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Queues a packet to be sent over the network that [leads](Networks::route) there, without waiting;
    /// see [`RawSocket::send_to`].
    ///
    /// # Errors
    ///
    /// As for [`RawSocket::send_to`]; there is no route if no network leads to the destination.
    pub fn send_to(&self, payload: &[u8], to: IpAddr) -> Result<(), RawError> {
        match self.networks.route(to) {
            Some(network) => self.send_over(network, payload, to),
            None if to.is_ipv4() && !self.networks.has_address() => Err(RawError::NoAddress),
            None => Err(RawError::NoRoute(to)),
        }
    }

    /// Like [`send_to`](Self::send_to), over this network, such as that on which a packet arrived.
    ///
    /// # Errors
    ///
    /// As for [`RawSocket::send_to`].
    pub fn send_over(&self, network: Network, payload: &[u8], to: IpAddr) -> Result<(), RawError> {
        let mut all = self.sockets.iter().zip(self.networks.iter());
        match all.find(|(_, other)| other.number() == network.number()) {
            Some((socket, _)) => socket.send_to(payload, to),
            None => Err(RawError::NoRoute(to)),
        }
    }
}
