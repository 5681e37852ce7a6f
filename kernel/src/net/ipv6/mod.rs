//! IPv6 (RFC 8200) with neighbour discovery (RFC 4861), stateless address autoconfiguration (RFC
//! 4862) and ICMPv6 (RFC 4443).
//!
//! IPv6 packets take the path of frames that are not ordinary, so they cost IPv4 nothing. UDP and
//! TCP are the same as for IPv4: a peer gets a stand-in from 240.0.0.0/5 ([`peers`]), and its
//! packets are translated on their way in and out ([`translation`]). What belongs to IPv6 alone is
//! here: addresses and routers ([`host`]), neighbours ([`neighbours`]), groups ([`groups`]) and
//! messages ([`discovery`], [`icmp`], [`echo`]).

mod address;
mod advertisement;
mod configuration;
mod destinations;
mod discovery;
mod echo;
mod groups;
mod host;
mod icmp;
mod ingress;
mod lasting;
mod neighbours;
mod packet;
mod peers;
#[cfg(feature = "raw")]
mod raw;
mod route;
mod sockets;
mod statistics;
mod translation;
mod work;

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};

pub use self::configuration::{Ip6, Ip6Error, Ipv6Configuration};
pub use self::sockets::Ipv6Error;
pub use self::statistics::Ipv6Statistics;

pub(super) use self::packet::ETHERTYPE;
pub(super) use self::peers::{OWN, is_stand_in};

use self::echo::Paths;
use self::groups::Groups;
use self::host::Host;
use self::neighbours::Cache;
use self::peers::Peers;
use self::statistics::Counters;
use super::random::Random;
use crate::time::NEVER;

/// IPv6 of one device, which the parts of the stack share.
pub(super) struct Ipv6 {
    /// When something is due, in nanoseconds.
    due: Cell<u64>,
    /// `None` while IPv6 is off.
    state: RefCell<Option<Box<State>>>,
    counters: Counters,
}

/// The state while IPv6 is on.
struct State {
    mac: [u8; 6],
    host: Host,
    neighbours: Cache,
    groups: Groups,
    peers: Peers,
    echoes: Paths,
    random: Random,
}

impl State {
    fn new(mac: [u8; 6], link_mtu: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            mac,
            host: Host::new(mac, link_mtu),
            neighbours: Cache::new(),
            groups: Groups::default(),
            peers: Peers::new(random.next()),
            echoes: Paths::default(),
            random,
        }
    }

    /// Returns when something is due, in nanoseconds.
    fn due(&self) -> u64 {
        let due = self.host.due().min(self.neighbours.due());
        due.min(self.groups.due())
    }

    /// Tells the neighbour cache which machines are default routers.
    fn note_routers(&mut self) {
        let Self {
            host, neighbours, ..
        } = self;
        neighbours.set_routers(|address| host.routers().any(|router| router == address));
    }

    /// Returns what the machine uses now.
    fn configuration(&self) -> Ipv6Configuration {
        let mut configuration = Ipv6Configuration {
            gateway: self.host.routers().next(),
            ..Ipv6Configuration::default()
        };
        for (place, address) in configuration.addresses.iter_mut().zip(self.host.ready()) {
            *place = Some(address);
        }
        for (place, server) in configuration.dns.iter_mut().zip(self.host.dns()) {
            *place = Some(server);
        }
        configuration
    }
}

impl Ipv6 {
    pub(super) const fn new() -> Self {
        Self {
            due: Cell::new(NEVER),
            state: RefCell::new(None),
            counters: Counters::new(),
        }
    }

    /// Returns when something is due, in nanoseconds.
    #[inline]
    pub(super) fn due(&self) -> u64 {
        self.due.get()
    }

    /// Calls `act` with the state, and updates when something is due. `None` while IPv6 is off.
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> Option<R> {
        let state = &mut *self.state.borrow_mut();
        let state = state.as_mut()?;
        let result = act(state);
        self.due.set(state.due());
        Some(result)
    }
}
