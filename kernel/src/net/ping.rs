//! Ping: ICMP echo (RFC 792). The stack answers the requests of other machines.

use core::fmt;
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::{Context, Poll};
use core::time::Duration;

use alloc::vec::Vec;

use super::address::{is_peer, is_unicast};
use super::alarm::SocketId;
use super::error::{BindError, SOCKETS};
use super::packet::{HEADERS, ICMP, IP_HEADERS, Mac, finish_message};
use super::stack::Stack;

/// The number of payload bytes in an echo request.
pub const PING_PAYLOAD: usize = 32;

/// The first byte of an echo request: its type.
const REQUEST: u8 = 8;

/// The reason why there was no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingError {
    /// No reply arrived in time.
    TimedOut {
        /// The address that was pinged.
        address: Ipv4Addr,
        /// The time limit for the reply.
        timeout: Duration,
    },
    /// This machine has no address yet.
    NoAddress,
    /// The address is not that of a single other machine.
    NotUnicast(Ipv4Addr),
    /// There is no route: the address is not on this machine's network, and there is no gateway.
    NoRoute(Ipv4Addr),
    /// No socket could be opened.
    Socket(BindError),
    /// Nothing can be sent to the IPv6 address.
    #[cfg(feature = "ipv6")]
    Ipv6(super::Ipv6Error),
}

impl fmt::Display for PingError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { address, timeout } => {
                write!(f, "{address} did not reply within {timeout:?}")
            }
            Self::NoAddress => {
                f.write_str("this machine has no address yet; wait for `Net::configured` first")
            }
            Self::NotUnicast(address) => {
                write!(f, "{address} is not the address of a single machine")
            }
            Self::NoRoute(address) => write!(f, "no route to {address}; configure a gateway"),
            Self::Socket(error) => write!(f, "ping: {error}"),
            #[cfg(feature = "ipv6")]
            Self::Ipv6(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PingError {}

impl From<BindError> for PingError {
    fn from(error: BindError) -> Self {
        Self::Socket(error)
    }
}

/// The pings in progress. They are few and short-lived, so a plain list is enough.
#[derive(Default)]
pub(super) struct Pings(Vec<Pending>);

/// A request whose reply has not arrived.
struct Pending {
    identifier: u16,
    address: Ipv4Addr,
    /// When the reply arrived, in nanoseconds.
    replied: Option<u64>,
}

impl Pings {
    /// Returns the number of pings in progress.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Stack {
    /// Records the reply of `address` to the request with this identifier.
    pub(super) fn hear_reply(&self, address: Ipv4Addr, identifier: u16, now: u64) {
        for ping in &mut self.pings.borrow_mut().0 {
            if ping.address == address && ping.identifier == identifier {
                ping.replied.get_or_insert(now);
                self.alarms.borrow().wake(SocketId::ping(identifier));
            }
        }
    }

    /// Sends an echo request.
    fn request(&self, address: Ipv4Addr, identifier: u16, now: u64) -> Result<(), BindError> {
        #[cfg(feature = "ipv6")]
        if super::ipv6::is_stand_in(address) {
            return self.request_ipv6(address, identifier);
        }
        let length = HEADERS + PING_PAYLOAD;
        let frame = self.frames.take_for(length);
        let (Ok(mut frame), Some(own)) = (frame, self.outgoing.own()) else {
            return Err(BindError::OutOfMemory);
        };
        frame.set_len(length);
        own.address(
            &mut frame,
            Mac::NONE,
            u32::from_le_bytes(address.octets()),
            ICMP,
        );
        let message = frame.bytes_mut().get_mut(IP_HEADERS..).unwrap_or_default();
        message.fill(0);
        if let Some(head) = message.first_chunk_mut() {
            let [high, low] = identifier.to_be_bytes();
            *head = [REQUEST, 0, 0, 0, high, low];
        }
        finish_message(&mut frame);
        self.send_on(frame, address, now);
        Ok(())
    }
}

/// A ping in progress. Dropping it cancels it.
struct Ping {
    stack: &'static Stack,
    address: Ipv4Addr,
    identifier: u16,
    deadline: u64,
}

pub(super) async fn ping(
    stack: &'static Stack,
    address: Ipv4Addr,
    timeout: Duration,
) -> Result<Duration, PingError> {
    #[cfg(feature = "ipv6")]
    if super::ipv6::is_stand_in(address) {
        let unknown = PingError::NotUnicast(address);
        stack.check_ipv6(address).ok_or(unknown)??;
        return send(stack, address, timeout).await;
    }
    if !is_unicast(address.to_bits()) {
        return Err(PingError::NotUnicast(address));
    }
    let Some(configuration) = *stack.configuration.borrow() else {
        return Err(PingError::NoAddress);
    };
    if !is_peer(address, configuration.address) {
        return Err(PingError::NotUnicast(address));
    }
    if configuration.next_hop(address).is_none() {
        return Err(PingError::NoRoute(address));
    }
    send(stack, address, timeout).await
}

/// Sends a request to an address to which there is a route, and waits for the reply.
async fn send(
    stack: &'static Stack,
    address: Ipv4Addr,
    timeout: Duration,
) -> Result<Duration, PingError> {
    let started = stack.time();
    let limit = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let identifier = stack.ping.get();
    stack.ping.set(identifier.wrapping_add(1));
    let ping = Ping {
        stack,
        address,
        identifier,
        deadline: started.saturating_add(limit),
    };
    poll_fn(|context| ping.poll(context, started, timeout)).await
}

impl Ping {
    fn poll(
        &self,
        context: &mut Context<'_>,
        started: u64,
        timeout: Duration,
    ) -> Poll<Result<Duration, PingError>> {
        let Self {
            stack,
            address,
            identifier,
            deadline,
        } = *self;
        let now = stack.time();
        let pings = &mut *stack.pings.borrow_mut();
        let is_this = |ping: &&mut Pending| ping.identifier == identifier;
        match pings.0.iter_mut().find(is_this) {
            Some(ping) => {
                if let Some(replied) = ping.replied {
                    let took = Duration::from_nanos(replied.saturating_sub(started));
                    return Poll::Ready(Ok(took));
                }
                if now >= deadline {
                    return Poll::Ready(Err(PingError::TimedOut { address, timeout }));
                }
            }
            None => {
                if let Err(error) = self.start(pings, now) {
                    return Poll::Ready(Err(error.into()));
                }
            }
        }
        let mut alarms = stack.alarms.borrow_mut();
        if !alarms.set(SocketId::ping(identifier), deadline, context.waker()) {
            return Poll::Ready(Err(BindError::OutOfMemory.into()));
        }
        stack.set_alarm(alarms.next());
        Poll::Pending
    }

    fn start(&self, pings: &mut Pings, now: u64) -> Result<(), BindError> {
        let sockets = self.stack.inner().ports.count() + pings.count();
        if sockets >= SOCKETS {
            return Err(BindError::TooManySockets);
        }
        pings.0.try_reserve(1).map_err(|_| BindError::OutOfMemory)?;
        self.stack.request(self.address, self.identifier, now)?;
        pings.0.push(Pending {
            identifier: self.identifier,
            address: self.address,
            replied: None,
        });
        Ok(())
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        let pings = &mut *self.stack.pings.borrow_mut();
        pings.0.retain(|ping| ping.identifier != self.identifier);
        let mut alarms = self.stack.alarms.borrow_mut();
        alarms.cancel(SocketId::ping(self.identifier));
        self.stack.set_alarm(alarms.next());
    }
}
