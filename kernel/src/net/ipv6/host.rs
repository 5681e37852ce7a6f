//! The machine's addresses, prefixes, routers and name servers: stateless address
//! autoconfiguration (RFC 4862) and what routers advertise (RFC 4861, 6.3; RFC 8106).
//!
//! All tables are bounded. If one is full, what a router said that is not known any more gives way;
//! if there are too many routers, one that does not respond is not known any more.

use core::mem;
use core::net::Ipv6Addr;

use super::address::{common, from_mac, is_in, is_of_link};
use super::advertisement::Prefix;
use super::configuration::{ADDRESSES, Ip6, NAME_SERVERS};
use super::lasting::{Lasting, expire};
use crate::time::NEVER;

/// The largest numbers of prefixes and of routers; further ones are ignored.
const PREFIXES: usize = 8;
const ROUTERS: usize = 4;
const SECOND: u64 = 1_000_000_000;
/// The shortest time between two replacements of an address, each of which is checked by a message
/// to the whole link, in nanoseconds.
const REPLACEMENT_PAUSE: u64 = 10 * SECOND;
/// The number of solicitations with which an address is checked (RFC 4862, 5.1).
const PROBES: u8 = 1;
/// The pauses between router solicitations, in nanoseconds: the first, and the longest (RFC 7559).
const PAUSE: u64 = 4 * SECOND;
const LONGEST_PAUSE: u64 = 3600 * SECOND;
/// The hop limit without another one from a router (RFC 1700).
const HOP_LIMIT: u8 = 64;

mod retries;
mod routers;

pub(super) use retries::Instead;

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    LinkLocal,
    Router,
    Static,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The address is being checked, after this number of solicitations.
    Tentative(u8),
    Ready,
    /// The address is in use, and is being checked on another link, after this number of
    /// solicitations.
    Again(u8),
    /// Another machine has the address.
    Duplicate,
}

/// An address of this machine. Times are in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Address {
    ip: Ipv6Addr,
    prefix_len: u8,
    state: State,
    origin: Origin,
    /// The router that advertised its prefix.
    from: Ipv6Addr,
    next: u64,
    preferred_until: u64,
    valid_until: u64,
    /// How many addresses in its place other machines have had in succession; see [`retries`].
    refused: u8,
}

impl Address {
    const fn is_usable(&self) -> bool {
        matches!(self.state, State::Ready | State::Again(_))
    }
}

/// A prefix on the link.
#[derive(Clone, Copy, Debug)]
struct OnLink {
    prefix: Prefix,
    /// Until when it counts, in nanoseconds.
    until: u64,
    /// The router that advertised it.
    from: Ipv6Addr,
}

/// What an address is to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Ready,
    Tentative,
    No,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask whether another machine has the address.
    Probe(Ipv6Addr),
    /// Ask for advertisements of routers.
    SolicitRouters,
    /// The address is ready to be used.
    Gained(Ipv6Addr),
    /// The address has expired.
    Lost(Ipv6Addr),
    /// A router or a name server has expired.
    Changed,
}

/// The state of this machine on its link.
pub(super) struct Host {
    mac: [u8; 6],
    ip: Ip6,
    addresses: [Option<Address>; ADDRESSES],
    prefixes: [Option<OnLink>; PREFIXES],
    /// Default routers in order of preference.
    routers: [Option<Lasting>; ROUTERS],
    dns: [Option<Lasting>; NAME_SERVERS],
    pub(super) hop_limit: u8,
    /// The longest packet on the link, in bytes.
    pub(super) mtu: usize,
    link_mtu: usize,
    /// When routers are asked next, and the pause after that, in nanoseconds.
    ask: u64,
    pause: u64,
    /// The earliest time at which another address may be replaced, in nanoseconds.
    replace_from: u64,
}

impl Host {
    pub(super) const fn new(mac: [u8; 6], link_mtu: usize) -> Self {
        Self {
            mac,
            ip: Ip6::Off,
            addresses: [None; ADDRESSES],
            prefixes: [None; PREFIXES],
            routers: [None; ROUTERS],
            dns: [None; NAME_SERVERS],
            hop_limit: HOP_LIMIT,
            mtu: link_mtu,
            link_mtu,
            ask: NEVER,
            pause: PAUSE,
            replace_from: 0,
        }
    }

    /// Starts anew with this source of addresses; `delay` before the first solicitation, in
    /// nanoseconds, keeps machines that start together apart (RFC 4862, 5.4.2).
    pub(super) fn start(&mut self, ip: Ip6, delay: u64, now: u64) {
        *self = Self::new(self.mac, self.link_mtu);
        self.ip = ip;
        if ip == Ip6::Off {
            return;
        }
        let prefix = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
        let own = from_mac(prefix, self.mac);
        let start = now.saturating_add(delay);
        let nobody = Ipv6Addr::UNSPECIFIED;
        self.add((own, 64), Origin::LinkLocal, nobody, start, (NEVER, NEVER));
        if let Ip6::Static {
            address,
            prefix_len,
            gateway,
            dns,
        } = ip
        {
            let own = (address, prefix_len);
            self.add(own, Origin::Static, nobody, start, (NEVER, NEVER));
            let prefix = Prefix::on_link(address, prefix_len);
            self.prefixes[0] = Some(OnLink {
                prefix,
                until: NEVER,
                from: nobody,
            });
            self.routers[0] = gateway.map(Lasting::fixed);
            self.dns = dns.map(|server| server.map(Lasting::fixed));
        }
    }

    /// Returns the source of the addresses.
    pub(super) const fn ip(&self) -> Ip6 {
        self.ip
    }

    /// Adds an address, if there is a place. Returns the address that it replaces.
    fn add(
        &mut self,
        (ip, prefix_len): (Ipv6Addr, u8),
        origin: Origin,
        from: Ipv6Addr,
        next: u64,
        (preferred_until, valid_until): (u64, u64),
    ) -> Option<Ipv6Addr> {
        let free = self.addresses.iter().position(Option::is_none);
        let is_stale = |one: &Option<Address>| {
            one.is_some_and(|one| one.origin == Origin::Router && self.is_stale(one.from))
        };
        let may_replace = next >= self.replace_from;
        let stale = || {
            { self.addresses.iter() }
                .position(is_stale)
                .filter(|_| may_replace)
        };
        let place = free.or_else(stale)?;
        let replaced = self.addresses[place].replace(Address {
            ip,
            prefix_len,
            state: State::Tentative(0),
            origin,
            from,
            next,
            preferred_until,
            valid_until,
            refused: 0,
        })?;
        self.replace_from = next.saturating_add(REPLACEMENT_PAUSE);
        Some(replaced.ip)
    }

    /// Returns what the address is to this machine.
    pub(super) fn own(&self, ip: Ipv6Addr) -> Own {
        let mut all = self.addresses.iter().flatten();
        match all.find(|one| one.ip == ip).map(|one| one.state) {
            Some(State::Ready | State::Again(_)) => Own::Ready,
            Some(State::Tentative(_)) => Own::Tentative,
            _ => Own::No,
        }
    }

    /// Returns the addresses, except duplicate ones.
    pub(super) fn all(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let all = self.addresses.iter().flatten();
        all.filter(|one| one.state != State::Duplicate)
            .map(|one| one.ip)
    }

    /// Returns the addresses that are not used because another machine has them.
    pub(super) fn duplicates(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let all = self.addresses.iter().flatten();
        all.filter(|one| one.state == State::Duplicate)
            .map(|one| one.ip)
    }

    /// Returns the addresses that can be used, with their prefix lengths.
    pub(super) fn ready(&self) -> impl Iterator<Item = (Ipv6Addr, u8)> + '_ {
        let all = self.addresses.iter().flatten();
        all.filter(|one| one.is_usable())
            .map(|one| (one.ip, one.prefix_len))
    }

    /// Returns the default routers, the preferred one first.
    pub(super) fn routers(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.routers.iter().flatten().map(|one| one.address)
    }

    /// Returns the name servers.
    pub(super) fn dns(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.dns.iter().flatten().map(|one| one.address)
    }

    /// Returns the link-local address, if it can be used.
    pub(super) fn link_local(&self) -> Option<Ipv6Addr> {
        let mut all = self.addresses.iter().flatten();
        all.find(|one| one.origin == Origin::LinkLocal && one.is_usable())
            .map(|one| one.ip)
    }

    /// Returns this machine's address for packets to `to` (RFC 6724, 5): of the same scope,
    /// preferred, with the longest common prefix.
    pub(super) fn source(&self, to: Ipv6Addr, now: u64) -> Option<Ipv6Addr> {
        if is_of_link(to) {
            return self.link_local();
        }
        let all = self.addresses.iter().flatten();
        let usable = all.filter(|one| one.is_usable() && !is_of_link(one.ip));
        usable
            .max_by_key(|one| (now < one.preferred_until, common(one.ip, to)))
            .map(|one| one.ip)
    }

    /// Returns the next hop to `to`: itself, if it is on the link, or a router.
    pub(super) fn next_hop(&self, to: Ipv6Addr) -> Option<Ipv6Addr> {
        if self.is_on_link(to) {
            Some(to)
        } else {
            self.routers().next()
        }
    }

    /// Returns the length of the longest prefix on the link that contains the address, or 0 if a
    /// router leads there.
    #[cfg(feature = "networks")]
    pub(super) fn prefix_to(&self, to: Ipv6Addr) -> Option<u8> {
        let known = self.prefixes.iter().flatten().map(|one| one.prefix);
        let on_link = known.filter(|prefix| is_in(to, prefix.address, prefix.length));
        let of_link = is_of_link(to).then_some(0);
        let routers = self.routers().next().map(|_| 0);
        on_link
            .map(|prefix| prefix.length)
            .max()
            .or(of_link)
            .or(routers)
    }

    /// Returns whether the address is of a machine on the link.
    pub(super) fn is_on_link(&self, ip: Ipv6Addr) -> bool {
        let prefixes = self.prefixes.iter().flatten();
        is_of_link(ip) || { prefixes }.any(|one| is_in(ip, one.prefix.address, one.prefix.length))
    }

    /// Returns when [`take_due`](Self::take_due) has something, in nanoseconds.
    pub(super) fn due(&self) -> u64 {
        let addresses = self.addresses.iter().flatten();
        let addresses = addresses.map(|one| one.next.min(one.valid_until));
        let routers = self.routers.iter().chain(&self.dns).flatten();
        let prefixes = self.prefixes.iter().flatten();
        addresses
            .chain(routers.map(|one| one.until))
            .chain(prefixes.map(|one| one.until))
            .fold(self.ask, u64::min)
    }

    /// Returns one thing that is due. `pause` is the time between two solicitations of neighbours,
    /// in nanoseconds.
    pub(super) fn take_due(&mut self, pause: u64, now: u64) -> Option<Due> {
        for place in &mut self.addresses {
            let Some(one) = place else { continue };
            if one.valid_until <= now {
                let (ip, state) = (one.ip, one.state);
                *place = None;
                if state == State::Duplicate {
                    continue;
                }
                return Some(Due::Lost(ip));
            }
            if one.next > now {
                continue;
            }
            if let State::Tentative(sent @ 0..PROBES) | State::Again(sent @ 0..PROBES) =
                &mut one.state
            {
                *sent += 1;
                one.next = now.saturating_add(pause);
                return Some(Due::Probe(one.ip));
            }
            one.next = NEVER;
            one.refused = 0;
            let was = mem::replace(&mut one.state, State::Ready);
            if let State::Again(_) = was {
                continue;
            }
            if one.origin == Origin::LinkLocal && self.ip == Ip6::Auto {
                self.ask = now;
            }
            return Some(Due::Gained(one.ip));
        }
        for place in &mut self.prefixes {
            place.take_if(|one| one.until <= now);
        }
        if expire(&mut self.routers, now) | expire(&mut self.dns, now) {
            self.ask_again(now);
            return Some(Due::Changed);
        }
        if self.ask <= now {
            self.ask = now.saturating_add(self.pause);
            self.pause = LONGEST_PAUSE.min(self.pause * 2);
            return Some(Due::SolicitRouters);
        }
        None
    }

    /// Asks for routers again once there is none.
    fn ask_again(&mut self, now: u64) {
        if self.routers().next().is_none() && self.ask == NEVER && self.ip == Ip6::Auto {
            self.pause = PAUSE;
            self.ask = now;
        }
    }
}
