//! ARP for IPv4 over Ethernet (RFC 826), and the defence of this machine's address (RFC 5227).

use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;
use vmos_drivers::warn;

use super::{ETHERTYPE_ARP, Protocols};
use crate::net::address::is_peer;
use crate::net::hardware_address::HardwareAddress;
use crate::net::packet::Mac;
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::count;

/// The length of a frame with an ARP message, in bytes.
const LENGTH: usize = 14 + 28;
/// The first bytes of a message: Ethernet, IPv4, and the lengths of their addresses.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// The shortest time between two defences of the address, in nanoseconds (RFC 5227, 1.1:
/// `DEFEND_INTERVAL`).
const DEFEND_INTERVAL: u64 = 10_000_000_000;

/// Detects address conflicts: other machines that claim this machine's address.
#[derive(Default)]
pub(super) struct Conflicts {
    /// No further defence is sent before this time, in nanoseconds.
    defended_until: u64,
    /// The machine that was last named in the log.
    named: Option<[u8; 6]>,
}

/// An ARP message.
#[derive(Clone, Copy)]
struct Message {
    operation: u8,
    sender_mac: [u8; 6],
    sender: Ipv4Addr,
    target_mac: [u8; 6],
    target: Ipv4Addr,
}

impl Message {
    fn read(frame: &[u8]) -> Option<Self> {
        let message = frame.get(14..LENGTH)?;
        let (kind, message) = message.split_first_chunk()?;
        let ([high, operation], message) = message.split_first_chunk()?;
        let (sender_mac, message) = message.split_first_chunk()?;
        let (sender, message) = message.split_first_chunk()?;
        let (target_mac, target) = message.split_first_chunk()?;
        let target: [u8; 4] = *target.first_chunk()?;
        (*kind == KIND && *high == 0).then_some(Self {
            operation: *operation,
            sender_mac: *sender_mac,
            sender: Ipv4Addr::from_octets(*sender),
            target_mac: *target_mac,
            target: Ipv4Addr::from_octets(target),
        })
    }

    /// Returns the frame with the message, from its sender to `to`.
    fn write(&self, to: [u8; 6]) -> [u8; LENGTH] {
        let mut frame = [0; LENGTH];
        let mut rest = &mut frame[..];
        let (sender, target) = (self.sender.octets(), self.target.octets());
        let parts: [&[u8]; 10] = [
            &to,
            &self.sender_mac,
            &ETHERTYPE_ARP,
            &KIND,
            &[0, self.operation],
            &self.sender_mac,
            &sender,
            &self.target_mac,
            &target,
            &[],
        ];
        for part in parts {
            let (place, behind) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = behind;
        }
        frame
    }
}

impl Stack {
    /// Handles a frame with a message.
    pub(super) fn take_arp(&self, inner: &mut Inner, frame: &Frame, now: u64) {
        let Some(message) = Message::read(frame.bytes()) else {
            return;
        };
        let own_mac = inner.protocols.mac;
        let mac = Mac::new(message.sender_mac);
        if message.sender_mac == own_mac || !mac.is_unicast() {
            return;
        }
        if inner.protocols.configurator.conflict(message.sender, now) {
            return count(&self.counters.address_conflicts);
        }
        let Some(configuration) = inner.protocols.configuration() else {
            return;
        };
        let own = configuration.address.address();
        if message.sender == own {
            return self.defend(inner, message.sender_mac, now);
        }
        // A probe has no sender address (RFC 5227, 2.1.1): it is answered, but there is nothing to
        // learn.
        let asks_for_us = message.target == own;
        if is_peer(message.sender, configuration.address) {
            self.neighbours.hear(message.sender, mac, asks_for_us, now);
            self.settle(inner, message.sender, Some(mac));
            inner.connections.hear_of_neighbour(message.sender, mac);
        }
        if asks_for_us && message.operation == REQUEST {
            let reply = Message {
                operation: REPLY,
                sender_mac: own_mac,
                sender: own,
                target_mac: message.sender_mac,
                target: message.sender,
            };
            if let Some(reply) = self.frame_of(&reply.write(message.sender_mac)) {
                self.answer(reply);
            }
        }
    }

    /// Handles another machine's claim to this machine's address. The address is kept and announced
    /// again, with a limited rate (RFC 5227, 2.4 (c)). If this machine stopped using it, any other
    /// machine could take it.
    fn defend(&self, inner: &mut Inner, other: [u8; 6], now: u64) {
        count(&self.counters.address_conflicts);
        let Protocols {
            conflicts,
            configurator,
            ..
        } = &mut inner.protocols;
        if now < conflicts.defended_until {
            return;
        }
        conflicts.defended_until = now.saturating_add(DEFEND_INTERVAL);
        if conflicts.named.replace(other) != Some(other)
            && let Some(configuration) = configurator.current()
        {
            let address = configuration.address.address();
            let other = HardwareAddress(other);
            warn!(
                "ARP: {other} claims {address}, this machine's address; keeping it and announcing it again"
            );
        }
        self.announce(inner);
    }

    /// Announces this machine's address (RFC 5227, 2.3).
    pub(super) fn announce(&self, inner: &Inner) {
        if let Some(configuration) = inner.protocols.configuration() {
            self.ask_for(inner, configuration.address.address());
        }
    }

    /// Broadcasts an ARP request for the address.
    pub(super) fn ask_for(&self, inner: &Inner, address: Ipv4Addr) {
        if let Some(configuration) = inner.protocols.configuration() {
            self.broadcast_arp(inner, configuration.address.address(), address);
        }
    }

    /// Broadcasts an ARP request from `sender`; without a sender, it is a probe (RFC 5227, 2.1.1).
    pub(super) fn broadcast_arp(&self, inner: &Inner, sender: Ipv4Addr, address: Ipv4Addr) {
        let request = Message {
            operation: REQUEST,
            sender_mac: inner.protocols.mac,
            sender,
            target_mac: [0; 6],
            target: address,
        };
        if let Some(request) = self.frame_of(&request.write([0xff; 6])) {
            self.outgoing.ask(request);
        }
    }

    /// Returns a frame with these bytes; `None` if there is no memory for it.
    pub(super) fn frame_of(&self, bytes: &[u8]) -> Option<Frame> {
        let Ok(mut frame) = self.frames.take_for(bytes.len()) else {
            count(&self.counters.out_of_memory);
            return None;
        };
        frame.set_len(bytes.len());
        frame.bytes_mut().copy_from_slice(bytes);
        Some(frame)
    }
}
