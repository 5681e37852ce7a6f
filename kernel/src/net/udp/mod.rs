//! UDP (RFC 768).
//!
//! A task receives a datagram in the frame in which it arrived, and sends it in the frame into
//! which it was written (`ports`, `packet`); a datagram longer than a frame is sent in fragments. A
//! datagram to a machine whose hardware address is unknown waits until the address is found.

mod datagram;
mod error;

use alloc::rc::Rc;
use core::future::{Future, poll_fn};
use core::net::SocketAddrV4;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::address::is_peer;
use super::alarm::SocketId;
use super::buffer::Queue;
use super::error::{BindError, SOCKETS};
use super::neighbours::Way;
use super::packet::{Destination, Mac};
use super::ports::{self, Port, UDP_PAYLOAD};
use super::stack::Stack;
use super::statistics::count;

pub use self::datagram::Datagram;
pub use self::error::{ReceiveError, SendError};

/// The default size of a socket's queues, in each direction: enough for a burst of 64 datagrams or
/// 44 full frames.
pub const UDP_QUEUE: Queue = Queue {
    datagrams: 64,
    bytes: 64 * 1024,
};

/// A UDP socket. Dropping it frees its port and drops its queues.
///
/// Only one task at a time can wait to receive, and one to send.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let socket = kernel.net()?.udp(7)?;
/// loop {
///     let datagram = socket.receive().await?;
///     // In the frame in which it arrived, without a copy.
///     socket.send_back(datagram).await?;
/// }
/// # }
/// ```
pub struct UdpSocket {
    pub(super) stack: &'static Stack,
    port: Rc<Port>,
    /// The longest payload that fits the send queue and can be sent.
    longest: usize,
}

impl UdpSocket {
    pub(super) fn bind(
        stack: &'static Stack,
        number: u16,
        receive: Queue,
        send: Queue,
    ) -> Result<Self, BindError> {
        let number = stack.claim_udp_port(number)?;
        let inner = &mut *stack.inner();
        if inner.ports.count() + stack.pings.borrow().count() >= SOCKETS {
            return Err(BindError::TooManySockets);
        }
        Ok(Self {
            stack,
            port: inner.ports.add(number, receive, send, &stack.outgoing)?,
            longest: UDP_PAYLOAD.min(send.bytes),
        })
    }

    /// Returns the socket's port.
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// Sets how many links the datagrams of this socket may cross, unless they go to multicast groups:
    /// their time to live, or, over IPv6, their hop limit. 0 stands for 1. Until this is called, the time
    /// to live is 64, and the hop limit is the one that routers advertise (RFC 4861, 4.2), or 64.
    ///
    /// The answers of multicast DNS to single machines need 255 (RFC 6762, 11). Datagrams of such a
    /// socket are always copied.
    pub fn set_ttl(&self, hops: u8) {
        self.port.set_hops(hops);
    }

    /// Sets how many links datagrams of this socket to multicast groups may cross: their time to
    /// live, or, over IPv6, their hop limit. It is 1 at first, so that no router forwards them
    /// (RFC 1112, 6.1; RFC 3493, 5.2), and 0 stands for 1. Multicast DNS needs 255 (RFC 6762, 11).
    pub fn set_multicast_ttl(&self, hops: u8) {
        self.port.group_hops.set(hops.max(1));
    }

    /// Returns the owner of the socket's alarms.
    pub(super) fn id(&self) -> SocketId {
        SocketId::udp(self.port.number)
    }

    /// Waits for the next datagram.
    ///
    /// # Errors
    ///
    /// If a datagram arrived and there is no memory to return it.
    #[inline]
    pub fn receive(&self) -> impl Future<Output = Result<Datagram, ReceiveError>> + '_ {
        Receive { socket: self }
    }

    /// Waits for the next datagram and copies it to the start of `buffer`; returns its length and
    /// its sender.
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

    /// Sends `payload` to the sender of `datagram`, once the queue has room. If the datagram has
    /// source port 0, which asks for no reply (RFC 768), or this machine has lost its address,
    /// nothing is sent; this is counted and no error.
    ///
    /// # Errors
    ///
    /// If the payload is too long, or there is no memory.
    pub async fn reply(&self, datagram: &Datagram, payload: &[u8]) -> Result<(), SendError> {
        if self.wants_no_reply(datagram) {
            return Ok(());
        }
        let sent = self.send(payload, datagram.source(), datagram.mac()).await;
        self.reply_result(sent)
    }

    /// Sends the datagram, with its changes, back to its sender, once the queue has room. Its own
    /// frame is used, so nothing is copied. Otherwise like [`reply`](Self::reply).
    ///
    /// # Errors
    ///
    /// If the payload is too long, or there is no memory.
    #[inline]
    pub fn send_back(
        &self,
        datagram: Datagram,
    ) -> impl Future<Output = Result<(), SendError>> + '_ {
        SendBack {
            socket: self,
            datagram,
        }
    }

    #[inline(always)]
    fn poll_send_back(
        &self,
        context: &mut Context<'_>,
        datagram: &mut Datagram,
    ) -> Poll<Result<(), SendError>> {
        let Some(frame) = datagram.take() else {
            return Poll::Ready(Ok(()));
        };
        match self.stack.outgoing.send_back(&self.port, frame) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(frame) => {
                datagram.put_back(frame);
                self.poll_send_back_otherwise(context, datagram)
            }
        }
    }

    /// Sends back a copy of the datagram if its own frame cannot be used, or cannot be sent yet.
    #[cold]
    fn poll_send_back_otherwise(
        &self,
        context: &mut Context<'_>,
        datagram: &Datagram,
    ) -> Poll<Result<(), SendError>> {
        if self.wants_no_reply(datagram) {
            return Poll::Ready(Ok(()));
        }
        let (payload, to) = (datagram.payload(), datagram.source());
        self.poll_send(context, payload, to, datagram.mac())
            .map(|sent| self.reply_result(sent))
    }

    /// Sends `payload` to `to`, once the queue has room.
    ///
    /// # Errors
    ///
    /// If the payload is too long, this machine has no address, `to` has no address or port, or
    /// there is no memory.
    pub async fn send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        self.send(payload, to, None).await
    }

    /// Queues `payload` for `to` without waiting.
    ///
    /// # Errors
    ///
    /// If the queue is full, the payload is too long, this machine has no address, `to` has no
    /// address or port, or there is no memory.
    pub fn try_send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        self.queue(payload, to, None)
    }

    async fn send(
        &self,
        payload: &[u8],
        to: SocketAddrV4,
        mac: Option<Mac>,
    ) -> Result<(), SendError> {
        poll_fn(|context| self.poll_send(context, payload, to, mac)).await
    }

    #[inline]
    fn poll_send(
        &self,
        context: &mut Context<'_>,
        payload: &[u8],
        to: SocketAddrV4,
        mac: Option<Mac>,
    ) -> Poll<Result<(), SendError>> {
        match self.queue(payload, to, mac) {
            Err(SendError::QueueFull { .. }) => {
                self.port.sender.sleep(context.waker());
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }

    /// Queues the payload for the hardware address `mac`, or, if that is unknown, for that of the
    /// next hop.
    #[inline]
    fn queue(&self, payload: &[u8], to: SocketAddrV4, mac: Option<Mac>) -> Result<(), SendError> {
        let length = payload.len();
        if length > self.longest {
            return Err(SendError::TooLong {
                length,
                maximum: self.longest,
            });
        }
        let Self { stack, port, .. } = self;
        #[cfg(feature = "ipv6")]
        if super::ipv6::is_stand_in(*to.ip()) {
            return stack.send_ipv6_datagram(port, payload, to);
        }
        if stack.outgoing.own().is_none() {
            return Err(SendError::NoAddress);
        }
        if !port.can_send(length) {
            return Err(SendError::QueueFull { port: port.number });
        }
        let way = match mac {
            Some(mac) => Way::To(mac),
            None => stack.find_neighbour(*to.ip()),
        };
        let mac = match way {
            Way::To(mac) if to.port() != 0 => mac,
            Way::Asked if to.port() != 0 => Mac::NONE,
            _ => return self.refuse(way, to),
        };
        let destination = Destination::new(mac, to);
        let frame = ports::copy(&stack.frames, payload).map_err(|_| SendError::OutOfMemory)?;
        if !mac.is_unicast() || !port.is_usual(length) {
            stack.due.set(0);
            return stack
                .outgoing
                .send_otherwise(port, frame, destination, &stack.frames)
                .map_err(|_| SendError::OutOfMemory);
        }
        stack.outgoing.send(port, frame, destination);
        Ok(())
    }

    /// Handles a datagram that cannot be sent to `to`.
    #[cold]
    fn refuse(&self, way: Way, to: SocketAddrV4) -> Result<(), SendError> {
        let configuration = *self.stack.configuration.borrow();
        let is_peer = configuration.is_some_and(|known| is_peer(*to.ip(), known.address));
        if way == Way::TooMany && to.port() != 0 {
            // Counts as unreachable, like a destination without an answer.
            count(&self.stack.counters.unreachable);
            Ok(())
        } else if is_peer && to.port() != 0 {
            Err(SendError::NoRoute(to))
        } else {
            Err(SendError::Unaddressable(to))
        }
    }

    #[inline(always)]
    fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Result<Datagram, ReceiveError>> {
        match self.port.receive() {
            Some(frame) => Poll::Ready(Ok(Datagram::new(frame, self.stack))),
            None => {
                self.port.receiver.sleep(context.waker());
                Poll::Pending
            }
        }
    }

    /// Ignores errors that are not the caller's fault.
    #[inline]
    fn reply_result(&self, sent: Result<(), SendError>) -> Result<(), SendError> {
        let is_lost = match sent {
            Err(SendError::NoAddress) => true,
            #[cfg(feature = "ipv6")]
            Err(SendError::Ipv6(_)) => true,
            // Other peers have taken the place of this one meanwhile.
            #[cfg(feature = "ipv6")]
            Err(SendError::Unaddressable(to)) => super::ipv6::is_stand_in(*to.ip()),
            _ => false,
        };
        if is_lost {
            count(&self.stack.counters.unanswerable);
            return Ok(());
        }
        sent
    }

    fn wants_no_reply(&self, datagram: &Datagram) -> bool {
        let source = datagram.source();
        let none = source.port() == 0 || source.ip().is_unspecified();
        if none {
            count(&self.stack.counters.unanswerable);
        }
        none
    }
}

/// The future of [`UdpSocket::receive`].
struct Receive<'a> {
    socket: &'a UdpSocket,
}

impl Future for Receive<'_> {
    type Output = Result<Datagram, ReceiveError>;

    // A server polls this for every datagram.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.socket.poll_receive(context)
    }
}

/// The future of [`UdpSocket::send_back`].
struct SendBack<'a> {
    socket: &'a UdpSocket,
    datagram: Datagram,
}

impl Future for SendBack<'_> {
    type Output = Result<(), SendError>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { socket, datagram } = &mut *self;
        socket.poll_send_back(context, datagram)
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let Self { stack, port, .. } = self;
        let ports = &mut stack.inner().ports;
        ports.remove(port, &stack.outgoing, &stack.frames);
    }
}
