//! Raw sockets: packets of a protocol that the kernel does not implement, by its number
//! (<https://www.iana.org/assignments/protocol-numbers>).
//!
//! Only packets that neither UDP nor TCP takes are compared with the open raw sockets, so datagrams
//! and segments cost the same with and without this feature.

mod error;
mod queue;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::net::{IpAddr, Ipv4Addr};
use core::task::{Context, Poll};

use super::Net;
use super::address::is_peer;
use super::buffer::Queue;
#[cfg(feature = "ipv6")]
use super::neighbours::Way;
use super::packet::{IP_HEADERS, Mac, TCP, UDP, set_time_to_live};
use super::stack::Stack;

pub use self::error::RawError;
pub(super) use self::queue::RawQueues;
use self::queue::{RawQueue, WAITING};

/// The default size of a raw socket's queue of received packets.
pub const RAW_QUEUE: Queue = Queue {
    datagrams: 16,
    bytes: 16 * 1024,
};

/// ICMPv6, which the kernel handles alone.
const ICMPV6: u8 = 58;

/// A received packet, without its headers.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let packet = kernel.net()?.raw(253)?.receive().await;
/// vmos::println!("{} bytes from {}", packet.payload().len(), packet.source());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPacket {
    source: IpAddr,
    destination: IpAddr,
    payload: Vec<u8>,
}

impl RawPacket {
    /// Returns the sender's address.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Returns the address that the packet was sent to: one of this machine, a broadcast address, or
    /// a group that was [joined](Net::join).
    #[must_use]
    pub fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Returns the bytes after the IP header and its options or extension headers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// A socket for the packets of one protocol. Dropping it drops its queue.
///
/// Only one task at a time can wait to receive.
pub struct RawSocket {
    stack: &'static Stack,
    queue: Rc<RawQueue>,
}

impl Net {
    /// Opens a socket for the packets of a protocol, such as 89 for OSPF, with a queue of
    /// [`RAW_QUEUE`].
    ///
    /// For protocol 1, ICMP, it gets a copy of each message with a right checksum but echo requests,
    /// which the kernel answers.
    ///
    /// ```no_run
    /// # use core::net::Ipv4Addr;
    /// # use vmos::{Kernel, Result};
    /// # async fn example(kernel: Kernel) -> Result<()> {
    /// let net = kernel.net()?;
    /// net.configured().await;
    /// // Sends back every packet of the protocol that is reserved for experiments (RFC 3692).
    /// let socket = net.raw(253)?;
    /// loop {
    ///     let packet = socket.receive().await;
    ///     socket.send_to(packet.payload(), packet.source())?;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the kernel handles the protocol alone, another socket has it, or there is no memory.
    pub fn raw(&self, protocol: u8) -> Result<RawSocket, RawError> {
        self.raw_with(protocol, RAW_QUEUE)
    }

    /// Like [`raw`](Self::raw), with a queue of this size for received packets.
    ///
    /// # Errors
    ///
    /// As for [`raw`](Self::raw).
    pub fn raw_with(&self, protocol: u8, queue: Queue) -> Result<RawSocket, RawError> {
        if matches!(protocol, TCP | UDP | ICMPV6) {
            return Err(RawError::OfKernel(protocol));
        }
        Ok(RawSocket {
            stack: self.stack,
            queue: self.stack.raw.open(protocol, queue)?,
        })
    }
}

impl RawSocket {
    /// Returns the number of the socket's protocol.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.queue.protocol
    }

    /// Returns how many packets were dropped because the queue was full or there was no memory for
    /// them. The counts of the network include them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Sets how many links the packets of this socket to multicast groups may cross: their time to
    /// live, or, over IPv6, their hop limit. It is 1 at first, so that no router forwards them
    /// (RFC 1112, 6.1; RFC 3493, 5.2), and 0 stands for 1.
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.queue.group_hops.set(hops.max(1));
    }

    /// Waits for the next packet.
    pub async fn receive(&self) -> RawPacket {
        poll_fn(|context| self.poll_receive(context)).await
    }

    pub(in crate::net) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<RawPacket> {
        match self.queue.take() {
            Some(packet) => Poll::Ready(packet),
            None => {
                self.queue.sleeper.sleep(context.waker());
                Poll::Pending
            }
        }
    }

    /// Queues a packet with this payload to be sent, without waiting. The kernel writes the headers
    /// below the payload; checksums inside the payload are the caller's.
    ///
    /// The destination may be a machine, a group or a broadcast address; with the feature `ipv6`,
    /// also one of IPv6. A packet to a machine that does not answer ARP or neighbour discovery is
    /// dropped and counted as unreachable.
    ///
    /// # Errors
    ///
    /// If the payload does not fit in one packet, there is no address or route, or too many packets
    /// are waiting to be sent. Over IPv6, a packet is as long as those that reach the destination:
    /// a router may lower the length.
    pub fn send_to(&self, payload: &[u8], to: IpAddr) -> Result<(), RawError> {
        match to {
            IpAddr::V4(to) => self.send_ipv4(payload, to),
            #[cfg(feature = "ipv6")]
            IpAddr::V6(_) => {
                let net = Net { stack: self.stack };
                let stand_in = net.stand_in(to)?;
                self.stack.send_raw_ipv6(&self.queue, payload, stand_in)
            }
            #[cfg(not(feature = "ipv6"))]
            IpAddr::V6(_) => Err(RawError::Unaddressable(to)),
        }
    }

    fn send_ipv4(&self, payload: &[u8], to: Ipv4Addr) -> Result<(), RawError> {
        let stack = self.stack;
        let (Some(own), Some(configuration)) =
            (stack.outgoing.own(), *stack.configuration.borrow())
        else {
            return Err(RawError::NoAddress);
        };
        let network = configuration.address;
        let is_to_many = to.is_broadcast() || to.is_multicast() || network.broadcast() == Some(to);
        if !is_to_many && !is_peer(to, network) {
            return Err(RawError::Unaddressable(IpAddr::V4(to)));
        }
        if !is_to_many && configuration.next_hop(to).is_none() {
            return Err(RawError::NoRoute(IpAddr::V4(to)));
        }
        let length = IP_HEADERS + payload.len();
        let longest = stack.outgoing.longest_frame();
        if length > longest {
            return Err(RawError::TooLong {
                length: payload.len(),
                maximum: longest.saturating_sub(IP_HEADERS),
            });
        }
        stack.check_raw_queue()?;
        let frame = stack.frames.take_for(length);
        let mut frame = frame.map_err(|_| RawError::OutOfMemory)?;
        frame.set_len(length);
        frame.set_changed(false);
        let address = u32::from_le_bytes(to.octets());
        own.address(&mut frame, Mac::NONE, address, self.queue.protocol);
        if to.is_multicast() {
            set_time_to_live(&mut frame, self.queue.group_hops.get());
        }
        if let Some(place) = frame.bytes_mut().get_mut(IP_HEADERS..) {
            place.copy_from_slice(payload);
        }
        stack.outgoing.allow_fragments(&mut frame);
        stack.due.set(0);
        stack.send_on(frame, to, stack.now.get());
        Ok(())
    }
}

impl Drop for RawSocket {
    fn drop(&mut self) {
        self.stack.raw.close(self.queue.protocol);
    }
}

impl Stack {
    /// Checks that one more raw packet can be sent or wait.
    pub(super) fn check_raw_queue(&self) -> Result<(), RawError> {
        let mut waiting = 0;
        let keep = |_: &_| {
            waiting += 1;
            true
        };
        self.outgoing.waiting.retain(keep, |_| {});
        if waiting >= WAITING || self.outgoing.answerable() == 0 {
            return Err(RawError::QueueFull);
        }
        Ok(())
    }

    /// Queues a packet for a stand-in.
    #[cfg(feature = "ipv6")]
    fn send_raw_ipv6(
        &self,
        queue: &RawQueue,
        payload: &[u8],
        stand_in: Ipv4Addr,
    ) -> Result<(), RawError> {
        let (protocol, hops) = (queue.protocol, queue.group_hops.get());
        let (frame, way) = self.ipv6_packet(stand_in, protocol, hops, payload)?;
        self.due.set(0);
        match way {
            Way::To(_) => self.answer(frame),
            Way::Asked => self.outgoing.wait(frame),
            Way::TooMany | Way::Nowhere => {
                super::statistics::count(&self.counters.unreachable);
                self.frames.give(frame);
            }
        }
        Ok(())
    }
}
