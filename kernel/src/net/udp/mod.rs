//! Datagrams (RFC 768).
//!
//! A datagram is handed to the task in the frame that it came in, and leaves in the frame that it was
//! written into (`ports`, `packet`); one that is longer than a frame leaves in fragments. What is for a
//! machine whose hardware address is not known waits until that was asked for.

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

/// The size of a socket's queues unless others are asked for, each way: a burst of 64 datagrams,
/// or of 44 full frames.
pub const UDP_QUEUE: Queue = Queue {
    datagrams: 64,
    bytes: 64 * 1024,
};

/// A UDP socket. Dropping it frees its port, and drops what it has queued.
///
/// One task at a time may wait to receive, and one to send.
pub struct UdpSocket {
    stack: &'static Stack,
    port: Rc<Port>,
    /// The longest payload that fits the send queue, or can be sent at all.
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
            port: inner.ports.add(number, receive, send)?,
            longest: UDP_PAYLOAD.min(send.bytes),
        })
    }

    /// The socket's own port.
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// What its alarms go by.
    pub(super) fn id(&self) -> SocketId {
        SocketId::udp(self.port.number)
    }

    /// The next datagram.
    ///
    /// # Errors
    ///
    /// There was one, but no memory to hand it out.
    #[inline]
    pub fn receive(&self) -> impl Future<Output = Result<Datagram, ReceiveError>> + '_ {
        Receive { socket: self }
    }

    /// Copies the next datagram to the start of `buffer`; returns its length and where it is from.
    ///
    /// # Errors
    ///
    /// The buffer was too short for it.
    pub async fn receive_into(
        &self,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddrV4), ReceiveError> {
        let datagram = self.receive().await?;
        let payload = datagram.payload();
        let truncated = ReceiveError::Truncated {
            buffer: buffer.len(),
        };
        buffer
            .get_mut(..payload.len())
            .ok_or(truncated)?
            .copy_from_slice(payload);
        Ok((payload.len(), datagram.source()))
    }

    /// Sends `payload` back to where `datagram` came from, once the queue has room. A datagram that
    /// names no port to reply to, as RFC 768 allows, gets no reply, and neither does one when this
    /// machine has lost its address; that is counted, and no error.
    ///
    /// # Errors
    ///
    /// The payload is too long, or there is no memory.
    pub async fn reply(&self, datagram: &Datagram, payload: &[u8]) -> Result<(), SendError> {
        if self.wants_no_reply(datagram) {
            return Ok(());
        }
        let sent = self.send(payload, datagram.source(), datagram.mac()).await;
        self.reply_result(sent)
    }

    /// Sends the datagram back to where it came from as it now is, once the queue has room: its
    /// buffer itself is queued. What is said of [`reply`](Self::reply) holds here too.
    ///
    /// # Errors
    ///
    /// The payload is too long, or there is no memory.
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

    #[inline]
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

    /// Sends a copy of the datagram back, where it cannot be sent itself or not now.
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
    /// The payload is too long, one of the two ends has no address, the other end has no port, or
    /// there is no memory.
    pub async fn send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        self.send(payload, to, None).await
    }

    /// Queues `payload` for `to`, if the queue has room now.
    ///
    /// # Errors
    ///
    /// The queue is full, the payload is too long, one of the two ends has no address, the other end
    /// has no port, or there is no memory.
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

    /// Queues the payload: for the hardware address `mac`, or where that is not known for that of the next
    /// machine on the way.
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
        if stack.outgoing.own().is_none() {
            return Err(SendError::NoAddress);
        }
        if !port.can_send(length) {
            return Err(SendError::QueueFull { port: port.number });
        }
        let way = match mac {
            Some(mac) => Way::To(mac),
            None => stack.neighbours.find(*to.ip(), stack.now.get()),
        };
        let mac = match way {
            Way::To(mac) if to.port() != 0 => mac,
            Way::Asked if to.port() != 0 => Mac::NONE,
            _ => return self.refuse(way, to),
        };
        let destination = Destination::new(mac, to);
        let frame = ports::copy(&stack.frames, payload).map_err(|_| SendError::OutOfMemory)?;
        if mac == Mac::NONE || !stack.outgoing.fits(length) {
            stack.due.set(0);
            return stack
                .outgoing
                .send_otherwise(port, frame, destination, &stack.frames)
                .map_err(|_| SendError::OutOfMemory);
        }
        stack.outgoing.send(port, frame, destination);
        Ok(())
    }

    /// What becomes of a datagram that cannot be sent to `to`.
    #[cold]
    fn refuse(&self, way: Way, to: SocketAddrV4) -> Result<(), SendError> {
        let configuration = *self.stack.configuration.borrow();
        let is_peer = configuration.is_some_and(|known| is_peer(*to.ip(), known.address));
        if way == Way::TooMany && to.port() != 0 {
            // As if nobody had answered for it.
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

    /// A reply that cannot be sent from here is not the replier's mistake.
    #[inline]
    fn reply_result(&self, sent: Result<(), SendError>) -> Result<(), SendError> {
        if sent == Err(SendError::NoAddress) {
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
