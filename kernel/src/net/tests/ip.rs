use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4DstUnreachable,
    Icmpv4Message, Icmpv4Packet, Ipv4Packet,
};

use super::frames::{arp, echo_request, fragments, udp};
use super::*;

/// Makes the hardware address of the other machine, `B`, known to the machine.
pub(super) fn introduce(machine: &mut Machine) {
    machine.answer(arp(ArpOperation::Request, B, A));
}

#[test]
fn an_arp_request_is_answered() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let answers = machine.answer(arp(ArpOperation::Request, B, A));
    assert_eq!(answers.len(), 1);
    let frame = EthernetFrame::new_checked(&answers[0][..]).unwrap();
    assert_eq!(frame.ethertype(), EthernetProtocol::Arp);
    assert_eq!(frame.dst_addr(), frames::STRANGER);
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        ..
    } = ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).unwrap()).unwrap()
    else {
        panic!("no reply");
    };
    assert_eq!(operation, ArpOperation::Reply);
    assert_eq!(source_hardware_addr.0, machine.card.mac);
    assert_eq!(source_protocol_addr, A);
}

#[test]
fn a_machine_with_a_fixed_address_stops_requesting_one() {
    let mut machine = Machine::new(1, "dhcp");
    machine.net.configure("10.0.2.15/24".parse().unwrap());
    machine.turn(SECOND);
    assert!(machine.card.sent.is_empty(), "it asked by DHCP");
    assert_eq!(machine.answer(arp(ArpOperation::Request, B, A)).len(), 1);
}

#[test]
fn a_machine_without_its_old_address_does_not_answer_for_it() {
    let mut machine = Machine::new(1, "10.0.2.16/24");
    machine.net.configure("10.0.2.15/24".parse().unwrap());
    let former = Ipv4Addr::new(10, 0, 2, 16);
    let asked = arp(ArpOperation::Request, B, former);
    assert!(machine.answer(asked).is_empty());
    assert_eq!(machine.answer(arp(ArpOperation::Request, B, A)).len(), 1);
}

#[test]
fn an_arp_request_for_another_address_is_not_answered() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let other = Ipv4Addr::new(10, 0, 2, 16);
    assert!(
        machine
            .answer(arp(ArpOperation::Request, B, other))
            .is_empty()
    );
}

#[test]
fn an_echo_request_is_answered_with_its_payload() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let answers = machine.answer(echo_request(b"are you there?"));
    assert_eq!(answers.len(), 1);
    let packet = Ipv4Packet::new_checked(&answers[0][14..]).unwrap();
    assert!(packet.verify_checksum());
    assert_eq!(packet.dst_addr(), B);
    let message = Icmpv4Packet::new_checked(packet.payload()).unwrap();
    assert!(message.verify_checksum());
    assert_eq!(message.msg_type(), Icmpv4Message::EchoReply);
    assert_eq!((message.echo_ident(), message.echo_seq_no()), (7, 1));
    assert_eq!(message.data(), b"are you there?");
}

#[test]
fn a_datagram_to_a_closed_port_gets_an_icmp_error() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let answers = machine.answer(udp(B, 4000, 9, b"hello"));
    assert_eq!(answers.len(), 1);
    let packet = Ipv4Packet::new_checked(&answers[0][14..]).unwrap();
    let message = Icmpv4Packet::new_checked(packet.payload()).unwrap();
    assert_eq!(message.msg_type(), Icmpv4Message::DstUnreachable);
    assert_eq!(
        message.msg_code(),
        Icmpv4DstUnreachable::PortUnreachable.into()
    );
}

#[test]
fn an_idle_machine_has_no_deadline() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    assert!(machine.answers(MILLISECOND).is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_turn_takes_no_more_frames_than_its_budget() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    for _ in 0..BUDGET + 1 {
        machine
            .card
            .received
            .push_back(arp(ArpOperation::Request, B, A));
    }
    assert!(machine.stack.ingress(&mut machine.card, 0, BUDGET));
    assert_eq!(machine.card.received.len(), 1);
    assert!(!machine.stack.ingress(&mut machine.card, 0, BUDGET));
    assert!(machine.stack.egress(&mut machine.card, 0, BUDGET));
    assert_eq!(machine.card.sent.len(), BUDGET);
    assert!(!machine.stack.egress(&mut machine.card, 0, BUDGET));
    assert_eq!(machine.card.sent.len(), BUDGET + 1);
}

#[test]
fn an_echo_request_in_fragments_is_answered_in_fragments() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let request = echo_request(&[42; 3000]);
    let mut pieces = fragments(&request, 1480);
    pieces.reverse();
    machine.card.received.extend(pieces);
    let answers = machine.answers(MILLISECOND);
    let total: usize = answers.iter().map(|frame| frame.len() - 34).sum();
    assert_eq!((answers.len(), total), (3, request.len() - 34));
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn endless_first_fragments_do_not_stop_the_machine() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    for ident in 0..if cfg!(miri) { 20 } else { 1000u16 } {
        let mut first = fragments(&echo_request(&[1; 3000]), 1480).remove(0);
        let mut packet = Ipv4Packet::new_unchecked(&mut first[14..]);
        packet.set_ident(ident);
        packet.fill_checksum();
        assert!(machine.answer(first).is_empty());
    }
    assert_eq!(machine.answer(echo_request(b"still?")).len(), 1);
}

#[test]
fn incomplete_datagrams_do_not_block_others() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let pieces = fragments(&echo_request(&[1; 3000]), 1480);
    for identification in 0..8 {
        let mut first = pieces[0].clone();
        let mut packet = Ipv4Packet::new_unchecked(&mut first[14..]);
        packet.set_ident(identification);
        packet.fill_checksum();
        machine.answer(first);
    }
    machine.card.received.extend(pieces);
    assert!(!machine.answers(MILLISECOND).is_empty());
}
