//! The way of packets to peers: what TCP and UDP ask for a stand-in.

use core::net::{Ipv4Addr, Ipv6Addr};

use vmos_drivers::dma::Frame;

use super::address::{group_mac, is_unicast};
use super::host::Own;
use super::packet::Route;
use super::peers::Peer;
use super::sockets::Ipv6Error;
use super::translation::outward;
use super::{Ipv6, State};
use crate::net::neighbours::Way;
use crate::net::packet::{Mac, source_mac};

impl State {
    /// Returns the hardware address for packets to `to`; looks for it if it is unknown.
    pub(super) fn way(&mut self, to: Ipv6Addr, now: u64) -> Way {
        if to.is_multicast() {
            return Way::To(Mac::new(group_mac(to)));
        }
        match self.host.next_hop(to) {
            Some(hop) => self.neighbours.find(hop, now),
            None => Way::Nowhere,
        }
    }

    /// Returns the route from this machine to a peer, without its hardware address; `None` if this
    /// machine has lost the address that the peer uses.
    pub(super) fn route(&self, peer: &Peer, mac: [u8; 6]) -> Option<Route> {
        // A packet to a group stays on the link (RFC 3493, 5.2).
        let hop_limit = if peer.remote.is_multicast() {
            1
        } else {
            self.host.hop_limit
        };
        (self.host.own(peer.local) == Own::Ready).then_some(Route {
            own_mac: self.mac,
            mac,
            source: peer.local,
            destination: peer.remote,
            hop_limit,
        })
    }

    /// Returns the stand-in for an address that a task uses.
    pub(super) fn admit(
        &mut self,
        remote: Ipv6Addr,
        now: u64,
        is_in_use: impl FnMut(Ipv4Addr) -> bool,
    ) -> Result<Ipv4Addr, Ipv6Error> {
        if !is_unicast(remote) && !remote.is_multicast() || self.host.own(remote) != Own::No {
            return Err(Ipv6Error::Unaddressable(remote));
        }
        if self.host.ready().next().is_none() {
            return Err(Ipv6Error::NoAddress);
        }
        let local = self.host.source(remote, now);
        let local = local.ok_or(Ipv6Error::NoRoute(remote))?;
        if !remote.is_multicast() && self.host.next_hop(remote).is_none() {
            return Err(Ipv6Error::NoRoute(remote));
        }
        let stand_in = self.peers.admit(remote, local, None, now, is_in_use);
        stand_in.ok_or(Ipv6Error::TooManyPeers)
    }
}

impl Ipv6 {
    /// Returns the hardware address for the peer of a connection. Looks for it if it is unknown.
    #[cold]
    pub(in crate::net) fn find(&self, stand_in: Ipv4Addr, now: u64) -> Way {
        let found = self.with(|state| {
            let peer = *state.peers.get(stand_in)?;
            Some(state.way(peer.remote, now))
        });
        found.flatten().unwrap_or(Way::Nowhere)
    }

    /// Looks for the hardware address of a peer again, because it does not answer. Returns the one
    /// that is known meanwhile: that of another router, for example.
    #[cold]
    pub(in crate::net) fn doubt(&self, stand_in: Ipv4Addr, now: u64) -> Option<Mac> {
        let found = self.with(|state| {
            let peer = state.peers.get(stand_in)?;
            peer.forget_mac();
            let remote = peer.remote;
            let hop = state.host.next_hop(remote)?;
            let Way::To(mac) = state.neighbours.find(hop, now) else {
                return None;
            };
            state.neighbours.doubt(hop, now);
            Some(mac)
        });
        found.flatten()
    }

    /// Returns the next hop to a peer.
    pub(in crate::net) fn next_hop(&self, stand_in: Ipv4Addr) -> Option<Ipv6Addr> {
        self.with(|state| {
            let remote = state.peers.get(stand_in)?.remote;
            state.host.next_hop(remote)
        })
        .flatten()
    }

    /// Returns whether a segment can be sent to a peer: this machine still has its address.
    #[cold]
    pub(in crate::net) fn can_reach(&self, stand_in: Ipv4Addr) -> bool {
        self.with(|state| {
            let peer = *state.peers.get(stand_in)?;
            state.route(&peer, [0; 6])
        })
        .flatten()
        .is_some()
    }

    /// Turns a segment for a stand-in into an IPv6 packet. Returns false if it cannot be sent.
    #[inline(never)]
    pub(in crate::net) fn translate(
        &self,
        frame: &mut Frame,
        stand_in: Ipv4Addr,
        mac: Mac,
    ) -> bool {
        self.with(|state| {
            let peer = *state.peers.get(stand_in)?;
            let route = state.route(&peer, mac.bytes())?;
            outward(frame, &route, state.host.mtu).then_some(())
        })
        .flatten()
        .is_some()
    }
}

/// Returns the source hardware address of a frame, if it is of one machine.
pub(super) fn sender(frame: &Frame) -> Option<Mac> {
    Some(source_mac(frame)).filter(|mac| mac.is_unicast())
}
