//! Replies to echo requests (RFC 4443, 4.2). A reply that is longer than the path takes is sent in
//! fragments (RFC 8200, 4.5), because it has to return the whole request.

use core::net::Ipv6Addr;

use vmos_drivers::dma::Frame;

use super::State;
use super::host::Own;
use super::icmp::ECHO_REPLY;
use super::packet::{ETHERNET, FRAGMENT, ICMP, LEAST_MTU, Packet, Route, UPPER, finish};
use super::peers::MTU_LIFETIME;
use super::route::sender;
use crate::net::stack::Stack;
use crate::net::statistics::count;

/// The number of paths whose length is known. The oldest one gives way, so a flood of forged
/// messages makes at most the replies to some machines longer than their paths take.
const PATHS: usize = 4;
/// The length of a fragment header.
const HEADER: usize = 8;

/// The longest packets on the paths to machines that send echo requests, as routers said.
#[derive(Default)]
pub(super) struct Paths([Option<Path>; PATHS]);

#[derive(Clone, Copy)]
struct Path {
    to: Ipv6Addr,
    /// The longest packet, in bytes.
    mtu: usize,
    /// Until when that counts, in nanoseconds.
    until: u64,
}

impl Paths {
    fn mtu(&self, to: Ipv6Addr, now: u64) -> usize {
        let mut known = self.0.iter().flatten();
        let path = known.find(|path| path.to == to && now < path.until);
        path.map_or(usize::MAX, |path| path.mtu)
    }

    fn shorten(&mut self, to: Ipv6Addr, mtu: usize, now: u64) {
        let is_same = |path: &Option<Path>| path.is_some_and(|path| path.to == to);
        let age = |path: Option<Path>| path.map_or(0, |path| path.until);
        let same = self.0.iter().position(is_same);
        let place = same.or_else(|| (0..PATHS).min_by_key(|place| age(self.0[*place])));
        if let Some(place) = place.and_then(|place| self.0.get_mut(place)) {
            let until = now.saturating_add(MTU_LIFETIME);
            *place = Some(Path { to, mtu, until });
        }
    }
}

impl State {
    /// Records a router's message about an echo reply to `remote`, from this machine's address
    /// `local`. `quoted` is what follows the header of the reply, and `protocol` tells what that is.
    /// Returns whether the message is about a reply, and the path was not known to be that short.
    pub(super) fn hear_too_big_reply(
        &mut self,
        (local, remote): (Ipv6Addr, Ipv6Addr),
        (protocol, quoted): (u8, &[u8]),
        mtu: usize,
        now: u64,
    ) -> bool {
        // This machine sends nothing else in fragments.
        let is_reply =
            protocol == FRAGMENT || protocol == ICMP && quoted.first() == Some(&ECHO_REPLY);
        let is_shorter = mtu < self.echoes.mtu(remote, now).min(self.host.mtu);
        let is_heard = is_reply && is_shorter && self.host.own(local) == Own::Ready;
        if is_heard {
            self.echoes.shorten(remote, mtu, now);
        }
        is_heard
    }
}

impl Stack {
    /// Turns an echo request into its reply. Returns the frame if it is not sent.
    pub(super) fn answer_ipv6_echo(
        &self,
        mut frame: Frame,
        packet: &Packet,
        now: u64,
    ) -> Option<Frame> {
        let route = self.neighbours.ipv6.with(|state| {
            let source = if packet.destination.is_multicast() {
                state.host.source(packet.source, now)?
            } else {
                packet.destination
            };
            let route = Route {
                own_mac: state.mac,
                mac: sender(&frame)?.bytes(),
                source,
                destination: packet.source,
                hop_limit: state.host.hop_limit,
            };
            let mtu = state.echoes.mtu(packet.source, now).min(state.host.mtu);
            Some((route, mtu, state.random.next() as u32))
        });
        let Some((route, mtu, identification)) = route.flatten() else {
            return Some(frame);
        };
        let length = packet.end - packet.upper;
        let bytes = frame.bytes_mut();
        bytes.copy_within(packet.upper..packet.end, UPPER);
        frame.set_len(UPPER + length);
        let bytes = frame.bytes_mut();
        route.write(bytes, ICMP);
        if let Some(kind) = bytes.get_mut(UPPER) {
            *kind = ECHO_REPLY;
        }
        finish(bytes, UPPER, ICMP, 2);
        if bytes.len() > ETHERNET + mtu {
            self.answer_in_fragments(&route, &bytes[UPPER..], mtu, identification);
            return Some(frame);
        }
        frame.set_verified(false);
        self.answer(frame);
        None
    }

    /// Sends a message of ICMPv6 in fragments with this identification.
    #[cold]
    fn answer_in_fragments(&self, route: &Route, message: &[u8], mtu: usize, identification: u32) {
        let room = mtu.max(LEAST_MTU) - (UPPER - ETHERNET) - HEADER;
        let size = room / 8 * 8;
        for (number, part) in message.chunks(size).enumerate() {
            let offset = number * size;
            let more = offset + part.len() < message.len();
            let length = UPPER + HEADER + part.len();
            let Ok(mut frame) = self.frames.take_for(length) else {
                return count(&self.neighbours.ipv6.counters.out_of_memory);
            };
            frame.set_len(length);
            frame.set_changed(false);
            let bytes = frame.bytes_mut();
            route.write(bytes, FRAGMENT);
            let [high, low] = (offset as u16 | u16::from(more)).to_be_bytes();
            let [a, b, c, d] = identification.to_be_bytes();
            let header = [ICMP, 0, high, low, a, b, c, d];
            if let Some((place, rest)) = bytes[UPPER..].split_first_chunk_mut() {
                *place = header;
                rest.copy_from_slice(part);
            }
            self.answer(frame);
        }
    }
}
