//! Connections to machines with IPv6 addresses, which have stand-ins here
//! ([`ipv6`](crate::net::ipv6)).

use core::net::{Ipv4Addr, Ipv6Addr};

use vmos_drivers::dma::Frame;

use super::connection::{Ended, State};
use super::{ConnectionId, Connections};
use crate::net::cidr::Ipv4Cidr;
use crate::net::ipv6::{OWN, is_stand_in};
use crate::net::neighbours::Way;
use crate::net::packet::{Mac, Own};
use crate::net::statistics::Counters;

/// Returns this machine's addresses in packets with stand-ins.
pub(super) fn own(mac: [u8; 6]) -> Own {
    Own::new(Mac::new(mac), Ipv4Cidr::new(OWN, 32))
}

impl Connections {
    /// Handles a translated packet with a segment; see [`hear`](Self::hear).
    pub(in crate::net) fn hear_stand_in(
        &mut self,
        frame: &mut Frame,
        now: u64,
        counters: &Counters,
    ) -> bool {
        self.hear_as(own(self.mac), frame, now, counters)
    }

    /// Returns whether a connection has this peer.
    pub(in crate::net) fn has_peer(&self, stand_in: Ipv4Addr) -> bool {
        let mut all = self.slots.iter().flatten();
        all.any(|connection| *connection.peer.ip() == stand_in)
    }

    /// Ends the connections whose IPv6 address this machine has lost.
    pub(in crate::net) fn check_stand_ins(&mut self) {
        for index in 0..self.slots.len() {
            let Some(connection) = &mut self.slots[index] else {
                continue;
            };
            let peer = *connection.peer.ip();
            if !is_stand_in(peer) || self.neighbours.ipv6.can_reach(peer) {
                continue;
            }
            if connection.state != State::Closed {
                connection.ended = Ended::AddressLost;
            }
            connection.end(false);
            self.touch(ConnectionId(index));
        }
    }

    /// Looks up the hardware address for the connection's segments.
    #[cold]
    pub(super) fn ask_for_ipv6_address(&mut self, index: usize, stand_in: Ipv4Addr, now: u64) {
        let Some(Some(connection)) = self.slots.get_mut(index) else {
            return;
        };
        if connection.mac.is_some() {
            if let Some(mac) = self.neighbours.ipv6.doubt(stand_in, now)
                && connection.mac != Some(mac)
            {
                connection.mac = Some(mac);
                self.touch(ConnectionId(index));
            }
        } else if let Way::To(mac) = self.neighbours.ipv6.find(stand_in, now) {
            connection.mac = Some(mac);
            self.touch(ConnectionId(index));
        }
    }

    /// Records the hardware address of a neighbour.
    #[cold]
    pub(in crate::net) fn hear_of_ipv6_neighbour(&mut self, neighbour: Ipv6Addr, mac: Mac) {
        for index in 0..self.slots.len() {
            let Some(connection) = &mut self.slots[index] else {
                continue;
            };
            let peer = *connection.peer.ip();
            let lacks = connection.lacks_address();
            if !is_stand_in(peer)
                || !lacks && connection.mac == Some(mac)
                || self.neighbours.ipv6.next_hop(peer) != Some(neighbour)
            {
                continue;
            }
            connection.mac = Some(mac);
            if lacks {
                self.touch(ConnectionId(index));
            }
        }
    }
}
