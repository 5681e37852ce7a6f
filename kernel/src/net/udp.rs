//! Datagrams (RFC 768).

use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::{Context, Poll};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::buffer::{self, Queue};
use super::error::BindError;
use super::stack::Stack;
use super::statistics::count;

/// The size of a socket's queues unless others are asked for, each way: a burst of 64 datagrams,
/// or of 44 full frames.
pub const UDP_QUEUE: Queue = Queue {
    datagrams: 64,
    bytes: 64 * 1024,
};

/// The longest payload that is sent, in bytes. Longer than a frame leaves in fragments.
pub const UDP_PAYLOAD: usize = smoltcp::config::FRAGMENTATION_BUFFER_SIZE - 20 - 8;

/// A UDP socket. Dropping it frees its port, and drops what it has queued.
///
/// One task at a time may wait to receive, and one to send.
pub struct UdpSocket {
    stack: &'static Stack,
    handle: SocketHandle,
    port: u16,
}

/// A received datagram.
pub struct Datagram {
    payload: Vec<u8>,
    source: SocketAddrV4,
    stack: &'static Stack,
}

/// Why nothing was received though something arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// There is no memory for the datagram. It is lost; the next may be received.
    OutOfMemory,
    /// The datagram is longer than the buffer given for it. It is lost; the next may be received.
    Truncated {
        /// Bytes in the buffer.
        buffer: usize,
    },
}

/// Why a datagram was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The send queue of the socket on this port is full for now.
    QueueFull {
        /// The socket's own port.
        port: u16,
    },
    /// The payload is longer than can be sent, ever.
    TooLong {
        /// Bytes in the payload.
        length: usize,
        /// The most there may be.
        maximum: usize,
    },
    /// The destination has no address or no port.
    Unaddressable(SocketAddrV4),
}

impl UdpSocket {
    pub(super) fn bind(
        stack: &'static Stack,
        port: u16,
        receive: Queue,
        send: Queue,
    ) -> Result<Self, BindError> {
        let mut socket = udp::Socket::new(buffer::datagrams(receive)?, buffer::datagrams(send)?);
        let port = stack.claim_udp_port(port)?;
        // A new socket takes any port but 0, which no port claimed is.
        let _ = socket.bind(port);
        Ok(Self {
            stack,
            handle: stack.add(socket)?,
            port,
        })
    }

    /// The socket's own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next datagram.
    ///
    /// # Errors
    ///
    /// There was one, but no memory to hand it out.
    pub async fn receive(&self) -> Result<Datagram, ReceiveError> {
        poll_fn(|context| {
            self.poll_receive(context, |payload, source| {
                let payload = self
                    .stack
                    .pool
                    .copy(payload)
                    .map_err(|_| ReceiveError::OutOfMemory)?;
                Ok(Datagram {
                    payload,
                    source,
                    stack: self.stack,
                })
            })
        })
        .await
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
        poll_fn(|context| {
            self.poll_receive(context, |payload, source| {
                let truncated = ReceiveError::Truncated {
                    buffer: buffer.len(),
                };
                buffer
                    .get_mut(..payload.len())
                    .ok_or(truncated)?
                    .copy_from_slice(payload);
                Ok((payload.len(), source))
            })
        })
        .await
    }

    /// Sends `payload` back to where `datagram` came from, once the queue has room. A datagram that
    /// names no port to reply to, as RFC 768 allows, gets no reply; that is counted, and no error.
    ///
    /// # Errors
    ///
    /// The payload is too long.
    pub async fn reply(&self, datagram: &Datagram, payload: &[u8]) -> Result<(), SendError> {
        let to = datagram.source;
        if to.port() == 0 || to.ip().is_unspecified() {
            count(&self.stack.counters.unanswerable);
            return Ok(());
        }
        self.send_to(payload, to).await
    }

    /// Sends `payload` to `to`, once the queue has room.
    ///
    /// # Errors
    ///
    /// The payload is too long, or the destination has no address or no port.
    pub async fn send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        poll_fn(|context| {
            let mut inner = self.stack.inner.borrow_mut();
            let socket = inner.sockets.get_mut::<udp::Socket<'static>>(self.handle);
            match self.queue(socket, payload, to) {
                Err(SendError::QueueFull { .. }) => {
                    socket.register_send_waker(context.waker());
                    Poll::Pending
                }
                result => Poll::Ready(result),
            }
        })
        .await
    }

    /// Queues `payload` for `to`, if the queue has room now.
    ///
    /// # Errors
    ///
    /// The queue is full, the payload is too long, or the destination has no address or no port.
    pub fn try_send_to(&self, payload: &[u8], to: SocketAddrV4) -> Result<(), SendError> {
        let mut inner = self.stack.inner.borrow_mut();
        self.queue(inner.sockets.get_mut(self.handle), payload, to)
    }

    #[inline]
    fn poll_receive<R>(
        &self,
        context: &mut Context<'_>,
        take: impl FnOnce(&[u8], SocketAddrV4) -> Result<R, ReceiveError>,
    ) -> Poll<Result<R, ReceiveError>> {
        let mut inner = self.stack.inner.borrow_mut();
        let socket = inner.sockets.get_mut::<udp::Socket<'static>>(self.handle);
        match socket.recv() {
            Ok((payload, metadata)) => Poll::Ready(take(payload, address(metadata.endpoint))),
            Err(_) => {
                socket.register_recv_waker(context.waker());
                Poll::Pending
            }
        }
    }

    #[inline]
    fn queue(
        &self,
        socket: &mut udp::Socket<'static>,
        payload: &[u8],
        to: SocketAddrV4,
    ) -> Result<(), SendError> {
        let maximum = UDP_PAYLOAD.min(socket.payload_send_capacity());
        if payload.len() > maximum {
            return Err(SendError::TooLong {
                length: payload.len(),
                maximum,
            });
        }
        match socket.send_slice(payload, endpoint(to)) {
            Ok(()) => {
                self.stack.touch();
                Ok(())
            }
            Err(udp::SendError::BufferFull) => Err(SendError::QueueFull { port: self.port }),
            Err(udp::SendError::Unaddressable) => Err(SendError::Unaddressable(to)),
        }
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        self.stack.remove(self.handle);
    }
}

impl Datagram {
    /// The bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Where it came from. A port of 0 means that no reply is wanted.
    pub fn source(&self) -> SocketAddrV4 {
        self.source
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        self.stack.pool.give(core::mem::take(&mut self.payload));
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for a received datagram"),
            Self::Truncated { buffer } => {
                write!(
                    f,
                    "a received datagram is longer than the buffer of {buffer} bytes for it"
                )
            }
        }
    }
}

impl core::error::Error for ReceiveError {}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull { port } => {
                write!(
                    f,
                    "the send queue of UDP port {port} is full; await send_to for room"
                )
            }
            Self::TooLong { length, maximum } => {
                write!(
                    f,
                    "a datagram of {length} bytes is too long; {maximum} is the most"
                )
            }
            Self::Unaddressable(to) => write!(f, "no datagram can be sent to {to}"),
        }
    }
}

impl core::error::Error for SendError {}

pub(super) fn address(endpoint: IpEndpoint) -> SocketAddrV4 {
    SocketAddrV4::new(ipv4(endpoint.addr), endpoint.port)
}

pub(super) fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint {
        addr: IpAddress::Ipv4(*address.ip()),
        port: address.port(),
    }
}

pub(super) fn ipv4(address: IpAddress) -> Ipv4Addr {
    let IpAddress::Ipv4(address) = address;
    address
}
