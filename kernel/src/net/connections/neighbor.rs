//! The hardware addresses of peers (RFC 826).
//!
//! A segment that arrives brings the address to answer to. Only a connection that begins here, and one
//! whose peer has not answered for long, has to ask.

use core::net::Ipv4Addr;

use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};
use vmos_drivers::dma::Frames;

use super::connection::State;
use super::{ConnectionId, Connections};
use crate::net::device::Device;
use crate::net::packet::Mac;
use crate::net::protocols::TRANSMIT_RETRY;
use crate::net::statistics::{Counters, count};

/// The shortest time between two questions, in nanoseconds (RFC 1122, 2.3.2.1).
const INTERVAL: u64 = 1_000_000_000;

/// Bytes in the header of Ethernet.
const ETHERNET: usize = 14;

impl Connections {
    /// Asks who has the address that the connection's segments go to, if that was not just asked.
    #[cold]
    pub(super) fn ask_for_address<D: Device>(
        &mut self,
        index: usize,
        device: &mut D,
        frames: &Frames,
        now: u64,
        counters: &Counters,
    ) {
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
        if device.room() == 0 {
            connection.timers.address = now.saturating_add(TRANSMIT_RETRY);
            return count(&counters.device_full);
        }
        connection.timers.address = now.saturating_add(INTERVAL);
        let peer = *connection.peer.ip();
        let Some(message) = self.question(peer) else {
            return;
        };
        let length = ETHERNET + message.buffer_len();
        let Ok(mut frame) = frames.take_for(length) else {
            count(&counters.out_of_memory);
            return;
        };
        frame.set_len(length);
        let mut ethernet = EthernetFrame::new_unchecked(frame.bytes_mut());
        ethernet.set_dst_addr(EthernetAddress::BROADCAST);
        ethernet.set_src_addr(EthernetAddress(self.mac));
        ethernet.set_ethertype(EthernetProtocol::Arp);
        message.emit(&mut ArpPacket::new_unchecked(ethernet.payload_mut()));
        counters.add_sent(1);
        device.send(frame);
    }

    /// The question after the next one on the way to `peer`. None where there is no way.
    fn question(&self, peer: Ipv4Addr) -> Option<ArpRepr> {
        Some(ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: EthernetAddress(self.mac),
            source_protocol_addr: self.configuration?.address.address(),
            target_hardware_addr: EthernetAddress::BROADCAST,
            target_protocol_addr: self.next_on_the_way(peer)?,
        })
    }

    /// Who frames for `peer` are handed to: the peer itself, or the router.
    pub(in crate::net) fn next_on_the_way(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        let configuration = self.configuration?;
        if configuration.address.contains_addr(&peer) {
            Some(peer)
        } else {
            configuration.gateway
        }
    }

    /// Takes up who has an address, from a frame that may hold ARP.
    #[cold]
    pub(in crate::net) fn hear_of_neighbor(&mut self, frame: &[u8]) {
        let Ok(ethernet) = EthernetFrame::new_checked(frame) else {
            return;
        };
        if ethernet.ethertype() != EthernetProtocol::Arp {
            return;
        }
        let message =
            ArpPacket::new_checked(ethernet.payload()).and_then(|packet| ArpRepr::parse(&packet));
        let Ok(ArpRepr::EthernetIpv4 {
            source_hardware_addr: mac,
            source_protocol_addr: neighbor,
            target_protocol_addr: asked,
            ..
        }) = message
        else {
            return;
        };
        let own = self
            .configuration
            .map(|configuration| configuration.address.address());
        if Some(asked) != own || !mac.is_unicast() {
            return;
        }
        for index in 0..self.slots.len() {
            let Some(connection) = &self.slots[index] else {
                continue;
            };
            if !connection.lacks_address()
                || self.next_on_the_way(*connection.peer.ip()) != Some(neighbor)
            {
                continue;
            }
            if let Some(connection) = &mut self.slots[index] {
                connection.mac = Some(Mac::new(mac.0));
            }
            self.touch(ConnectionId(index));
        }
    }
}
