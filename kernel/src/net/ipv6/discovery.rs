//! Messages of neighbour discovery (RFC 4861, 4).
//!
//! Redirects are ignored: the router forwards what it would redirect, and a forged redirect takes
//! over traffic (RFC 6583, 6). No message comes with a hop limit other than 255, so none comes from
//! another link.

use core::net::Ipv6Addr;

use alloc::vec::Vec;

use super::Ip6;
use super::State;
use super::address::{ALL_NODES, ALL_ROUTERS, group_mac, is_unicast, mac, solicited_node};
use super::advertisement::{Advertisement, Options, TARGET_MAC, mac_option, source_option};
use super::host::{Instead, Own};
use super::neighbours::{Advertised, RETRANSMIT};
use super::packet::{Packet, Route, address};
use super::route::sender;
use super::statistics::tell;
use crate::net::hardware_address::HardwareAddress;
use crate::net::packet::Mac;
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::count;
use vmos_drivers::dma::Frame;

/// The types of messages.
const ROUTER_SOLICITATION: u8 = 133;
pub(super) const ROUTER_ADVERTISEMENT: u8 = 134;
pub(super) const NEIGHBOUR_SOLICITATION: u8 = 135;
pub(super) const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
pub(super) const REDIRECT: u8 = 137;

/// The flags of an advertisement of a neighbour: the answer to a solicitation, and whether it
/// replaces what is known.
const SOLICITED: u8 = 0x40;
const OVERRIDES: u8 = 0x20;

/// The limits of the times that routers give, in milliseconds (RFC 4861, 6.2.1; the lower ones keep
/// a forged advertisement from making this machine busy).
const SHORTEST_REACHABLE: u32 = 5000;
const LONGEST_REACHABLE: u32 = 3_600_000;
const SHORTEST_RETRANSMIT: u32 = 500;
const LONGEST_RETRANSMIT: u32 = 10_000;
const MILLISECOND: u64 = 1_000_000;

impl Stack {
    /// Handles a message of neighbour discovery whose checksum is right.
    pub(super) fn take_discovery(
        &self,
        inner: &mut Inner,
        frame: &Frame,
        packet: &Packet,
        now: u64,
    ) {
        let counters = &self.neighbours.ipv6.counters;
        let message = packet.payload(frame.bytes());
        // A fragment header would hide the message from a switch that filters it (RFC 6980, 5).
        let valid = packet.hop_limit == 255 && !packet.is_fragment && message.get(1) == Some(&0);
        let heard = if !valid {
            None
        } else {
            match message[0] {
                ROUTER_ADVERTISEMENT => self.hear_router(inner, packet, message, now),
                NEIGHBOUR_SOLICITATION => self.hear_question(inner, frame, packet, message, now),
                NEIGHBOUR_ADVERTISEMENT => self.hear_neighbour(inner, frame, packet, message, now),
                REDIRECT => {
                    count(&counters.redirects_ignored);
                    Some(())
                }
                // Solicitations of routers are for routers.
                _ => Some(()),
            }
        };
        if heard.is_none() {
            count(&counters.invalid_discovery);
        }
    }

    /// Handles the advertisement of a router. `None` if it is invalid (RFC 4861, 6.1.2).
    fn hear_router(
        &self,
        inner: &mut Inner,
        packet: &Packet,
        message: &[u8],
        now: u64,
    ) -> Option<()> {
        let heard = Advertisement::read(message)?;
        if !packet.source.is_unicast_link_local() {
            return None;
        }
        let counters = &self.neighbours.ipv6.counters;
        let (before, after, resolved, replaced) = self.neighbours.ipv6.with(|state| {
            let before = Some(state.configuration());
            let had = state.host.all().collect::<Vec<_>>();
            if state.host.ip() != Ip6::Auto {
                return (None, None, None, None);
            }
            let replaced = state.host.hear(packet.source, &heard, now);
            let time = |given: u32, shortest: u32, longest: u32| {
                let usable = (shortest..=longest).contains(&given);
                usable.then_some(u64::from(given) * MILLISECOND)
            };
            if let Some(reachable) = time(heard.reachable, SHORTEST_REACHABLE, LONGEST_REACHABLE) {
                state.neighbours.reachable = reachable;
            }
            if let Some(retransmit) =
                time(heard.retransmit, SHORTEST_RETRANSMIT, LONGEST_RETRANSMIT)
            {
                state.neighbours.retransmit = retransmit;
            }
            let mac = heard.mac().and_then(mac);
            let resolved = mac.and_then(|mac| state.neighbours.hear(packet.source, mac, now));
            state.note_routers();
            for address in state.host.all().filter(|address| !had.contains(address)) {
                state.groups.join(solicited_node(address), now);
            }
            if let Some(address) = replaced {
                state.groups.leave(solicited_node(address), now);
            }
            (before, Some(state.configuration()), resolved, replaced)
        })?;
        if replaced.is_some() {
            count(&counters.replaced);
            inner.connections.check_stand_ins();
        }
        if let Some(mac) = resolved {
            self.settle_ipv6(inner, packet.source, Some(mac));
        }
        self.drop_stranded(inner);
        if before != after {
            self.wake_watchers();
        }
        Some(())
    }

    /// Handles the question for a hardware address. `None` if it is invalid (RFC 4861, 7.1.1).
    fn hear_question(
        &self,
        inner: &mut Inner,
        frame: &Frame,
        packet: &Packet,
        message: &[u8],
        now: u64,
    ) -> Option<()> {
        let options = Options::read(message.get(24..)?)?;
        let target = address(message, 8);
        let from_nobody = packet.source.is_unspecified();
        let source_mac = options.source_mac();
        if !is_unicast(target)
            || from_nobody && (packet.destination != solicited_node(target) || source_mac.is_some())
        {
            return None;
        }
        let own = self.neighbours.ipv6.with(|state| state.host.own(target))?;
        if own == Own::Tentative && from_nobody {
            // Another machine checks the same address (RFC 4862, 5.4.3).
            self.is_duplicate(target, sender(frame), now);
        }
        if own != Own::Ready {
            return Some(());
        }
        let heard = source_mac.and_then(mac).and_then(|mac| {
            let heard = self.neighbours.ipv6.with(|state| {
                let near = state.host.is_on_link(packet.source);
                near.then(|| state.neighbours.hear(packet.source, mac, now))
            });
            heard??
        });
        if let Some(mac) = heard {
            self.settle_ipv6(inner, packet.source, Some(mac));
        }
        let (destination, mac, flags) = if from_nobody {
            (ALL_NODES, group_mac(ALL_NODES), OVERRIDES)
        } else {
            let mac = source_mac.and_then(mac).or_else(|| sender(frame))?;
            (packet.source, mac.bytes(), SOLICITED | OVERRIDES)
        };
        self.advertise(target, destination, mac, flags);
        Some(())
    }

    /// Sends an advertisement of this machine's hardware address.
    pub(super) fn advertise(&self, target: Ipv6Addr, to: Ipv6Addr, mac: [u8; 6], flags: u8) {
        let sent = self.neighbours.ipv6.with(|state| Route {
            own_mac: state.mac,
            mac,
            source: target,
            destination: to,
            hop_limit: 255,
        });
        if let Some(route) = sent {
            let option = mac_option(TARGET_MAC, route.own_mac);
            let head = [NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0];
            self.send_message(&route, &[&head, &target.octets(), &option], false);
        }
    }

    /// Handles the advertisement of a neighbour. `None` if it is invalid (RFC 4861, 7.1.2).
    fn hear_neighbour(
        &self,
        inner: &mut Inner,
        frame: &Frame,
        packet: &Packet,
        message: &[u8],
        now: u64,
    ) -> Option<()> {
        let options = Options::read(message.get(24..)?)?;
        let target = address(message, 8);
        let flags = message[4];
        let solicited = flags & SOLICITED != 0;
        if !is_unicast(target) || solicited && packet.destination.is_multicast() {
            return None;
        }
        let heard = Advertised {
            mac: options.mac(TARGET_MAC).and_then(mac),
            solicited,
            overrides: flags & OVERRIDES != 0,
        };
        match self.neighbours.ipv6.with(|state| state.host.own(target))? {
            own @ (Own::Tentative | Own::Ready) => {
                if self.is_duplicate(target, sender(frame), now) {
                    inner.connections.check_stand_ins();
                } else if own == Own::Ready
                    && sender(frame) != self.neighbours.ipv6.with(|state| Mac::new(state.mac))
                {
                    self.is_claimed(target, sender(frame));
                }
            }
            Own::No => {
                let changed = self
                    .neighbours
                    .ipv6
                    .with(|state| state.neighbours.advertised(target, heard, now));
                if let Some(Some(mac)) = changed {
                    self.settle_ipv6(inner, target, Some(mac));
                }
            }
        }
        Some(())
    }

    /// Gives up an address that was being checked, because another machine has it (RFC 4862,
    /// 5.4.5); returns whether it was. Another one may take its place.
    fn is_duplicate(&self, address: Ipv6Addr, other: Option<Mac>, now: u64) -> bool {
        let ipv6 = &self.neighbours.ipv6;
        let instead = ipv6.with(|state| {
            if other == mac(state.mac) {
                return None;
            }
            let instead = state.host.duplicate(address, state.random.next(), now)?;
            state.groups.leave(solicited_node(address), now);
            if let Instead::Another(address, from) = instead {
                state.groups.join(solicited_node(address), from);
            }
            Some(instead)
        });
        let Some(instead) = instead.flatten() else {
            return false;
        };
        // The address was in use if the link came up again.
        self.wake_watchers();
        count(&ipv6.counters.duplicates);
        let other = HardwareAddress(other.map_or([0; 6], Mac::bytes));
        let follows = match instead {
            Instead::Another(..) => "tries another one",
            Instead::Nothing => "does not use it",
        };
        tell(
            &ipv6.counters.duplicates,
            "IPv6 addresses given up: another machine has them",
            format_args!("IPv6: {other} has {address} already; this machine {follows}"),
        );
        true
    }

    /// Counts that another machine claims an address of this one, which is kept.
    fn is_claimed(&self, address: Ipv6Addr, other: Option<Mac>) {
        count(&self.neighbours.ipv6.counters.conflicts);
        let other = HardwareAddress(other.map_or([0; 6], Mac::bytes));
        vmos_drivers::debug!("IPv6: {other} claims {address}, this machine's address");
    }

    /// Asks whether another machine has the address (RFC 4862, 5.4.2).
    pub(super) fn probe(&self, state: &State, address: Ipv6Addr) {
        let group = solicited_node(address);
        let route = Route {
            own_mac: state.mac,
            mac: group_mac(group),
            source: Ipv6Addr::UNSPECIFIED,
            destination: group,
            hop_limit: 255,
        };
        let head = [NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        self.send_message(&route, &[&head, &address.octets()], false);
    }

    /// Asks for the hardware address of a neighbour: all that could have the address, or, to verify
    /// it, the machine itself.
    pub(super) fn solicit(&self, state: &State, address: Ipv6Addr, known: Option<Mac>, now: u64) {
        let group = solicited_node(address);
        let Some(source) = state.host.source(address, now).or(state.host.link_local()) else {
            return;
        };
        let route = Route {
            own_mac: state.mac,
            mac: known.map_or(group_mac(group), Mac::bytes),
            source,
            destination: known.map_or(group, |_| address),
            hop_limit: 255,
        };
        let head = [NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        let option = source_option(state.mac);
        self.send_message(&route, &[&head, &address.octets(), &option], false);
    }

    /// Asks routers for advertisements.
    pub(super) fn solicit_routers(&self, state: &State) {
        let Some(source) = state.host.link_local() else {
            return;
        };
        let route = Route {
            own_mac: state.mac,
            mac: group_mac(ALL_ROUTERS),
            source,
            destination: ALL_ROUTERS,
            hop_limit: 255,
        };
        let head = [ROUTER_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        self.send_message(&route, &[&head, &source_option(state.mac)], false);
    }
}

const _: () = assert!(RETRANSMIT >= SHORTEST_RETRANSMIT as u64 * MILLISECOND);
