//! What is done without a received packet: at the start, at times, and when the link changes.

use core::net::Ipv6Addr;

use alloc::boxed::Box;

use vmos_drivers::dma::Frame;
use vmos_drivers::info;

use super::State;
use super::address::solicited_node;
use super::configuration::Ip6;
use super::host::{self, Own};
use super::neighbours;
use super::packet::{ETHERTYPE, destination};
use super::statistics::tell;
use crate::net::packet::{Mac, ethertype, set_destination_mac};
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::count;
use crate::time::NEVER;

/// The longest delay before the first packet, in nanoseconds (RFC 4861, 10:
/// `MAX_RTR_SOLICITATION_DELAY`).
const DELAY: u64 = 1_000_000_000;
/// How many addresses are logged: routers may give any number, one after the other.
const GAINS_TOLD: u64 = 32;

impl Stack {
    /// Sets the source of the IPv6 addresses: [`Ip6::Off`] at first. Connections end whose addresses
    /// this changes.
    pub fn configure_ipv6(&self, ip: Ip6) {
        let inner = &mut *self.inner();
        let now = self.time();
        let ipv6 = &self.neighbours.ipv6;
        let (mac, link_mtu) = (inner.protocols.mac(), self.outgoing.longest_frame() - 14);
        let seed = self.number();
        let mut state = ipv6.state.borrow_mut();
        if ip == Ip6::Off {
            *state = None;
            ipv6.due.set(NEVER);
        } else {
            let state = state.get_or_insert_with(|| Box::new(State::new(mac, link_mtu, seed)));
            start(state, ip, now);
            ipv6.due.set(now);
        }
        drop(state);
        self.due.set(0);
        inner.connections.check_stand_ins();
        self.drop_stranded(inner);
        self.wake_watchers();
    }

    /// Reports that the link came up: the addresses are checked again (RFC 4862, 5.4), and used
    /// meanwhile.
    pub(in crate::net) fn ipv6_link(&self, up: bool) {
        let ipv6 = &self.neighbours.ipv6;
        let now = self.time();
        ipv6.with(|state| {
            if up {
                state.groups.renew(now);
                state.neighbours.clear();
                for address in state.host.duplicates() {
                    state.groups.join(solicited_node(address), now);
                }
                let delay = state.random.next() % DELAY;
                state.host.restart(delay, now);
            }
        });
        self.due.set(0);
        if up {
            let inner = &mut *self.inner();
            inner.connections.check_stand_ins();
            self.drop_stranded(inner);
        }
    }

    /// Derives the numbers of stand-ins from `key`.
    pub(in crate::net) fn reseed_ipv6(&self, key: u64) {
        self.neighbours.ipv6.with(|state| state.peers.reseed(key));
    }

    /// Performs the actions that are due.
    #[cold]
    pub(in crate::net) fn work_ipv6(&self, inner: &mut Inner, now: u64) {
        let ipv6 = &self.neighbours.ipv6;
        let mut lost = false;
        let mut changed = false;
        ipv6.with(|state| {
            self.report_listeners(state, now);
            while let Some(due) = state.host.take_due(state.neighbours.retransmit, now) {
                match due {
                    host::Due::Probe(address) => {
                        // The group is reported first, so that switches forward the answer.
                        self.probe(state, address);
                    }
                    host::Due::SolicitRouters => self.solicit_routers(state),
                    host::Due::Gained(address) => {
                        count(&ipv6.counters.gained);
                        if ipv6.counters.gained.get() <= GAINS_TOLD {
                            info!("IPv6 address {address}");
                        }
                        changed = true;
                    }
                    host::Due::Lost(address) => {
                        state.groups.leave(solicited_node(address), now);
                        count(&ipv6.counters.expired);
                        tell(
                            &ipv6.counters.expired,
                            "IPv6 addresses that have expired",
                            format_args!("the IPv6 address {address} has expired"),
                        );
                        (changed, lost) = (true, true);
                    }
                    host::Due::Changed => {
                        state.note_routers();
                        changed = true;
                    }
                }
            }
            self.report_listeners(state, now);
        });
        loop {
            let due = ipv6.with(|state| {
                let due = state.neighbours.take_due(now)?;
                match due {
                    neighbours::Due::Ask(address, known) => {
                        self.solicit(state, address, known, now);
                    }
                    neighbours::Due::GiveUp(address) => {
                        if state.host.mistrust(address, now) {
                            state.note_routers();
                            changed = true;
                        }
                    }
                }
                Some(due)
            });
            match due.flatten() {
                Some(neighbours::Due::GiveUp(address)) => self.settle_ipv6(inner, address, None),
                Some(neighbours::Due::Ask(..)) => {}
                None => break,
            }
        }
        self.drop_stranded(inner);
        if lost {
            inner.connections.check_stand_ins();
        }
        if changed {
            self.wake_watchers();
        }
    }

    /// Drops the packets that wait for a neighbour that is not looked for any more, because another
    /// one is now the next hop or all were forgotten.
    pub(super) fn drop_stranded(&self, inner: &mut Inner) {
        let ipv6 = &self.neighbours.ipv6;
        let is_sought = |to: Ipv6Addr| {
            ipv6.with(|state| {
                let hop = state.host.next_hop(to);
                hop.is_some_and(|hop| state.neighbours.is_sought(hop))
            })
        };
        let stays = |frame: &Frame| {
            ethertype(frame) != ETHERTYPE || is_sought(destination(frame.bytes())) == Some(true)
        };
        self.outgoing.waiting.retain(stays, |frame| {
            inner.ports.gave_up(&frame);
            count(&ipv6.counters.unreachable);
            self.frames.give(frame);
        });
    }

    /// Sends the packets that wait for the hardware address of the neighbour `address`, or drops
    /// them if it was not found.
    pub(super) fn settle_ipv6(&self, inner: &mut Inner, address: Ipv6Addr, mac: Option<Mac>) {
        let ipv6 = &self.neighbours.ipv6;
        let hop = |to: Ipv6Addr| ipv6.with(|state| state.host.next_hop(to)).flatten();
        let elsewhere = |frame: &Frame| {
            ethertype(frame) != ETHERTYPE || {
                let to = destination(frame.bytes());
                to != address && hop(to) != Some(address)
            }
        };
        self.outgoing.waiting.retain(elsewhere, |mut frame| {
            if let Some(mac) = mac {
                set_destination_mac(&mut frame, mac);
                self.outgoing.release(frame, &self.frames, &self.counters);
            } else {
                inner.ports.gave_up(&frame);
                count(&ipv6.counters.unreachable);
                self.frames.give(frame);
            }
        });
        if let Some(mac) = mac {
            inner.connections.hear_of_ipv6_neighbour(address, mac);
        }
    }
}

/// Starts anew, at a random time of the next second.
fn start(state: &mut State, ip: Ip6, now: u64) {
    let delay = state.random.next() % DELAY;
    state.groups.clear_addresses();
    state.groups.renew(now);
    state.neighbours.clear();
    state.host.start(ip, delay, now);
    let all = state.host.all();
    for address in all {
        debug_assert!(state.host.own(address) == Own::Tentative);
        state
            .groups
            .join(solicited_node(address), now.saturating_add(delay));
    }
}
