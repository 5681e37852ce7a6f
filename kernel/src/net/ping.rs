//! Ping: ICMP echo (RFC 792). The requests of others are answered by the stack itself.

use core::fmt;
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::{Context, Poll};
use core::time::Duration;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::raw;
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, IpProtocol, IpVersion, Ipv4Packet, Ipv4Repr};

use super::buffer::{self, Queue};
use super::error::BindError;
use super::protocols::SocketId;
use super::stack::Stack;

/// Bytes of payload in an echo request.
pub const PING_PAYLOAD: usize = 32;

/// How many routers a request may pass.
const HOP_LIMIT: u8 = 64;

/// Room for the reply, and for a stray one that happens to bear the same identifier.
const QUEUE: Queue = Queue {
    datagrams: 2,
    bytes: 256,
};

/// Why there was no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingError {
    /// None came in time.
    TimedOut {
        /// Who was asked.
        address: Ipv4Addr,
        /// How long it had.
        timeout: Duration,
    },
    /// This machine has no address yet to be replied to.
    NoAddress,
    /// The address is not that of one machine.
    NotUnicast(Ipv4Addr),
    /// There is no socket for it.
    Socket(BindError),
}

impl fmt::Display for PingError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { address, timeout } => {
                write!(f, "{address} did not reply within {timeout:?}")
            }
            Self::NoAddress => f.write_str("no address to ping from yet; await configured first"),
            Self::NotUnicast(address) => write!(f, "{address} is not one machine's address"),
            Self::Socket(error) => write!(f, "ping: {error}"),
        }
    }
}

impl core::error::Error for PingError {}

impl From<BindError> for PingError {
    fn from(error: BindError) -> Self {
        Self::Socket(error)
    }
}

/// A ping under way. Dropping it takes back its socket and its alarm.
struct Ping {
    stack: &'static Stack,
    handle: SocketId,
    address: Ipv4Addr,
    identifier: u16,
    deadline: u64,
}

pub(super) async fn ping(
    stack: &'static Stack,
    address: Ipv4Addr,
    timeout: Duration,
) -> Result<Duration, PingError> {
    if address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
        return Err(PingError::NotUnicast(address));
    }
    let Some(configuration) = *stack.configuration.borrow() else {
        return Err(PingError::NoAddress);
    };
    let own = configuration.address.address();
    let started = stack.time();
    let limit = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let ping = Ping::start(stack, own, address, started.saturating_add(limit))?;
    poll_fn(|context| ping.poll(context, started, timeout)).await
}

impl Ping {
    /// Sends the request. The socket is one of whole packets: smoltcp's sockets for ICMP also read what
    /// errors say of packets of UDP and TCP, which is 2 KB of code.
    fn start(
        stack: &'static Stack,
        own: Ipv4Addr,
        address: Ipv4Addr,
        deadline: u64,
    ) -> Result<Self, PingError> {
        let identifier = stack.ping.get();
        stack.ping.set(identifier.wrapping_add(1));
        let out_of_memory = |_| BindError::OutOfMemory;
        let mut socket = raw::Socket::new(
            Some(IpVersion::Ipv4),
            Some(IpProtocol::Icmp),
            buffer::datagrams(QUEUE).map_err(out_of_memory)?,
            buffer::datagrams(QUEUE).map_err(out_of_memory)?,
        );
        let request = Icmpv4Repr::EchoRequest {
            ident: identifier,
            seq_no: 0,
            data: &[0; PING_PAYLOAD],
        };
        let header = Ipv4Repr {
            src_addr: own,
            dst_addr: address,
            next_header: IpProtocol::Icmp,
            payload_len: request.buffer_len(),
            hop_limit: HOP_LIMIT,
        };
        // The empty queue takes the request.
        if let Ok(room) = socket.send(header.buffer_len() + request.buffer_len()) {
            let checksums = ChecksumCapabilities::default();
            let mut packet = Ipv4Packet::new_unchecked(room);
            header.emit(&mut packet, &checksums);
            let mut message = Icmpv4Packet::new_unchecked(packet.payload_mut());
            request.emit(&mut message, &checksums);
        }
        let handle = stack
            .inner
            .borrow_mut()
            .protocols
            .add_ping(socket, identifier)?;
        Ok(Self {
            stack,
            handle,
            address,
            identifier,
            deadline,
        })
    }

    fn poll(
        &self,
        context: &mut Context<'_>,
        started: u64,
        timeout: Duration,
    ) -> Poll<Result<Duration, PingError>> {
        let now = self.stack.time();
        let mut inner = self.stack.inner();
        let socket = inner.protocols.ping(self.handle);
        while let Ok(packet) = socket.recv() {
            if is_reply(packet, self.address, self.identifier) {
                return Poll::Ready(Ok(Duration::from_nanos(now.saturating_sub(started))));
            }
        }
        if now >= self.deadline {
            return Poll::Ready(Err(PingError::TimedOut {
                address: self.address,
                timeout,
            }));
        }
        socket.register_recv_waker(context.waker());
        let mut alarms = self.stack.alarms.borrow_mut();
        if !alarms.set(self.handle, self.deadline, context.waker()) {
            return Poll::Ready(Err(PingError::Socket(BindError::OutOfMemory)));
        }
        self.stack.alarm.set(alarms.next());
        Poll::Pending
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        self.stack.inner().protocols.remove(self.handle);
        let mut alarms = self.stack.alarms.borrow_mut();
        alarms.cancel(self.handle);
        self.stack.alarm.set(alarms.next());
    }
}

/// Whether a packet is the reply of `address` to the request with this identifier.
fn is_reply(packet: &[u8], address: Ipv4Addr, identifier: u16) -> bool {
    let Ok(packet) = Ipv4Packet::new_checked(packet) else {
        return false;
    };
    let parsed = Icmpv4Packet::new_checked(packet.payload())
        .and_then(|message| Icmpv4Repr::parse(&message, &ChecksumCapabilities::default()));
    packet.src_addr() == address
        && matches!(parsed, Ok(Icmpv4Repr::EchoReply { ident, .. }) if ident == identifier)
}
