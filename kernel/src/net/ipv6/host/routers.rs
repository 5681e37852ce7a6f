//! What routers advertise (RFC 4861, 6.3; RFC 8106), and routers that do not respond.
//!
//! All tables are bounded. If one is full, what a router said that is not known any more gives way.
//! If there are too many routers, one that does not respond is not known any more, so a flood of
//! forged advertisements keeps no real router out for longer than it lasts.

use core::net::Ipv6Addr;

use super::{Host, Ip6, OnLink, Origin, PAUSE, ROUTERS, SECOND, State};
use crate::net::ipv6::address::{from_mac, is_in, is_of_link};
use crate::net::ipv6::advertisement::{Advertisement, Prefix};
use crate::net::ipv6::lasting::{Lasting, ends, first, renew};
use crate::net::ipv6::packet::LEAST_MTU;
use crate::time::NEVER;

/// How long what routers advertised on the earlier link is used after the link came up, while none
/// advertises it again, in nanoseconds: as long as an address from DHCP.
const GRACE: u64 = 15 * SECOND;
/// An advertisement cannot shorten the remaining lifetime of an address below this many seconds
/// (RFC 4862, 5.5.3).
const TWO_HOURS: u64 = 7200;
/// The least hop limit that is accepted: a forged advertisement with less would cut the machine off
/// (CVE-2015-2922).
const LEAST_HOP_LIMIT: u8 = 32;

impl Host {
    /// Keeps what is in use after the link came up again, but checks it: addresses are asked for
    /// again, after a `delay` in nanoseconds (RFC 4862, 5.4), and routers have to confirm what they
    /// have advertised.
    pub(in crate::net::ipv6) fn restart(&mut self, delay: u64, now: u64) {
        let end = match self.ip {
            Ip6::Off => return,
            Ip6::Auto => now.saturating_add(GRACE),
            Ip6::Static { .. } => NEVER,
        };
        let start = now.saturating_add(delay);
        for one in self.addresses.iter_mut().flatten() {
            one.state = match one.state {
                State::Ready | State::Again(_) => State::Again(0),
                _ => State::Tentative(0),
            };
            one.next = start;
            if one.origin == Origin::Router {
                one.valid_until = one.valid_until.min(end);
            }
        }
        for one in self.prefixes.iter_mut().flatten() {
            one.until = end.min(one.until);
        }
        for one in self.routers.iter_mut().chain(&mut self.dns).flatten() {
            one.until = end.min(one.until);
        }
        if self.ip == Ip6::Auto && self.link_local().is_some() {
            self.ask = start;
            self.pause = PAUSE;
        }
    }

    /// Returns whether what the router `from` has said is stale, and may be replaced: the router is
    /// not known any more.
    pub(super) fn is_stale(&self, from: Ipv6Addr) -> bool {
        self.routers().all(|router| router != from)
    }

    /// Prefers other routers to one that does not respond. If there are too many, it is not known
    /// any more until it advertises itself again, for which routers are asked. Returns whether that
    /// is so.
    pub(in crate::net::ipv6) fn mistrust(&mut self, router: Ipv6Addr, now: u64) -> bool {
        let known = |one: &Option<Lasting>| first(*one) == Some(router);
        let Some(place) = self.routers.iter().position(known) else {
            return false;
        };
        let end = self.routers.iter().flatten().count();
        self.routers[place..end].rotate_left(1);
        if end < ROUTERS {
            return false;
        }
        self.routers[end - 1] = None;
        if self.ask == NEVER {
            self.pause = PAUSE;
            self.ask = now;
        }
        true
    }

    /// Takes what the router `from` advertises. Returns the addresses that were replaced.
    pub(in crate::net::ipv6) fn hear(
        &mut self,
        from: Ipv6Addr,
        heard: &Advertisement<'_>,
        now: u64,
    ) -> Option<Ipv6Addr> {
        if self.ip != Ip6::Auto || self.link_local().is_none() {
            return None;
        }
        let router = Lasting {
            address: from,
            until: ends(now, heard.lifetime.into()),
            from,
        };
        renew(&mut self.routers, router, now, |_| false);
        if heard.hop_limit >= LEAST_HOP_LIMIT {
            self.hop_limit = heard.hop_limit;
        }
        if let Some(mtu) = heard.mtu()
            && (LEAST_MTU..=self.link_mtu).contains(&mtu)
        {
            self.mtu = mtu;
        }
        let mut replaced = None;
        for prefix in heard.prefixes() {
            replaced = self.hear_prefix(from, prefix, now).or(replaced);
        }
        let routers = self.routers;
        let is_stale = |from| routers.iter().all(|one| first(*one) != Some(from));
        for (address, lifetime) in heard.dns() {
            let server = Lasting {
                address,
                until: ends(now, lifetime),
                from,
            };
            renew(&mut self.dns, server, now, is_stale);
        }
        if self.routers().next().is_some() {
            self.ask = NEVER;
        }
        self.ask_again(now);
        replaced
    }

    /// Takes a prefix. Returns the address that was replaced.
    fn hear_prefix(&mut self, from: Ipv6Addr, prefix: Prefix, now: u64) -> Option<Ipv6Addr> {
        if is_of_link(prefix.address) || prefix.address.is_multicast() {
            return None;
        }
        if prefix.on_link {
            let until = ends(now, prefix.valid);
            let known = |one: &Option<OnLink>| one.is_some_and(|one| one.prefix.is(prefix));
            let is_stale = |one: &Option<OnLink>| one.is_some_and(|one| self.is_stale(one.from));
            let place = self.prefixes.iter().position(known);
            let free = || self.prefixes.iter().position(Option::is_none);
            let stale = || self.prefixes.iter().position(is_stale);
            if let Some(place) = place.or_else(free).or_else(stale) {
                let one = OnLink {
                    prefix,
                    until,
                    from,
                };
                self.prefixes[place] = (until > now).then_some(one);
            }
        }
        // An address takes a prefix of 64 bits, since the identifier has 64 (RFC 4862, 5.5.3).
        if !prefix.autonomous || prefix.length != 64 || prefix.preferred > prefix.valid {
            return None;
        }
        let ip = from_mac(prefix.address, self.mac);
        let routers = self.routers;
        let preferred_until = ends(now, prefix.preferred);
        let until = ends(now, prefix.valid);
        let mut all = self.addresses.iter_mut().flatten();
        // The identifier is another one if another machine has had the address.
        let Some(known) = all.find(|one| is_in(one.ip, prefix.address, 64)) else {
            if prefix.valid == 0 {
                return None;
            }
            let times = (preferred_until, until);
            return self.add((ip, 64), Origin::Router, from, now, times);
        };
        if known.origin != Origin::Router {
            return None;
        }
        if { routers.iter() }.all(|one| first(*one) != Some(known.from)) {
            known.from = from;
        }
        // Forged advertisements must not end an address early.
        let two_hours = now.saturating_add(TWO_HOURS * SECOND);
        if until > two_hours || until > known.valid_until {
            known.valid_until = until;
        } else if known.valid_until > two_hours {
            known.valid_until = two_hours;
        }
        known.preferred_until = preferred_until.min(known.valid_until);
        None
    }
}
