//! ICMPv6 (RFC 4443): errors, and routers that do not forward packets of this length.

use core::net::Ipv6Addr;

use vmos_drivers::dma::Frame;

use super::State;
use super::discovery::{REDIRECT, ROUTER_ADVERTISEMENT};
use super::groups::is_query;
use super::ingress::To;
use super::packet::{
    DESTINATION, ETHERNET, FRAGMENT, Fault, HEADERS, HOP_BY_HOP, ICMP, LEAST_MTU, Packet, ROUTING,
    Route, UPPER, address, long,
};
use super::peers::OWN;
use super::route::sender;
use crate::net::packet::{TCP, destination_mac};
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::count;

/// The types of messages; those below 128 are errors.
pub(super) const UNREACHABLE: u8 = 1;
const TOO_BIG: u8 = 2;
const PROBLEM: u8 = 4;
const INFORMATIONAL: u8 = 128;
const ECHO_REQUEST: u8 = 128;
pub(super) const ECHO_REPLY: u8 = 129;
const LISTENER_QUERY: u8 = 130;

/// The offset of the destination in a packet.
const TO: usize = 24;

impl Stack {
    /// Handles a message. Returns the frame if it is no longer needed.
    pub(super) fn take_icmp(
        &self,
        inner: &mut Inner,
        frame: Frame,
        packet: &Packet,
        to: To,
        now: u64,
    ) -> Option<Frame> {
        let ipv6 = &self.neighbours.ipv6;
        let message = packet.payload(frame.bytes());
        if message.len() < 8 || !packet.is_right(frame.bytes()) {
            count(&ipv6.counters.wrong_checksum);
            return Some(frame);
        }
        match message[0] {
            ROUTER_ADVERTISEMENT..=REDIRECT => self.take_discovery(inner, &frame, packet, now),
            LISTENER_QUERY if is_query(packet) => {
                ipv6.with(|state| {
                    let random = state.random.next();
                    state.groups.hear_query(message, random, now);
                });
            }
            // A machine that is not ready, or without an address, takes part in nothing else.
            _ if to == To::Tentative || packet.source.is_unspecified() => {
                count(&ipv6.counters.not_for_us);
            }
            ECHO_REQUEST if message[1] == 0 => return self.answer_ipv6_echo(frame, packet, now),
            ECHO_REPLY if to == To::Us => {
                let identifier = u16::from_be_bytes([message[4], message[5]]);
                self.hear_ipv6_reply(packet, identifier, now);
            }
            TOO_BIG if to == To::Us => self.hear_too_big(inner, message, now),
            _ => {}
        }
        Some(frame)
    }

    /// Records a reply to a ping of this machine.
    fn hear_ipv6_reply(&self, packet: &Packet, identifier: u16, now: u64) {
        let stand_in = self
            .neighbours
            .ipv6
            .with(|state| state.peers.known(packet.source, packet.destination));
        if let Some(Some(stand_in)) = stand_in {
            self.hear_reply(stand_in, identifier, now);
        }
    }

    /// Handles a router's message about a packet of this machine. For a segment, it must be in
    /// flight, since anybody can send such a message (RFC 5927, 4.1).
    fn hear_too_big(&self, inner: &mut Inner, message: &[u8], now: u64) {
        let ipv6 = &self.neighbours.ipv6;
        let quoted = message.get(8..).unwrap_or_default();
        let (Some(mtu), Some(header)) = (long(message, 4), quoted.get(..UPPER - ETHERNET)) else {
            return;
        };
        let mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(LEAST_MTU);
        let (local, remote) = (address(header, 8), address(header, TO));
        let behind = quoted.get(UPPER - ETHERNET..).unwrap_or_default();
        let stand_in = ipv6.with(|state| {
            if state.hear_too_big_reply((local, remote), (header[6], behind), mtu, now) {
                count(&ipv6.counters.shortened);
                return None;
            }
            let stand_in = state.peers.known(remote, local)?;
            let peer = state.peers.get(stand_in)?;
            // Datagrams get no answer that would tell a forged message, but packets of the least MTU
            // always pass.
            if mtu < peer.mtu(now).min(state.host.mtu) {
                peer.shorten(mtu, now);
                count(&ipv6.counters.shortened);
            }
            Some(stand_in)
        });
        let Some(Some(stand_in)) = stand_in else {
            return;
        };
        if let Some(segment) = behind.first_chunk::<8>()
            && header[6] == TCP
        {
            // The same message about the packet as TCP knows it, which is 20 bytes shorter.
            let mut translated = [0; 2 + 20 + 8];
            let limit = u16::try_from(mtu - 20).unwrap_or(u16::MAX);
            translated[..2].copy_from_slice(&limit.to_be_bytes());
            translated[2] = 0x45;
            translated[11] = TCP;
            translated[14..18].copy_from_slice(&OWN.octets());
            translated[18..22].copy_from_slice(&stand_in.octets());
            translated[22..].copy_from_slice(segment);
            inner.connections.hear_too_long(&translated, now);
        }
    }

    /// Handles what is wrong with a packet's headers.
    pub(super) fn refuse_problem(
        &self,
        inner: &mut Inner,
        frame: &Frame,
        to: To,
        fault: Fault,
        now: u64,
    ) {
        if let Fault::Problem {
            code,
            pointer,
            to_group,
        } = fault
            && (to == To::Us || to == To::Group && to_group)
        {
            self.refuse_ipv6(inner, frame, PROBLEM, code, pointer as u32, now);
        }
    }

    /// Reports to the sender that its packet cannot be delivered here, with as much of the packet as
    /// every link takes (RFC 4443, 2.4): not about errors, and only to one machine.
    pub(super) fn refuse_ipv6(
        &self,
        inner: &mut Inner,
        frame: &Frame,
        kind: u8,
        code: u8,
        value: u32,
        now: u64,
    ) {
        let ipv6 = &self.neighbours.ipv6;
        count(&ipv6.counters.refused);
        let bytes = frame.bytes();
        let (from, to) = (
            address(bytes, ETHERNET + 8),
            super::packet::destination(bytes),
        );
        let mac = sender(frame).filter(|_| !from.is_unspecified() && !is_error(bytes));
        let (Some(mac), true) = (mac, kind == PROBLEM || destination_mac(frame).is_unicast())
        else {
            return;
        };
        let route = ipv6.with(|state| {
            Some(Route {
                own_mac: state.mac,
                mac: mac.bytes(),
                source: source_of(state, from, to, now)?,
                destination: from,
                hop_limit: state.host.hop_limit,
            })
        });
        if let Some(Some(route)) = route {
            if !inner.protocols.may_send_error(now) {
                return count(&ipv6.counters.errors_suppressed);
            }
            let quoted = bytes.get(ETHERNET..).unwrap_or_default();
            let most = LEAST_MTU - (UPPER - ETHERNET) - 8;
            let quoted = quoted.get(..most).unwrap_or(quoted);
            let [a, b, c, d] = value.to_be_bytes();
            self.send_message(&route, &[&[kind, code, 0, 0, a, b, c, d], quoted], false);
        }
    }

    /// Queues a message.
    pub(super) fn send_message(&self, route: &Route, parts: &[&[u8]], alerts: bool) {
        match route.message(&self.frames, parts, alerts) {
            Some(frame) => self.answer(frame),
            None => count(&self.neighbours.ipv6.counters.out_of_memory),
        }
    }
}

/// Returns the source of an answer to a packet that was sent to `to`.
fn source_of(state: &State, from: Ipv6Addr, to: Ipv6Addr, now: u64) -> Option<Ipv6Addr> {
    if to.is_multicast() {
        state.host.source(from, now)
    } else {
        Some(to)
    }
}

/// Returns whether the packet may be an error itself: its last known header is of ICMPv6, or it
/// cannot be told.
fn is_error(frame: &[u8]) -> bool {
    let (mut next, mut at) = (frame.get(ETHERNET + 6).copied().unwrap_or(ICMP), UPPER);
    for _ in 0..HEADERS {
        let header = frame.get(at..).unwrap_or_default();
        let (behind, length) = match (next, header) {
            (ICMP, _) => {
                return header
                    .first()
                    .is_none_or(|kind| *kind < INFORMATIONAL || *kind == REDIRECT);
            }
            (HOP_BY_HOP | DESTINATION | ROUTING, [behind, words, ..]) => {
                (*behind, 8 * (usize::from(*words) + 1))
            }
            (FRAGMENT, [behind, ..]) => (*behind, 8),
            (HOP_BY_HOP | DESTINATION | ROUTING | FRAGMENT, _) => return true,
            _ => return false,
        };
        next = behind;
        at += length;
    }
    true
}
