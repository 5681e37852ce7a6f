//! The network: IPv4 over Ethernet, with UDP, TCP and ping as futures.
//!
//! Ordinary datagrams (`ports`) and TCP segments (`connections`) take a short path between the
//! frame and the task; the frames of other protocols (`protocols`) take a longer one. The event
//! loop drives all of it ([`Stack`]) with a limit of frames per turn, no work in turns without
//! events, and only the timers that a protocol needs. Tasks use [`Net`] and its sockets.
//!
//! Every queue is bounded. If it is full, a sender waits, or the functions that do not wait return
//! an error; a datagram that arrives for a full queue is dropped, as UDP allows.

mod adapters;
mod address;
mod alarm;
mod assembler;
mod buffer;
mod checksum;
mod cidr;
#[cfg(any(feature = "embassy-net-driver", feature = "networks"))]
pub(crate) mod claim;
mod configuration;
mod connections;
mod deadlines;
mod device;
mod dhcp;
mod egress;
mod error;
mod events;
#[cfg(not(target_os = "none"))]
pub(crate) mod fuzzing;
mod hardware_address;
mod ingress;
#[cfg(feature = "embassy-net-driver")]
mod interface;
#[cfg(feature = "ipv6")]
mod ipv6;
mod malformed;
mod names;
mod neighbours;
#[cfg(feature = "networks")]
mod networks;
mod offload;
mod packet;
mod ping;
mod ports;
mod protocols;
mod random;
#[cfg(feature = "raw")]
mod raw;
mod resolver;
mod sleeper;
mod sockets;
mod stack;
mod statistics;
mod tcp;
mod udp;
mod wired;

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
pub use connections::{
    TCP_BACKLOG, TCP_CONNECT_TIMEOUT, TCP_KEEP_ALIVE, TCP_LINGER, TCP_QUEUE, TCP_TIMEOUT,
    TcpStatistics,
};
pub use device::Device;
pub use error::{BindError, SOCKETS};
pub use events::{Event, Events};
pub use hardware_address::{HardwareAddress, NotAHardwareAddress};
#[cfg(feature = "embassy-net-driver")]
pub use interface::{Interface, InterfaceError, Received, Sending};
#[cfg(feature = "ipv6")]
pub use ipv6::{Ip6, Ip6Error, Ipv6Configuration, Ipv6Error, Ipv6Statistics};
#[cfg(all(feature = "networks", feature = "raw"))]
pub use networks::RawSockets;
#[cfg(feature = "networks")]
pub use networks::{
    AnyEvents, Network, NetworkStatistics, Networks, NoSuchNetwork, TcpListeners, UdpSockets,
};
pub use ping::{PING_PAYLOAD, PingError};
pub use ports::UDP_PAYLOAD;
pub use protocols::NotAGroup;
#[cfg(feature = "raw")]
pub use raw::{RAW_QUEUE, RawError, RawPacket, RawSocket};
#[cfg(feature = "ipv6")]
pub use resolver::Addresses;
pub use resolver::ResolveError;
pub use stack::Stack;
pub use statistics::Statistics;
pub use tcp::{
    ConnectError, NotOne, OwnedTcpReader, OwnedTcpWriter, TcpError, TcpListener, TcpReader,
    TcpStream, TcpWriter,
};
pub use udp::{Datagram, ReceiveError, SendError, UDP_QUEUE, UdpSocket};
pub use wired::Wired;

/// A handle of the network. All copies refer to the same network.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let net = kernel.net()?;
/// let address = net.configured().await.address.address();
/// vmos::println!("this machine is {address}");
/// let server = net.resolve("example.org").await?;
/// let stream = net.tcp_connect(core::net::SocketAddrV4::new(server, 80)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Net {
    stack: &'static Stack,
}

impl Net {
    /// Returns the network of `stack`.
    pub fn new(stack: &'static Stack) -> Self {
        Self { stack }
    }

    /// Returns the pool of frames.
    #[cfg(not(target_os = "none"))]
    pub(crate) fn frames(&self) -> &vmos_drivers::dma::Frames {
        &self.stack.frames
    }

    /// Derives all numbers that attackers must not predict from `key`, which must be random.
    pub(crate) fn reseed(&self, key: u128) {
        self.stack.reseed(key);
    }

    /// Waits until the machine has an address, and returns the configuration. Returns at once if it
    /// has one.
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

    /// Waits until the configuration differs from `known`, and returns the new one: an address was
    /// gained, changed or lost (`None`). A caller that passes the last returned value misses no
    /// lasting change.
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

    /// Changes the source of the address, for an app that does not use the `ip=` word of the
    /// command line. Connections that use the old address fail if it changes.
    pub fn configure(&self, ip: Ip) {
        self.stack.configure_by(ip);
    }

    /// Returns the configuration; `None` while there is no address.
    pub fn configuration(&self) -> Option<Configuration> {
        *self.stack.configuration.borrow()
    }

    /// Opens a UDP socket on `port` with queues of [`UDP_QUEUE`]. Port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// If the port is in use, there are too many sockets, or there is no memory.
    pub fn udp(&self, port: u16) -> Result<UdpSocket, BindError> {
        self.udp_with(port, UDP_QUEUE, UDP_QUEUE)
    }

    /// Opens a UDP socket on `port` with queues of these sizes. Port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// If the port is in use, there are too many sockets, or there is no memory.
    pub fn udp_with(&self, port: u16, receive: Queue, send: Queue) -> Result<UdpSocket, BindError> {
        UdpSocket::bind(self.stack, port, receive, send)
    }

    /// Listens on the TCP port. Up to [`TCP_BACKLOG`] connections can wait to be accepted. Port 0
    /// selects a free port.
    ///
    /// # Errors
    ///
    /// If the port is in use, there are too many sockets, or there is no memory.
    pub fn tcp_listen(&self, port: u16) -> Result<TcpListener, BindError> {
        self.tcp_listen_with(port, TCP_BACKLOG)
    }

    /// Listens on the TCP port. Up to `backlog` connections, at least one, can wait to be accepted;
    /// half-open ones count. Each uses a socket and, once established, its queues. Port 0 selects a
    /// free port.
    ///
    /// # Errors
    ///
    /// If the port is in use, there are too many sockets, or there is no memory.
    pub fn tcp_listen_with(&self, port: u16, backlog: usize) -> Result<TcpListener, BindError> {
        TcpListener::bind(self.stack, port, backlog)
    }

    /// Connects to `remote` by TCP.
    ///
    /// # Errors
    ///
    /// If nobody listens there, nobody answers within [`TCP_CONNECT_TIMEOUT`], or there is no
    /// socket, memory, address or route. Each is a separate [`ConnectError`].
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
        TcpStream::connect(self.stack, remote, queue).await
    }

    /// Sends an ICMP echo request to `address` and waits for the reply; returns the round trip
    /// time, which includes the duration of turns of the event loop.
    ///
    /// # Errors
    ///
    /// If no reply arrives within `timeout`, or nothing can be sent.
    pub async fn ping(&self, address: Ipv4Addr, timeout: Duration) -> Result<Duration, PingError> {
        ping::ping(self.stack, address, timeout).await
    }

    /// Returns the hardware address of the network device.
    pub fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress(self.stack.inner.borrow().protocols.mac())
    }

    /// Returns the counts of the network so far.
    pub fn statistics(&self) -> Statistics {
        self.stack.statistics()
    }

    /// Returns the counts of TCP so far.
    pub fn tcp_statistics(&self) -> TcpStatistics {
        self.stack.tcp_statistics()
    }
}

#[cfg(test)]
mod tests;
