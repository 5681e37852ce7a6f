//! The network: IPv4 over Ethernet, with UDP, TCP and ping as futures.
//!
//! Ordinary datagrams (`ports`) and TCP (`connections`) go from the frame to the task and back, and so
//! do all other protocols (`protocols`), whose frames take a longer way. All is driven by the event loop's rules
//! ([`Stack`]): so many frames a turn and no more, no work in a turn where nothing happened, no
//! timer but those that a protocol needs. Tasks use [`Net`] and the sockets it makes.
//!
//! Every queue is bounded. A full one makes the sender wait, or is named in the error of the
//! functions that do not wait; a datagram that arrives for a full one is dropped, as UDP allows.

mod adapters;
mod address;
mod alarm;
mod assembler;
mod buffer;
mod checksum;
mod cidr;
mod configuration;
mod connections;
mod deadlines;
mod device;
mod dhcp;
mod egress;
mod error;
#[cfg(not(target_os = "none"))]
pub(crate) mod fuzzing;
mod ingress;
mod malformed;
mod names;
mod neighbours;
mod offload;
mod packet;
mod ping;
mod ports;
mod protocols;
mod random;
mod resolver;
mod sleeper;
mod sockets;
mod stack;
mod statistics;
mod tcp;
mod udp;
mod virtio;

use core::future::poll_fn;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::{Poll, Waker};
use core::time::Duration;

#[cfg(any(
    feature = "edge-nal",
    feature = "embedded-nal-async",
    feature = "picoserve",
    feature = "sntpc"
))]
pub use adapters::*;
pub use address::{Ip, IpError};
pub use buffer::Queue;
pub use cidr::Ipv4Cidr;
pub use configuration::{Configuration, Route};
pub use connections::{TCP_BACKLOG, TCP_CONNECT_TIMEOUT, TCP_QUEUE, TCP_TIMEOUT, TcpStatistics};
pub use device::Device;
pub use error::{BindError, SOCKETS};
pub use ping::{PING_PAYLOAD, PingError};
pub use ports::UDP_PAYLOAD;
pub use resolver::ResolveError;
pub use stack::Stack;
pub use statistics::Statistics;
pub use tcp::{
    ConnectError, NotOne, OwnedTcpReader, OwnedTcpWriter, TcpError, TcpListener, TcpReader,
    TcpStream, TcpWriter,
};
pub use udp::{Datagram, ReceiveError, SendError, UDP_QUEUE, UdpSocket};
pub use virtio::Virtio;

/// The network as tasks see it.
#[derive(Clone, Copy)]
pub struct Net {
    stack: &'static Stack,
}

impl Net {
    /// The network of `stack`.
    pub fn new(stack: &'static Stack) -> Self {
        Self { stack }
    }

    /// Waits until the machine has an address, and says how it reaches the network. Returns at once
    /// where it has one.
    pub async fn configured(&self) -> Configuration {
        poll_fn(|context| {
            if let Some(configuration) = self.configuration() {
                return Poll::Ready(configuration);
            }
            self.wake_when_configured(context.waker());
            Poll::Pending
        })
        .await
    }

    /// Waits until the network is reached otherwise than `known` says, and says how it is reached then:
    /// an address was gained, changed or lost (`None`). Whoever passes what the last call returned misses
    /// no change that lasts.
    pub async fn configuration_changed(
        &self,
        known: Option<Configuration>,
    ) -> Option<Configuration> {
        poll_fn(|context| {
            let configuration = self.configuration();
            if configuration != known {
                return Poll::Ready(configuration);
            }
            self.wake_when_configured(context.waker());
            Poll::Pending
        })
        .await
    }

    fn wake_when_configured(&self, waker: &Waker) {
        let mut wakers = self.stack.configuration_wakers.borrow_mut();
        if !wakers.iter().any(|other| other.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    /// Takes the address from elsewhere from now on: for an app that does without the `ip=` word of
    /// the command line. Connections through an address that is given up break.
    pub fn configure(&self, ip: Ip) {
        self.stack.configure_by(ip);
    }

    /// How the network is reached now; none before there is an address.
    pub fn configuration(&self) -> Option<Configuration> {
        *self.stack.configuration.borrow()
    }

    /// A UDP socket on `port` with queues of [`UDP_QUEUE`]. Port 0 means any that is free.
    ///
    /// # Errors
    ///
    /// The port is taken, there are too many sockets, or there is no memory.
    pub fn udp(&self, port: u16) -> Result<UdpSocket, BindError> {
        self.udp_with(port, UDP_QUEUE, UDP_QUEUE)
    }

    /// A UDP socket on `port` with queues of these sizes. Port 0 means any that is free.
    ///
    /// # Errors
    ///
    /// The port is taken, there are too many sockets, or there is no memory.
    pub fn udp_with(&self, port: u16, receive: Queue, send: Queue) -> Result<UdpSocket, BindError> {
        UdpSocket::bind(self.stack, port, receive, send)
    }

    /// Listens on the TCP port, with [`TCP_BACKLOG`] connections at a time that are not yet
    /// accepted. Port 0 means any that is free.
    ///
    /// # Errors
    ///
    /// The port is taken, there are too many sockets, or there is no memory.
    pub fn tcp_listen(&self, port: u16) -> Result<TcpListener, BindError> {
        self.tcp_listen_with(port, TCP_BACKLOG)
    }

    /// Listens on the TCP port, with `backlog` connections at a time that are not yet accepted, at least
    /// one, half-open ones included. Each takes a socket, and once it is established its queues. Port 0
    /// means any that is free.
    ///
    /// # Errors
    ///
    /// The port is taken, there are too many sockets, or there is no memory.
    pub fn tcp_listen_with(&self, port: u16, backlog: usize) -> Result<TcpListener, BindError> {
        TcpListener::bind(self.stack, port, backlog)
    }

    /// Connects to `remote` by TCP.
    ///
    /// # Errors
    ///
    /// Nobody listens there, nobody answers within [`TCP_CONNECT_TIMEOUT`], or there is no socket, no
    /// memory, no address to connect from or no route: each is a [`ConnectError`] of its own.
    pub async fn tcp_connect(&self, remote: SocketAddrV4) -> Result<TcpStream, ConnectError> {
        self.tcp_connect_with(remote, TCP_QUEUE).await
    }

    /// The same with queues of `queue` bytes each way, as [`TcpListener::set_queue`] takes them.
    ///
    /// # Errors
    ///
    /// As [`tcp_connect`](Self::tcp_connect).
    pub async fn tcp_connect_with(
        &self,
        remote: SocketAddrV4,
        queue: usize,
    ) -> Result<TcpStream, ConnectError> {
        TcpStream::connect(self.stack, remote, queue).await
    }

    /// Sends an ICMP echo request to `address` and waits for the reply; returns how long it took,
    /// as exact as the loop's turns are.
    ///
    /// # Errors
    ///
    /// No reply within `timeout`, or nothing can be sent.
    pub async fn ping(&self, address: Ipv4Addr, timeout: Duration) -> Result<Duration, PingError> {
        ping::ping(self.stack, address, timeout).await
    }

    /// What went through so far.
    pub fn statistics(&self) -> Statistics {
        self.stack.statistics()
    }

    /// What happened to TCP so far.
    pub fn tcp_statistics(&self) -> TcpStatistics {
        self.stack.tcp_statistics()
    }
}

#[cfg(test)]
mod tests;
