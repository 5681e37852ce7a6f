//! The address of the interface, and the DHCP client that may provide it (RFC 2131).
//!
//! The client has a socket set of its own. It is asked what it has to send, and shown what a server
//! answers, only while it is awake: a client that has its lease sleeps until the lease is to be
//! renewed, since it would build a message in every turn and not send it.

use alloc::vec::Vec;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4;
use smoltcp::wire::IpCidr;
use vmos_drivers::{info, warn};

use super::clock::{instant, nanoseconds};
use crate::net::address::{Ip, is_host, is_neighbor};
use crate::net::configuration::{Configuration, NAME_SERVERS};
use crate::time::earliest;

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

/// The DHCP client, alone in its set.
struct Client {
    set: SocketSet<'static>,
    handle: SocketHandle,
    /// It listens to servers, and may have something to send.
    awake: bool,
    /// When it has something to do, in nanoseconds: to wake up, or to send.
    due: Option<u64>,
    /// It has a lease.
    bound: bool,
    /// No going to sleep before this, in nanoseconds.
    awake_until: u64,
    /// Until when the old address stays in use without a lease, in nanoseconds.
    keep_until: Option<u64>,
}

impl Source {
    fn new(ip: Ip) -> Self {
        match ip {
            Ip::Static {
                address,
                gateway,
                dns,
            } => Self::Static(Configuration {
                address,
                gateway,
                dns,
            }),
            Ip::Dhcp => {
                let mut set = SocketSet::new(Vec::new());
                let handle = set.add(dhcpv4::Socket::new());
                Self::Dhcp(Client {
                    set,
                    handle,
                    awake: false,
                    due: None,
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
    pub(super) fn replace(&mut self, ip: Ip, interface: &mut Interface) {
        self.source = Source::new(ip);
        self.current = None;
        apply(interface, None);
        self.start(interface);
        if let Source::Dhcp(client) = &mut self.source
            && !self.link_up
        {
            client.lie_down(None);
        }
    }

    /// Sets a given address, or begins to ask for one.
    pub(super) fn start(&mut self, interface: &mut Interface) {
        match &mut self.source {
            Source::Static(configuration) => {
                self.current = Some(*configuration);
                apply(interface, self.current);
                info!("address {configuration}");
            }
            Source::Dhcp(client) => client.wake_up(0),
        }
    }

    /// The configuration in force.
    pub(super) fn current(&self) -> Option<Configuration> {
        self.current
    }

    /// Tells of the link.
    pub(super) fn link(&mut self, up: bool, now: u64) {
        if up == self.link_up {
            return;
        }
        self.link_up = up;
        info!("link {}", if up { "up" } else { "down" });
        let Source::Dhcp(client) = &mut self.source else {
            return;
        };
        client.bound = false;
        if up {
            client.wake_up(now);
            client.keep_until = self.current.map(|_| now.saturating_add(GRACE));
        } else {
            client.keep_until = None;
            client.lie_down(None);
        }
        client.socket().reset();
    }

    /// The client's set, where it has something to send: then [`poll`](Self::poll) is to be called.
    pub(super) fn due(&mut self, now: u64) -> Option<&mut SocketSet<'static>> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return None;
        }
        match &mut self.source {
            Source::Static(_) => None,
            Source::Dhcp(client) => {
                client.wake_up(now);
                Some(&mut client.set)
            }
        }
    }

    /// The client's set, where it listens to servers.
    pub(super) fn listening(&mut self) -> Option<&mut SocketSet<'static>> {
        match &mut self.source {
            Source::Dhcp(client) if client.awake => Some(&mut client.set),
            _ => None,
        }
    }

    /// When [`due`](Self::due) has something to send, or [`poll`](Self::poll) something to do.
    #[inline]
    pub(super) fn deadline(&self) -> Option<u64> {
        match &self.source {
            Source::Static(_) => None,
            Source::Dhcp(client) => earliest(client.due, client.keep_until),
        }
    }

    /// Takes up what the client learnt, and asks it when it is due next. Returns whether the
    /// configuration changed.
    pub(super) fn poll(&mut self, now: u64, interface: &mut Interface) -> bool {
        match &mut self.source {
            Source::Dhcp(client) if client.awake => {
                let wanted = client.poll(now, self.current, interface);
                if wanted == self.current {
                    return false;
                }
                self.current = wanted;
                apply(interface, wanted);
                match wanted {
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
    /// The configuration wanted from now on.
    fn poll(
        &mut self,
        now: u64,
        current: Option<Configuration>,
        interface: &mut Interface,
    ) -> Option<Configuration> {
        let mut wanted = current;
        let news = self.socket().poll().map(|event| match event {
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
        self.due = interface.poll_at(instant(now), &self.set).map(nanoseconds);
        if self.bound && now >= self.awake_until {
            self.lie_down(self.due);
        } else if self.due.is_some_and(|due| due <= now) {
            // It could not send.
            self.due = Some(now.saturating_add(super::TRANSMIT_RETRY));
        }
        wanted
    }

    fn socket(&mut self) -> &mut dhcpv4::Socket<'static> {
        self.set.get_mut(self.handle)
    }

    fn wake_up(&mut self, now: u64) {
        self.awake = true;
        self.awake_until = now.saturating_add(AWAKE);
        self.due = Some(now);
    }

    fn lie_down(&mut self, wake_at: Option<u64>) {
        self.awake = false;
        self.due = wake_at;
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
