//! Several networks: one for each network device.
//!
//! Each network is a stack of its own, with its addresses, routes, neighbours, sockets and counts
//! ([`Network::net`]). What is here spans all of them: the route decides which network carries a
//! connection or a datagram, and the sockets of all networks share a port.
//!
//! This machine is a host with several addresses after the strong model (RFC 1122, 3.3.4.2): a network
//! accepts only packets for its own addresses, answers requests for no other, and sends only from
//! them. Packets are never forwarded from one network to another.

mod connections;
mod events;
mod groups;
#[cfg(feature = "raw")]
mod raw;
mod resolver;
mod route;
mod statistics;
mod udp;

use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

pub use self::connections::TcpListeners;
pub use self::events::AnyEvents;
#[cfg(feature = "raw")]
pub use self::raw::RawSockets;
pub use self::statistics::NetworkStatistics;
pub use self::udp::UdpSockets;

use super::random::Random;
use super::stack::Stack;
use super::tcp::TcpStream;
use super::udp::Datagram;
use super::{BindError, Net};

/// A network of this machine: that of one network device.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let lan = kernel.networks().by_name("lan")?;
/// // Only this network: it has ports of its own.
/// let socket = lan.net().udp(7)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Network {
    number: u32,
    name: &'static str,
    metric: u16,
    net: Net,
}

/// There is no network of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchNetwork;

impl fmt::Display for NoSuchNetwork {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "there is no network of this name: name its device by [nic.NAME] in the board file or by \
             nic.NAME=ADDRESS on the command line, or use the device's hardware address as the name",
        )
    }
}

impl core::error::Error for NoSuchNetwork {}

impl Network {
    pub(crate) const fn new(number: u32, name: &'static str, metric: u16, net: Net) -> Self {
        Self {
            number,
            name,
            metric,
            net,
        }
    }

    /// Returns the number of the network, counted from 1 in the order of [`Networks::iter`]. It is the
    /// scope of link-local IPv6 addresses (RFC 4007, 6), and the interface index of other crates' traits
    /// (RFC 3493, 4).
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the name that the command line gives to the device by `nic.NAME=`; otherwise, the one
    /// that the board file gives to it by `[nic.NAME]`; otherwise, the hardware address as text.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the metric, from `metric.NAME=` on the command line; 0 without that word. Of several
    /// routes of the same length, the one with the smallest metric is used.
    #[must_use]
    pub const fn metric(&self) -> u16 {
        self.metric
    }

    /// Returns the network for use on its own: its sockets send and receive here only.
    #[must_use]
    pub const fn net(&self) -> Net {
        self.net
    }

    /// Derives all numbers that attackers must not predict from `key`, those of each network from a
    /// part that says nothing about the others.
    pub(crate) fn reseed<'a>(networks: impl Iterator<Item = &'a Self>, key: u128) {
        let mut random = Random::keyed(key);
        for network in networks {
            network.net.reseed(random.key());
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network {}", self.name)
    }
}

/// All networks of this machine, from [`Kernel::networks`](crate::Kernel::networks). All copies refer
/// to the same networks.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let networks = kernel.networks();
/// for network in networks.iter() {
///     vmos::println!("{}: {:?}", network.name(), network.net().configuration());
/// }
/// let listener = networks.tcp_listen(80)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Networks {
    all: &'static [Network],
}

impl Networks {
    pub(crate) const fn new(all: &'static [Network]) -> Self {
        Self { all }
    }

    /// Returns the networks in the order of their devices' locations, but that of
    /// [`Kernel::net`](crate::Kernel::net) first.
    pub fn iter(&self) -> impl Iterator<Item = Network> + use<> {
        self.all.iter().copied()
    }

    /// Returns the network of this name.
    ///
    /// # Errors
    ///
    /// If no network has it.
    pub fn by_name(&self, name: &str) -> Result<Network, NoSuchNetwork> {
        let found = self.iter().find(|network| network.name == name);
        found.ok_or(NoSuchNetwork)
    }

    /// Returns the first network for which `is_meant`, on its own.
    #[cfg(feature = "edge-nal")]
    pub(in crate::net) fn only(&self, is_meant: impl Fn(Network) -> bool) -> Option<Self> {
        let found = self.all.iter().find(|network| is_meant(**network));
        found.map(|network| Self::new(core::slice::from_ref(network)))
    }

    /// Returns the network on which a datagram arrived.
    #[must_use]
    pub fn of_datagram(&self, datagram: &Datagram) -> Option<Network> {
        self.of(datagram.stack)
    }

    /// Returns the network of a connection.
    #[must_use]
    pub fn of_stream(&self, stream: &TcpStream) -> Option<Network> {
        self.of(stream.stack)
    }

    fn of(&self, stack: &'static Stack) -> Option<Network> {
        let mut all = self.iter();
        all.find(|network| core::ptr::eq(network.net.stack, stack))
    }

    /// Waits until a network has an IPv6 address for other networks than its link, and returns it. Returns
    /// at once if one has.
    #[cfg(feature = "ipv6")]
    pub async fn ipv6_configured(&self) -> Network {
        self.first(|network| network.net.ipv6_configuration().global().is_some())
            .await
    }

    /// Waits until a network has an IPv4 address, and returns it. Returns at once if one has.
    pub async fn configured(&self) -> Network {
        self.first(|network| network.net.configuration().is_some())
            .await
    }

    /// Waits until a network is configured as wanted, and returns it.
    async fn first(&self, is_wanted: impl Fn(&Network) -> bool) -> Network {
        poll_fn(|context| {
            if let Some(found) = self.iter().find(&is_wanted) {
                return Poll::Ready(found);
            }
            self.iter()
                .for_each(|network| network.net.wake_when_configured(context.waker()));
            Poll::Pending
        })
        .await
    }
}

/// How often a free port is chosen, if it is not free on all networks.
const ATTEMPTS: usize = 16;

/// Opens a socket on the same port of all networks; 0 selects a port that is free on all. `number`
/// returns the port of a socket.
fn on_all<S>(
    networks: Networks,
    port: u16,
    open: impl Fn(Net, u16) -> Result<S, BindError>,
    number: impl Fn(&S) -> u16,
) -> Result<alloc::vec::Vec<S>, BindError> {
    let attempt = || {
        let mut sockets = alloc::vec::Vec::new();
        let enough = sockets.try_reserve_exact(networks.all.len());
        enough.map_err(|_| BindError::OutOfMemory)?;
        for network in networks.iter() {
            let port = sockets.first().map_or(port, &number);
            sockets.push(open(network.net, port)?);
        }
        Ok(sockets)
    };
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(BindError::PortTaken(_)) if port == 0 => {}
            result => return result,
        }
    }
    attempt()
}
