//! The DHCP client that may provide the configuration (RFC 2131).
//!
//! A client that has its lease would cost every datagram a look and every turn a message that is
//! built and not sent. So it sleeps apart from the other sockets until the lease is to be renewed.

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::{Socket, dhcpv4};
use smoltcp::wire::IpCidr;
use vmos_drivers::{info, warn};

use super::clock::{instant, nanoseconds};
use crate::net::address::{Ip, is_host, is_neighbor};
use crate::net::configuration::{Configuration, NAME_SERVERS};

/// How long the client stays awake for an answer after it asked for its lease again, in
/// nanoseconds. The next question comes a minute later at the earliest.
const AWAKE: u64 = 10_000_000_000;

/// How long the old address stays in use after the link came back, while no server has answered, in
/// nanoseconds. Long enough for the first two questions.
const GRACE: u64 = 15_000_000_000;

/// Keeps the configuration of the interface.
pub(super) struct Configurator {
    link_up: bool,
    source: Source,
    current: Option<Configuration>,
}

enum Source {
    Static(Configuration),
    Dhcp(Client),
}

/// The DHCP client and where it is.
struct Client {
    place: Place,
    /// The set in which the client sleeps, empty while it is awake.
    bedroom: SocketSet<'static>,
    /// It has a lease.
    bound: bool,
    /// No going to sleep before this, in nanoseconds.
    awake_until: u64,
    /// Until when the old address stays in use without a lease, in nanoseconds.
    keep_until: Option<u64>,
}

enum Place {
    Awake(SocketHandle),
    Asleep {
        handle: SocketHandle,
        wake_at: Option<u64>,
    },
}

impl Source {
    fn new(ip: Ip) -> Self {
        match ip {
            Ip::Static { address, gateway } => Self::Static(Configuration {
                address,
                gateway,
                dns: [None; NAME_SERVERS],
            }),
            Ip::Dhcp => {
                let mut bedroom = SocketSet::new(alloc::vec::Vec::new());
                let handle = bedroom.add(dhcpv4::Socket::new());
                Self::Dhcp(Client {
                    place: Place::Asleep {
                        handle,
                        wake_at: None,
                    },
                    bedroom,
                    bound: false,
                    awake_until: 0,
                    keep_until: None,
                })
            }
        }
    }
}

enum News {
    /// There is a lease; with nothing in it where what it says is no use.
    Leased(Option<Configuration>),
    Lost,
}

impl Configurator {
    pub(super) fn new(ip: Ip) -> Self {
        Self {
            link_up: true,
            source: Source::new(ip),
            current: None,
        }
    }

    /// Gives up the address there is, for one from elsewhere.
    pub(super) fn replace(
        &mut self,
        ip: Ip,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) {
        if let Source::Dhcp(client) = &mut self.source {
            // Asleep, it and its socket go with the source.
            client.lie_down(None, sockets);
        }
        self.source = Source::new(ip);
        self.current = None;
        apply(interface, None);
        self.start(interface, sockets);
        if let Source::Dhcp(client) = &mut self.source
            && !self.link_up
        {
            client.lie_down(None, sockets);
        }
    }

    /// Sets a given address, or begins to ask for one.
    pub(super) fn start(&mut self, interface: &mut Interface, sockets: &mut SocketSet<'static>) {
        match &mut self.source {
            Source::Static(configuration) => {
                self.current = Some(*configuration);
                apply(interface, self.current);
                info!("address {configuration}");
            }
            Source::Dhcp(client) => client.wake_up(0, sockets),
        }
    }

    /// The configuration in force.
    pub(super) fn current(&self) -> Option<Configuration> {
        self.current
    }

    /// Tells of the link; returns whether that changes what there is to send.
    pub(super) fn link(&mut self, up: bool, now: u64, sockets: &mut SocketSet<'static>) -> bool {
        if up == self.link_up {
            return false;
        }
        self.link_up = up;
        info!("link {}", if up { "up" } else { "down" });
        let Source::Dhcp(client) = &mut self.source else {
            return false;
        };
        client.bound = false;
        if up {
            client.wake_up(now, sockets);
            client.keep_until = self.current.map(|_| now.saturating_add(GRACE));
        } else {
            client.keep_until = None;
            client.lie_down(None, sockets);
        }
        client.socket(sockets).reset();
        true
    }

    /// Wakes the client where its time has come.
    pub(super) fn wake(&mut self, now: u64, sockets: &mut SocketSet<'static>) {
        if let Source::Dhcp(client) = &mut self.source
            && let Place::Asleep {
                wake_at: Some(wake_at),
                ..
            } = client.place
            && wake_at <= now
        {
            client.wake_up(now, sockets);
        }
    }

    /// When [`wake`](Self::wake) or [`poll`](Self::poll) has something to do of itself.
    pub(super) fn deadline(&self) -> Option<u64> {
        match &self.source {
            Source::Static(_) => None,
            Source::Dhcp(client) => match client.place {
                Place::Asleep { wake_at, .. } => wake_at,
                Place::Awake(_) => client.keep_until,
            },
        }
    }

    /// Takes up what the client learnt. Returns whether the configuration changed.
    #[inline]
    pub(super) fn poll(
        &mut self,
        now: u64,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> bool {
        match &mut self.source {
            Source::Dhcp(client) if matches!(client.place, Place::Awake(_)) => {
                let Some(changed) = client.poll(now, self.current, interface, sockets) else {
                    return false;
                };
                self.current = changed;
                apply(interface, changed);
                match changed {
                    Some(configuration) => info!("address {configuration}, by DHCP"),
                    None => warn!("the address by DHCP is no longer ours"),
                }
                true
            }
            _ => false,
        }
    }
}

impl Client {
    fn poll(
        &mut self,
        now: u64,
        current: Option<Configuration>,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> Option<Option<Configuration>> {
        let mut wanted = current;
        let news = self.socket(sockets).poll().map(|event| match event {
            dhcpv4::Event::Configured(lease) => News::Leased(accept(&lease)),
            dhcpv4::Event::Deconfigured => News::Lost,
        });
        match news {
            Some(News::Leased(configuration)) => {
                self.bound = true;
                self.keep_until = None;
                // The lease was just given: nothing more is asked before half of it is over.
                self.awake_until = now;
                wanted = configuration;
            }
            Some(News::Lost) => {
                self.bound = false;
                if self.keep_until.is_none() {
                    wanted = None;
                }
            }
            None => {}
        }
        if self.keep_until.is_some_and(|until| until <= now) {
            self.keep_until = None;
            wanted = None;
        }
        if self.bound && now >= self.awake_until {
            self.lie_down(None, sockets);
            let wake_at = interface
                .poll_at(instant(now), &self.bedroom)
                .map(nanoseconds);
            self.lie_down(wake_at, sockets);
        }
        (wanted != current).then_some(wanted)
    }

    fn socket<'a>(
        &'a mut self,
        sockets: &'a mut SocketSet<'static>,
    ) -> &'a mut dhcpv4::Socket<'static> {
        match self.place {
            Place::Awake(handle) => sockets.get_mut(handle),
            Place::Asleep { handle, .. } => self.bedroom.get_mut(handle),
        }
    }

    fn wake_up(&mut self, now: u64, sockets: &mut SocketSet<'static>) {
        self.awake_until = now.saturating_add(AWAKE);
        if let Place::Asleep { handle, .. } = self.place
            && let Socket::Dhcpv4(socket) = self.bedroom.remove(handle)
        {
            self.place = Place::Awake(sockets.add(socket));
        }
    }

    fn lie_down(&mut self, wake_at: Option<u64>, sockets: &mut SocketSet<'static>) {
        match self.place {
            Place::Awake(handle) => {
                if let Socket::Dhcpv4(socket) = sockets.remove(handle) {
                    let handle = self.bedroom.add(socket);
                    self.place = Place::Asleep { handle, wake_at };
                }
            }
            Place::Asleep { handle, .. } => self.place = Place::Asleep { handle, wake_at },
        }
    }
}

/// Turns a lease into a configuration. A server's word is not trusted: the stack panics at an
/// address or a router that is not a machine's.
fn accept(lease: &dhcpv4::Config<'_>) -> Option<Configuration> {
    let address = lease.address;
    if !is_host(address.address(), address) || address.address().is_loopback() {
        warn!("the DHCP server gave {address}, which cannot be a machine's address");
        return None;
    }
    let gateway = lease.router.filter(|router| {
        let usable = is_neighbor(*router, address);
        if !usable {
            warn!("the DHCP server gave the gateway {router}, which is not on {address}");
        }
        usable
    });
    let mut dns = [None; NAME_SERVERS];
    for (slot, server) in dns.iter_mut().zip(&lease.dns_servers) {
        *slot = Some(*server);
    }
    Some(Configuration {
        address,
        gateway,
        dns,
    })
}

fn apply(interface: &mut Interface, configuration: Option<Configuration>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        if let Some(configuration) = configuration {
            // There is room for two.
            let _ = addresses.push(IpCidr::Ipv4(configuration.address));
        }
    });
    let routes = interface.routes_mut();
    routes.remove_default_ipv4_route();
    if let Some(gateway) = configuration.and_then(|configuration| configuration.gateway) {
        // There is room for two.
        let _ = routes.add_default_ipv4_route(gateway);
    }
}
