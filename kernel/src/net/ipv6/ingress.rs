//! Received packets.

use core::net::Ipv6Addr;

use vmos_drivers::dma::Frame;

use super::Counters;
use super::address::is_unicast;
use super::discovery::NEIGHBOUR_ADVERTISEMENT;
use super::host::Own;
use super::packet::{self, Fault, ICMP, Packet};
use super::peers::is_stand_in;
use super::route::sender;
use super::translation::inward;
use crate::net::packet::{Mac, TCP, UDP, destination_mac, forget_source_mac};
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::{Counter, count};

/// The code of "destination unreachable" for a port without a socket (RFC 4443, 3.1).
const PORT_UNREACHABLE: u8 = 4;

/// Why a packet is dropped: its count.
type Reason = fn(&Counters) -> &Counter;

/// Whom a packet was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// An address of this machine.
    Us,
    /// An address that is being checked.
    Tentative,
    /// A group of this machine.
    Group,
}

impl Stack {
    /// Handles a frame with an IPv6 packet.
    #[cold]
    #[inline(never)]
    pub(in crate::net) fn take_ipv6(&self, inner: &mut Inner, frame: Frame, now: u64) {
        let ipv6 = &self.neighbours.ipv6;
        if ipv6.state.borrow().is_none() {
            count(&self.counters.unknown_type);
            return self.frames.give(frame);
        }
        count(&ipv6.counters.received);
        if let Some(frame) = self.take_ipv6_packet(inner, frame, now) {
            self.frames.give(frame);
        }
    }

    /// Handles a packet. Returns the frame if it is no longer needed.
    fn take_ipv6_packet(&self, inner: &mut Inner, frame: Frame, now: u64) -> Option<Frame> {
        let counters = &self.neighbours.ipv6.counters;
        let (to, from) = match self.parties(&frame) {
            Ok(parties) => parties,
            Err(counter) => {
                count(counter(counters));
                return Some(frame);
            }
        };
        let packet = match packet::parse(frame.bytes()) {
            Ok(packet) => packet,
            Err(Fault::Malformed) => {
                count(&counters.malformed);
                return Some(frame);
            }
            Err(Fault::Fragment) => {
                count(&counters.fragments);
                return Some(frame);
            }
            Err(fault) => {
                self.refuse_problem(inner, &frame, to, fault, now);
                return Some(frame);
            }
        };
        // A machine that claims this one's address advertises it from there.
        let claims = packet.protocol == ICMP
            && packet.payload(frame.bytes()).first() == Some(&NEIGHBOUR_ADVERTISEMENT);
        if !claims && self.is_own_ipv6(from) {
            count(&counters.forged_source);
            return Some(frame);
        }
        if packet.protocol == ICMP {
            return self.take_icmp(inner, frame, &packet, to, now);
        }
        // Only messages may come from or go to a machine without an address.
        if to == To::Tentative || from.is_unspecified() {
            count(&counters.not_for_us);
            return Some(frame);
        }
        match packet.protocol {
            UDP => self.take_ipv6_datagram(inner, frame, &packet, to, now),
            TCP if to == To::Us => self.take_ipv6_segment(inner, frame, &packet, now),
            TCP => Some(frame),
            #[cfg(feature = "raw")]
            protocol
                if self.put_raw(
                    protocol,
                    packet.source.into(),
                    packet.destination.into(),
                    packet.payload(frame.bytes()),
                ) =>
            {
                Some(frame)
            }
            _ => {
                self.refuse_problem(inner, &frame, to, packet.unknown_protocol(), now);
                Some(frame)
            }
        }
    }

    /// Returns whom the packet in a frame was sent to, and its source; or the count of what is
    /// wrong.
    fn parties(&self, frame: &Frame) -> Result<(To, Ipv6Addr), Reason> {
        let bytes = frame.bytes();
        if bytes.len() < packet::UPPER {
            return Err(|counters| &counters.malformed);
        }
        let destination = packet::destination(bytes);
        let source = packet::address(bytes, packet::ETHERNET + 8);
        let state = self.neighbours.ipv6.state.borrow();
        let Some(state) = state.as_ref() else {
            return Err(|counters| &counters.not_for_us);
        };
        let to_this_machine = destination_mac(frame) == Mac::new(state.mac);
        let to = match state.host.own(destination) {
            // A packet for one machine in a frame for many gets no answer.
            Own::Ready if to_this_machine => To::Us,
            Own::Tentative if to_this_machine => To::Tentative,
            _ if state.groups.contain(destination) => To::Group,
            _ => return Err(|counters| &counters.not_for_us),
        };
        if !source.is_unspecified() && !is_unicast(source) {
            return Err(|counters| &counters.forged_source);
        }
        Ok((to, source))
    }

    /// Returns whether the address is one of this machine.
    fn is_own_ipv6(&self, address: Ipv6Addr) -> bool {
        let state = self.neighbours.ipv6.state.borrow();
        { state.as_ref() }.is_some_and(|state| state.host.own(address) == Own::Ready)
    }

    /// Returns whether the payload has its checksum, and counts it if not.
    fn is_ipv6_payload_right(&self, frame: &Frame, packet: &Packet) -> bool {
        let right = frame.is_verified() || packet.is_right(frame.bytes());
        if !right {
            count(&self.neighbours.ipv6.counters.wrong_checksum);
        }
        right
    }

    /// Makes a stand-in the source of the packet in the frame. Returns false if there is none.
    fn stand_in(&self, inner: &Inner, frame: &mut Frame, packet: &Packet, now: u64) -> bool {
        let ipv6 = &self.neighbours.ipv6;
        let mac = sender(frame);
        let admitted = ipv6.with(|state| {
            let local = if packet.destination.is_multicast() {
                state.host.source(packet.source, now)?
            } else {
                packet.destination
            };
            let connections = &inner.connections;
            let is_in_use = |stand_in| connections.has_peer(stand_in);
            let stand_in = state
                .peers
                .admit(packet.source, local, mac, now, is_in_use)?;
            Some((stand_in, state.host.mtu))
        });
        let Some((stand_in, mtu)) = admitted.flatten() else {
            count(&ipv6.counters.too_many_peers);
            return false;
        };
        inward(frame, packet, stand_in, mtu);
        true
    }

    fn take_ipv6_segment(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        packet: &Packet,
        now: u64,
    ) -> Option<Frame> {
        // A segment has at least a header.
        if packet.payload(frame.bytes()).len() < 20 || !self.is_ipv6_payload_right(&frame, packet) {
            return Some(frame);
        }
        if !self.stand_in(inner, &mut frame, packet, now) {
            return Some(frame);
        }
        let mac = sender(&frame)?;
        let stand_in = *crate::net::packet::source(&frame).ip();
        debug_assert!(is_stand_in(stand_in));
        let answers = inner
            .connections
            .hear_stand_in(&mut frame, now, &self.counters);
        if answers && self.neighbours.ipv6.translate(&mut frame, stand_in, mac) {
            self.answer(frame);
            return None;
        }
        Some(frame)
    }

    fn take_ipv6_datagram(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        packet: &Packet,
        to: To,
        now: u64,
    ) -> Option<Frame> {
        let counters = &self.neighbours.ipv6.counters;
        let datagram = packet.payload(frame.bytes());
        let length = packet::number(datagram, 4).map_or(0, usize::from);
        // A datagram needs a checksum (RFC 8200, 8.1).
        let has_checksum = frame.is_verified() || packet::number(datagram, 6) != Some(0);
        let port = packet::number(datagram, 2).unwrap_or(0);
        if !(8..=datagram.len()).contains(&length) || !has_checksum {
            count(&counters.wrong_checksum);
            return Some(frame);
        }
        let packet = Packet {
            end: packet.upper + length,
            ..*packet
        };
        if !self.is_ipv6_payload_right(&frame, &packet) {
            return Some(frame);
        }
        if !inner.ports.is_taken(port) {
            if to == To::Us {
                self.refuse_ipv6(
                    inner,
                    &frame,
                    super::icmp::UNREACHABLE,
                    PORT_UNREACHABLE,
                    0,
                    now,
                );
            }
            return Some(frame);
        }
        if !self.stand_in(inner, &mut frame, &packet, now) {
            return Some(frame);
        }
        // The frame cannot be sent back as it is.
        forget_source_mac(&mut frame);
        let behind = frame.len() - crate::net::packet::IP_HEADERS;
        inner
            .ports
            .accept_other(frame, behind, &self.frames, &self.counters)
    }
}
