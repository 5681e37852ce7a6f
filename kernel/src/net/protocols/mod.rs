//! All packets that are not ordinary ones: ARP, ICMP, DHCP, and packets that are broadcast,
//! fragmented or have options.
//!
//! Such frames are rare. A frame is parsed in place; one that contains a whole packet is converted
//! to an ordinary one. Answers are queued with the datagrams of the ports, so nothing here waits
//! for the device.

mod arp;
mod configurator;
mod fragments;
mod groups;
mod icmp;
mod packet;
mod reassembly;

use alloc::rc::Rc;
use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

pub(super) use self::fragments::cut;
pub use self::groups::NotAGroup;

use self::arp::Conflicts;
use self::configurator::Configurator;
pub(super) use self::groups::Occasion;
use self::groups::{Groups, IGMP};
use self::icmp::Errors;
use self::packet::Packet;
use self::reassembly::Reassembly;
use super::address::{self, Ip};
use super::cidr::Ipv4Cidr;
use super::configuration::Configuration;
use super::dhcp;
#[cfg(feature = "ipv6")]
use super::ipv6;
use super::malformed;
use super::neighbours::{Due, Neighbours, Way};
use super::packet::{HEADERS, IP_HEADERS, forget_source_mac, set_destination_mac, source};
use super::packet::{
    ICMP, Mac, Own, TCP, UDP, datagram_port, destination_mac, ethertype, is_datagram_right,
};
use super::stack::{Inner, Stack};
use super::statistics::count;

/// The delay after which a device that had no room is tried again, in nanoseconds. It is needed
/// because completed transmissions raise no interrupt.
pub(super) const TRANSMIT_RETRY: u64 = 1_000_000;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];

/// The state of the protocols.
pub(super) struct Protocols {
    mac: [u8; 6],
    configurator: Configurator,
    reassembly: Reassembly,
    errors: Errors,
    conflicts: Conflicts,
    groups: Groups,
    neighbours: Rc<Neighbours>,
}

impl Protocols {
    /// Creates the state for the device with this hardware address. `now` is in nanoseconds;
    /// transaction numbers are derived from `seed`.
    pub(super) fn new(
        mac: [u8; 6],
        ip: Ip,
        seed: u64,
        neighbours: Rc<Neighbours>,
        now: u64,
    ) -> Self {
        Self {
            mac,
            configurator: Configurator::new(ip, mac, seed, now),
            reassembly: Reassembly::default(),
            errors: Errors::default(),
            conflicts: Conflicts::default(),
            groups: Groups::default(),
            neighbours,
        }
    }

    /// The hardware address of the network device.
    pub(super) fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// When to call [`Stack::work`] next, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        let deadline = self.configurator.deadline().min(self.neighbours.due());
        deadline.min(self.groups.due())
    }

    /// Returns the network configuration.
    pub(super) fn configuration(&self) -> Option<Configuration> {
        self.configurator.current()
    }

    /// Changes the source of the address.
    pub(super) fn configure_by(&mut self, ip: Ip, now: u64) {
        self.configurator.replace(ip, self.mac, now);
    }

    /// Returns whether one more error may be sent, and counts it.
    #[cfg(feature = "ipv6")]
    pub(super) fn may_send_error(&mut self, now: u64) -> bool {
        self.errors.may_send(now)
    }

    /// Reports to the DHCP client that the link came up or went down.
    pub(super) fn link(&mut self, up: bool, now: u64) {
        self.configurator.link(up, now);
    }
}

impl Stack {
    /// Handles a frame that does not contain an ordinary packet.
    #[cold]
    #[inline(never)]
    pub(super) fn take_other(&self, inner: &mut Inner, frame: Frame, now: u64) {
        #[cfg(feature = "ipv6")]
        if ethertype(&frame) == ipv6::ETHERTYPE {
            return self.take_ipv6(inner, frame, now);
        }
        malformed::examine(frame.bytes(), &self.counters);
        let left = match ethertype(&frame) {
            ETHERTYPE_ARP => {
                self.take_arp(inner, &frame, now);
                Some(frame)
            }
            ETHERTYPE_IPV4 => self.take_packet(inner, frame, now),
            _ => Some(frame),
        };
        if let Some(frame) = left {
            self.frames.give(frame);
        }
    }

    /// Handles a packet. Returns the frame if it is no longer needed.
    fn take_packet(&self, inner: &mut Inner, mut frame: Frame, now: u64) -> Option<Frame> {
        let counters = &self.counters;
        let Ok(packet) = Packet::parse(frame.bytes()) else {
            return Some(frame);
        };
        let to = packet.destination();
        let to_this_machine = destination_mac(&frame) == Mac::new(inner.protocols.mac);
        let Some(configuration) = inner.protocols.configuration() else {
            // Without an address, only the answers of DHCP servers are accepted.
            if packet.fragment().is_some() {
                return Some(frame);
            }
            return self.take_whole(inner, frame, false, now);
        };
        let own = configuration.address;
        let to_all = to.is_broadcast() || own.broadcast() == Some(to);
        let to_group = to.is_multicast() && inner.protocols.groups.contain(to);
        if to != own.address() && !to_all && !to_group
            || !to_this_machine && destination_mac(&frame).is_unicast()
        {
            return Some(frame);
        }
        let from = packet.source();
        // A machine without an address may send datagrams, as it does to find one.
        let has_none_yet = from.is_unspecified() && packet::protocol(&frame) == UDP;
        if !address::is_peer(from, own) && !has_none_yet {
            count(&counters.forged_source);
            return Some(frame);
        }
        if let Some(place) = packet.fragment() {
            let Protocols { reassembly, .. } = &mut inner.protocols;
            let whole = reassembly.take(frame.bytes(), place, now, counters);
            self.frames.give(frame);
            frame = whole?;
            malformed::examine(frame.bytes(), counters);
        }
        let to_one = to_this_machine && !to_all && !to_group && !from.is_unspecified();
        self.take_whole(inner, frame, to_one, now)
    }

    /// Handles an unfragmented packet; `to_one` means that it was sent to this machine only.
    /// Returns the frame if it is no longer needed.
    fn take_whole(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        to_one: bool,
        now: u64,
    ) -> Option<Frame> {
        packet::remove_options(&mut frame);
        let protocol = packet::protocol(&frame);
        #[cfg(feature = "raw")]
        let is_heard = !matches!(protocol, UDP | TCP) && self.offer_raw(&frame, protocol);
        #[cfg(not(feature = "raw"))]
        let is_heard = false;
        match protocol {
            UDP => self.take_datagram(inner, frame, to_one, now),
            TCP if to_one => {
                self.hear(inner, frame, now);
                None
            }
            ICMP if to_one => self.take_message(inner, frame, now),
            IGMP if !to_one => {
                self.report_groups(inner, Occasion::Asked(&frame));
                Some(frame)
            }
            _ => {
                if to_one && !is_heard {
                    self.refuse(inner, &frame, icmp::PROTOCOL_UNREACHABLE, now);
                }
                Some(frame)
            }
        }
    }

    fn take_datagram(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        to_one: bool,
        now: u64,
    ) -> Option<Frame> {
        let counters = &self.counters;
        if !packet::trim_datagram(&mut frame) {
            return Some(frame);
        }
        let behind = frame.len() - IP_HEADERS;
        if !frame.is_verified() && !is_datagram_right(&frame) {
            return Some(frame);
        }
        let port = datagram_port(&frame, behind)?;
        if port == dhcp::CLIENT_PORT && source(&frame).port() == dhcp::SERVER_PORT {
            let message = frame.bytes().get(HEADERS..).unwrap_or_default();
            if inner.protocols.configurator.hear(message, counters, now) {
                self.adopt(inner);
                self.announce(inner);
            }
            return Some(frame);
        }
        if self.outgoing.own().is_none() {
            return Some(frame);
        }
        if source(&frame).ip().is_unspecified() {
            forget_source_mac(&mut frame);
        }
        let frame = inner
            .ports
            .accept_other(frame, behind, &self.frames, counters)?;
        if to_one {
            self.refuse(inner, &frame, icmp::PORT_UNREACHABLE, now);
        }
        Some(frame)
    }

    /// Performs the actions that are due.
    #[cold]
    #[inline(never)]
    pub(super) fn work(&self, inner: &mut Inner, now: u64) {
        while let Some(due) = self.neighbours.take_due(now) {
            match due {
                Due::Ask(address) => self.ask_for(inner, address),
                Due::GiveUp(address) => self.settle(inner, address, None),
            }
        }
        if inner.protocols.groups.due() <= now {
            self.report_groups(inner, Occasion::Due);
        }
        #[cfg(feature = "ipv6")]
        self.work_ipv6(inner, now);
        while inner.protocols.configurator.deadline() <= now {
            let step = inner.protocols.configurator.work(now);
            if let Some(address) = step.probe {
                self.broadcast_arp(inner, Ipv4Addr::UNSPECIFIED, address);
            }
            if let Some(question) = step.question {
                self.ask_server(inner, &question, now);
            }
            if step.changed {
                self.adopt(inner);
            }
        }
    }

    /// Sends a request to one DHCP server or to all of them. A lost request is repeated.
    fn ask_server(&self, inner: &Inner, question: &dhcp::Question, now: u64) {
        let message = question.write(inner.protocols.mac);
        let to = question.to();
        let own = Own::new(
            Mac::new(inner.protocols.mac),
            Ipv4Cidr::new(question.from(), 0),
        );
        let frame = self
            .outgoing
            .datagram(&self.frames, own, dhcp::CLIENT_PORT, to, &message);
        let Ok(frame) = frame else {
            return count(&self.counters.out_of_memory);
        };
        self.send_on(frame, *to.ip(), now);
    }

    /// Sends the packet in a frame that lacks only the destination hardware address.
    pub(super) fn send_on(&self, mut frame: Frame, to: Ipv4Addr, now: u64) {
        let way = if to.is_broadcast() {
            Way::To(Mac::BROADCAST)
        } else {
            self.neighbours.find(to, now)
        };
        match way {
            Way::To(mac) => {
                set_destination_mac(&mut frame, mac);
                self.answer(frame);
            }
            Way::Asked => self.outgoing.wait(frame),
            Way::TooMany | Way::Nowhere => {
                count(&self.counters.unreachable);
                self.frames.give(frame);
            }
        }
    }

    /// Sends the packets that wait for the hardware address of the neighbour `address`, or drops
    /// them if it was not found.
    fn settle(&self, inner: &Inner, address: Ipv4Addr, mac: Option<Mac>) {
        let elsewhere = |frame: &Frame| {
            #[cfg(feature = "ipv6")]
            if ethertype(frame) == ipv6::ETHERTYPE {
                return true;
            }
            self.neighbours.next_hop(super::packet::destination(frame)) != Some(address)
        };
        self.outgoing.waiting.retain(elsewhere, |mut frame| {
            if let Some(mac) = mac {
                set_destination_mac(&mut frame, mac);
                self.outgoing.release(frame, &self.frames, &self.counters);
            } else {
                inner.ports.gave_up(&frame);
                count(&self.counters.unreachable);
                self.frames.give(frame);
            }
        });
    }
}
