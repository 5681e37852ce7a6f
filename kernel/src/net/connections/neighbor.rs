//! Where frames for a connection's peer are sent to.
//!
//! A segment that arrives brings the hardware address to answer to. Only a connection that begins here,
//! and one whose peer has not answered for long, has to ask.

use core::net::Ipv4Addr;

use super::connection::State;
use super::{ConnectionId, Connections};
use crate::net::neighbours::Way;
use crate::net::packet::Mac;

/// The shortest time between two looks, in nanoseconds: as often as a question is asked.
const INTERVAL: u64 = 1_000_000_000;

impl Connections {
    /// Finds out which hardware address the connection's segments go to, if that was not just tried.
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
        if connection.mac.is_some() {
            // Nobody answers there.
            self.neighbours.doubt(peer, now);
        } else if let Way::To(mac) = self.neighbours.find(peer, now) {
            connection.mac = Some(mac);
            self.touch(ConnectionId(index));
        }
    }

    /// Who frames for `peer` are handed to: the peer itself, or the router.
    pub(in crate::net) fn next_on_the_way(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        self.configuration?.next_hop(peer)
    }

    /// Takes up that the machine `neighbor` has this hardware address, now or again.
    #[cold]
    pub(in crate::net) fn hear_of_neighbor(&mut self, neighbor: Ipv4Addr, mac: Mac) {
        for index in 0..self.slots.len() {
            let Some(connection) = &self.slots[index] else {
                continue;
            };
            let lacks = connection.lacks_address();
            if !lacks && connection.mac == Some(mac)
                || self.next_on_the_way(*connection.peer.ip()) != Some(neighbor)
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
