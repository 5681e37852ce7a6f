//! Finds the hardware address for a connection's peer.
//!
//! A received segment contains the hardware address for answers. Only a connection that this
//! machine opens, or whose peer has not answered for long, must ask.

use core::net::Ipv4Addr;

use super::connection::State;
use super::{ConnectionId, Connections};
use crate::net::neighbours::Way;
use crate::net::packet::Mac;

/// The shortest time between two checks, in nanoseconds: the interval of ARP requests.
const INTERVAL: u64 = 1_000_000_000;

impl Connections {
    /// Looks up the hardware address for the connection's segments, unless that was just done.
    #[cold]
    pub(super) fn ask_for_address(&mut self, index: usize, now: u64) {
        let Some(connection) = self.slots.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        if connection.state == State::Closed {
            return;
        }
        connection.timers.wait(now);
        if now < connection.timers.address {
            return;
        }
        connection.timers.address = now.saturating_add(INTERVAL);
        let peer = *connection.peer.ip();
        #[cfg(feature = "ipv6")]
        if crate::net::ipv6::is_stand_in(peer) {
            return self.ask_for_ipv6_address(index, peer, now);
        }
        if connection.mac.is_some() {
            // Nobody answers at the known address.
            self.neighbours.doubt(peer, now);
        } else if let Way::To(mac) = self.neighbours.find(peer, now) {
            connection.mac = Some(mac);
            self.touch(ConnectionId(index));
        }
    }

    /// Returns the next hop for `peer`: the peer itself or a router; `None` if there is no route.
    pub(in crate::net) fn next_on_the_way(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        #[cfg(feature = "ipv6")]
        if crate::net::ipv6::is_stand_in(peer) {
            return None;
        }
        self.configuration?.next_hop(peer)
    }

    /// Records the hardware address of the machine `neighbour`, which may be unchanged.
    #[cold]
    pub(in crate::net) fn hear_of_neighbour(&mut self, neighbour: Ipv4Addr, mac: Mac) {
        for index in 0..self.slots.len() {
            let Some(connection) = &self.slots[index] else {
                continue;
            };
            let lacks = connection.lacks_address();
            if !lacks && connection.mac == Some(mac)
                || self.next_on_the_way(*connection.peer.ip()) != Some(neighbour)
            {
                continue;
            }
            if let Some(connection) = &mut self.slots[index] {
                connection.mac = Some(mac);
            }
            if lacks {
                self.touch(ConnectionId(index));
            }
        }
    }
}
