//! The machine's addresses, prefixes, routers and name servers: stateless address
//! autoconfiguration (RFC 4862) and what routers advertise (RFC 4861, 6.3; RFC 8106).

use core::net::Ipv6Addr;

use super::address::{common, from_mac, is_in, is_of_link};
use super::advertisement::{Advertisement, Prefix};
use super::configuration::{ADDRESSES, Ip6, NAME_SERVERS};
use super::lasting::{ends, expire, first, renew};
use super::packet::LEAST_MTU;
use crate::time::NEVER;

/// The largest numbers of prefixes and of routers; further ones are ignored.
const PREFIXES: usize = 8;
const ROUTERS: usize = 4;
const SECOND: u64 = 1_000_000_000;
/// The lifetime below which an advertisement shortens none, in seconds (RFC 4862, 5.5.3).
const TWO_HOURS: u64 = 7200;
/// The number of solicitations with which an address is checked (RFC 4862, 5.1).
const PROBES: u8 = 1;
/// The pauses between router solicitations, in nanoseconds: the first, and the longest (RFC 7559).
const PAUSE: u64 = 4 * SECOND;
const LONGEST_PAUSE: u64 = 3600 * SECOND;
/// The hop limit without another one from a router (RFC 1700), and the least that is accepted: a
/// forged advertisement with less would cut the machine off (CVE-2015-2922).
const HOP_LIMIT: u8 = 64;
const LEAST_HOP_LIMIT: u8 = 32;

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
    next: u64,
    preferred_until: u64,
    valid_until: u64,
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
    prefixes: [Option<(Prefix, u64)>; PREFIXES],
    /// Default routers in order of preference, each until a time in nanoseconds.
    routers: [Option<(Ipv6Addr, u64)>; ROUTERS],
    dns: [Option<(Ipv6Addr, u64)>; NAME_SERVERS],
    pub(super) hop_limit: u8,
    /// The longest packet on the link, in bytes.
    pub(super) mtu: usize,
    link_mtu: usize,
    /// When routers are asked next, and the pause after that, in nanoseconds.
    ask: u64,
    pause: u64,
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
        self.add(own, 64, Origin::LinkLocal, start, (NEVER, NEVER));
        if let Ip6::Static {
            address,
            prefix_len,
            gateway,
            dns,
        } = ip
        {
            self.add(address, prefix_len, Origin::Static, start, (NEVER, NEVER));
            let prefix = Prefix::on_link(address, prefix_len);
            self.prefixes[0] = Some((prefix, NEVER));
            self.routers[0] = gateway.map(|gateway| (gateway, NEVER));
            self.dns = dns.map(|server| server.map(|server| (server, NEVER)));
        }
    }

    /// Returns the source of the addresses.
    pub(super) const fn ip(&self) -> Ip6 {
        self.ip
    }

    fn add(
        &mut self,
        ip: Ipv6Addr,
        prefix_len: u8,
        origin: Origin,
        next: u64,
        (preferred_until, valid_until): (u64, u64),
    ) {
        if let Some(place) = self.addresses.iter_mut().find(|place| place.is_none()) {
            *place = Some(Address {
                ip,
                prefix_len,
                state: State::Tentative(0),
                origin,
                next,
                preferred_until,
                valid_until,
            });
        }
    }

    /// Returns what the address is to this machine.
    pub(super) fn own(&self, ip: Ipv6Addr) -> Own {
        let mut all = self.addresses.iter().flatten();
        match all.find(|one| one.ip == ip).map(|one| one.state) {
            Some(State::Ready) => Own::Ready,
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

    /// Returns the addresses that can be used, with their prefix lengths.
    pub(super) fn ready(&self) -> impl Iterator<Item = (Ipv6Addr, u8)> + '_ {
        let all = self.addresses.iter().flatten();
        all.filter(|one| one.state == State::Ready)
            .map(|one| (one.ip, one.prefix_len))
    }

    /// Returns the default routers, the preferred one first.
    pub(super) fn routers(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.routers.iter().flatten().map(|(router, _)| *router)
    }

    /// Returns the name servers.
    pub(super) fn dns(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.dns.iter().flatten().map(|(server, _)| *server)
    }

    /// Returns the link-local address, if it can be used.
    pub(super) fn link_local(&self) -> Option<Ipv6Addr> {
        let mut all = self.addresses.iter().flatten();
        all.find(|one| one.origin == Origin::LinkLocal && one.state == State::Ready)
            .map(|one| one.ip)
    }

    /// Returns this machine's address for packets to `to` (RFC 6724, 5): of the same scope,
    /// preferred, with the longest common prefix.
    pub(super) fn source(&self, to: Ipv6Addr, now: u64) -> Option<Ipv6Addr> {
        if is_of_link(to) {
            return self.link_local();
        }
        let all = self.addresses.iter().flatten();
        let usable = all.filter(|one| one.state == State::Ready && !is_of_link(one.ip));
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

    /// Returns whether the address is of a machine on the link.
    pub(super) fn is_on_link(&self, ip: Ipv6Addr) -> bool {
        let prefixes = self.prefixes.iter().flatten();
        is_of_link(ip) || { prefixes }.any(|(prefix, _)| is_in(ip, prefix.address, prefix.length))
    }

    /// Prefers other routers to one that does not respond.
    pub(super) fn mistrust(&mut self, router: Ipv6Addr) {
        let known = |one: &Option<(Ipv6Addr, u64)>| one.is_some_and(|(one, _)| one == router);
        if let Some(place) = self.routers.iter().position(known) {
            let end = self.routers.iter().flatten().count();
            self.routers[place..end].rotate_left(1);
        }
    }

    /// Records that another machine has the address, which is not used any more. Returns whether it
    /// was being checked.
    pub(super) fn duplicate(&mut self, ip: Ipv6Addr) -> bool {
        let mut all = self.addresses.iter_mut().flatten();
        let Some(one) = all.find(|one| one.ip == ip) else {
            return false;
        };
        if !matches!(one.state, State::Tentative(_)) {
            return false;
        }
        one.state = State::Duplicate;
        one.next = NEVER;
        true
    }

    /// Returns when [`take_due`](Self::take_due) has something, in nanoseconds.
    pub(super) fn due(&self) -> u64 {
        let addresses = self.addresses.iter().flatten();
        let addresses = addresses.map(|one| one.next.min(one.valid_until));
        let routers = self.routers.iter().chain(&self.dns).flatten();
        let prefixes = self.prefixes.iter().flatten();
        addresses
            .chain(routers.map(|(_, until)| *until))
            .chain(prefixes.map(|(_, until)| *until))
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
            if let State::Tentative(sent @ 0..PROBES) = one.state {
                one.state = State::Tentative(sent + 1);
                one.next = now.saturating_add(pause);
                return Some(Due::Probe(one.ip));
            }
            one.state = State::Ready;
            one.next = NEVER;
            if one.origin == Origin::LinkLocal && self.ip == Ip6::Auto {
                self.ask = now;
            }
            return Some(Due::Gained(one.ip));
        }
        for place in &mut self.prefixes {
            place.take_if(|(_, until)| *until <= now);
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

    /// Takes what the router `from` advertises. Returns whether routers or name servers changed.
    pub(super) fn hear(&mut self, from: Ipv6Addr, heard: &Advertisement<'_>, now: u64) -> bool {
        if self.ip != Ip6::Auto || self.link_local().is_none() {
            return false;
        }
        let before = (self.routers.map(first), self.dns.map(first));
        renew(
            &mut self.routers,
            from,
            ends(now, heard.lifetime.into()),
            now,
        );
        if heard.hop_limit >= LEAST_HOP_LIMIT {
            self.hop_limit = heard.hop_limit;
        }
        if let Some(mtu) = heard.mtu()
            && (LEAST_MTU..=self.link_mtu).contains(&mtu)
        {
            self.mtu = mtu;
        }
        for prefix in heard.prefixes() {
            self.hear_prefix(prefix, now);
        }
        for (server, lifetime) in heard.dns() {
            renew(&mut self.dns, server, ends(now, lifetime), now);
        }
        if self.routers().next().is_some() {
            self.ask = NEVER;
        }
        self.ask_again(now);
        before != (self.routers.map(first), self.dns.map(first))
    }

    fn hear_prefix(&mut self, prefix: Prefix, now: u64) {
        if is_of_link(prefix.address) || prefix.address.is_multicast() {
            return;
        }
        if prefix.on_link {
            let until = ends(now, prefix.valid);
            let known = |one: &Option<(Prefix, u64)>| one.is_some_and(|(one, _)| one.is(prefix));
            let place = self.prefixes.iter().position(known);
            let free = || self.prefixes.iter().position(Option::is_none);
            if let Some(place) = place.or_else(free) {
                self.prefixes[place] = (until > now).then_some((prefix, until));
            }
        }
        // An address takes a prefix of 64 bits, since the identifier has 64 (RFC 4862, 5.5.3).
        if !prefix.autonomous || prefix.length != 64 || prefix.preferred > prefix.valid {
            return;
        }
        let ip = from_mac(prefix.address, self.mac);
        let preferred_until = ends(now, prefix.preferred);
        let until = ends(now, prefix.valid);
        let mut all = self.addresses.iter_mut().flatten();
        let Some(known) = all.find(|one| one.ip == ip) else {
            if prefix.valid > 0 {
                self.add(ip, 64, Origin::Router, now, (preferred_until, until));
            }
            return;
        };
        if known.origin != Origin::Router {
            return;
        }
        // Forged advertisements must not end an address early.
        let two_hours = now.saturating_add(TWO_HOURS * SECOND);
        if until > two_hours || until > known.valid_until {
            known.valid_until = until;
        } else if known.valid_until > two_hours {
            known.valid_until = two_hours;
        }
        known.preferred_until = preferred_until.min(known.valid_until);
    }
}
