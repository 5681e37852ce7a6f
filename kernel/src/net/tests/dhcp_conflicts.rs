//! Tests in which another machine uses the address that a DHCP server offers.

use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol};

use super::dhcp::configured;
use super::dhcp_servers::{ACK, DISCOVER, OFFER, REQUEST, lease, message, question};
use super::frames::arp;
use super::*;

const DECLINE: u8 = 4;
const LEASE: u32 = 3600;

/// What the machine sent, with the time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Question(u8),
    Probe,
    Announcement,
}

/// A DHCP server, and another machine that uses the offered address within a time.
struct Wire {
    machine: Machine,
    sent: Vec<(u64, Sent)>,
}

impl Wire {
    fn new() -> Self {
        Self {
            machine: Machine::new(1, "dhcp"),
            sent: Vec::new(),
        }
    }

    /// Runs the machine until `until`. The other machine answers the probes and announcements for
    /// which `defends` returns true at their time.
    fn run(&mut self, from: u64, until: u64, defends: impl Fn(u64) -> bool) {
        let mut now = from;
        loop {
            while self.machine.turn(now) {
                let frames: Vec<_> = self.machine.card.sent.drain(..).collect();
                for frame in frames {
                    self.serve(&frame, now, &defends);
                }
            }
            if now >= until {
                return;
            }
            let deadline = self.machine.stack.next_deadline().unwrap_or(until);
            now = deadline.clamp(now + 1000, until);
        }
    }

    fn serve(&mut self, frame: &[u8], now: u64, defends: &impl Fn(u64) -> bool) {
        let received = &mut self.machine.card.received;
        let when = now / MILLISECOND;
        if let Some((kind, number)) = question(frame) {
            self.sent.push((when, Sent::Question(kind)));
            let answer = match kind {
                DISCOVER => lease(OFFER, LEASE),
                REQUEST => lease(ACK, LEASE),
                _ => return,
            };
            received.push_back(message(&answer, number, self.machine.card.mac));
        } else if let Some(sender) = arp_for_a(frame) {
            let probe = sender.is_unspecified();
            let kind = if probe {
                Sent::Probe
            } else {
                Sent::Announcement
            };
            self.sent.push((when, kind));
            if defends(now) {
                received.push_back(arp(ArpOperation::Reply, A, sender));
            }
        }
    }

    fn times(&self, kind: Sent) -> Vec<u64> {
        let of_kind = self.sent.iter().filter(|(_, sent)| *sent == kind);
        of_kind.map(|(when, _)| *when).collect()
    }
}

/// Returns the sender of an ARP request for the address `A`.
fn arp_for_a(frame: &[u8]) -> Option<Ipv4Addr> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let packet = ArpPacket::new_checked(frame.payload()).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_protocol_addr: sender,
        target_protocol_addr: A,
        ..
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    Some(sender)
}

#[test]
fn an_offered_address_is_probed_and_used_at_once() {
    let mut wire = Wire::new();
    wire.run(0, 5 * MILLISECOND, |_| false);
    assert!(configured(&wire.machine).is_some(), "without a delay");
    wire.run(5 * MILLISECOND, 20 * SECOND, |_| false);
    assert_eq!(wire.times(Sent::Probe), [0, 250, 500]);
    let kinds: Vec<_> = wire.sent.iter().map(|(_, kind)| *kind).collect();
    let probe = kinds.iter().position(|kind| *kind == Sent::Probe).unwrap();
    let last = Sent::Announcement;
    let announced = kinds.iter().position(|kind| *kind == last).unwrap();
    assert!(probe < announced);
    assert_eq!(wire.times(Sent::Question(DECLINE)), []);
    assert_eq!(wire.machine.stack.statistics().address_conflicts, 0);
}

#[test]
fn an_address_that_another_machine_uses_is_declined_and_asked_for_after_ten_seconds() {
    let mut wire = Wire::new();
    wire.run(0, 200 * SECOND, |_| true);
    assert_eq!(configured(&wire.machine), None);
    let declined = wire.times(Sent::Question(DECLINE));
    let asked = wire.times(Sent::Question(DISCOVER));
    assert!((4..=6).contains(&declined.len()), "{declined:?}");
    for (at, next) in declined.iter().zip(&asked[1..]) {
        assert!(next - at >= 10_000, "{:?}", wire.sent);
    }
    // The pause grows: 16, 32, 64 s, varied by a second.
    let last = declined.iter().zip(&asked[1..]).next_back().unwrap();
    assert!(last.1 - last.0 >= 63_000, "{:?}", wire.sent);
    let conflicts = wire.machine.stack.statistics().address_conflicts;
    assert_eq!(conflicts, declined.len() as u64);
}

#[test]
fn a_user_of_the_address_that_answers_late_ends_its_use() {
    for slow in [250, 500] {
        let mut wire = Wire::new();
        wire.run(0, 5 * SECOND, |now| now >= slow * MILLISECOND);
        assert_eq!(configured(&wire.machine), None);
        assert_eq!(wire.times(Sent::Question(DECLINE)), [slow]);
    }
}

#[test]
fn a_later_claim_is_defended() {
    let mut wire = Wire::new();
    wire.run(0, 11 * SECOND, |_| false);
    let before = wire.times(Sent::Announcement).len();
    let claim = arp(ArpOperation::Reply, A, B);
    wire.machine.card.received.push_back(claim);
    wire.run(11 * SECOND, 12 * SECOND, |_| false);
    assert!(configured(&wire.machine).is_some());
    assert_eq!(wire.times(Sent::Announcement).len(), before + 1);
    assert_eq!(wire.times(Sent::Question(DECLINE)), []);
}

#[test]
fn probes_of_others_are_no_conflict() {
    let mut wire = Wire::new();
    let probe = arp(ArpOperation::Request, Ipv4Addr::UNSPECIFIED, A);
    for moment in 0..4 {
        wire.machine.card.received.push_back(probe.clone());
        wire.run(
            moment * 200 * MILLISECOND,
            (moment + 1) * 200 * MILLISECOND,
            |_| false,
        );
    }
    assert!(configured(&wire.machine).is_some());
    assert_eq!(wire.times(Sent::Question(DECLINE)), []);
}
