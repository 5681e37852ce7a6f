use core::net::Ipv4Addr;
use std::vec::Vec;

use smoltcp::wire::{ArpOperation, EthernetProtocol, IpProtocol, Ipv4Packet};

use super::frames::{arp, echo_request, ethernet, ipv4, udp};
use super::ip::introduce;
use super::*;

/// Returns a machine that has an open UDP port 7 and knows its neighbour's address.
fn machine() -> (Machine, super::super::UdpSocket) {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    (machine, socket)
}

/// Returns well-formed frames of all kinds.
fn well_formed() -> Vec<Vec<u8>> {
    std::vec![
        udp(B, 4000, 7, &[1; 100]),
        udp(B, 4000, 9, &[1; 100]),
        echo_request(&[1; 100]),
        arp(ArpOperation::Request, B, A),
        arp(ArpOperation::Reply, B, A),
        ipv4(B, IpProtocol::Tcp, &[0x50; 40]),
        ethernet(EthernetProtocol::Ipv6, &[0x60; 60]),
    ]
}

#[test]
fn a_truncated_frame_is_answered_with_no_more_than_it_had() {
    let (mut machine, _socket) = machine();
    for frame in well_formed() {
        for length in 0..frame.len() {
            for answer in machine.answer(frame[..length].to_vec()) {
                assert!(
                    answer.len() <= length.max(70),
                    "{length} bytes of {frame:x?}"
                );
            }
        }
    }
}

#[test]
fn any_changed_byte_of_a_header_is_handled() {
    let (mut machine, _socket) = machine();
    for frame in well_formed() {
        for index in (0..frame.len().min(60)).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for value in (0..=255).step_by(if cfg!(miri) { 85 } else { 1 }) {
                let mut changed = frame.clone();
                changed[index] = value;
                if let Ok(mut packet) = Ipv4Packet::new_checked(&mut changed[14..])
                    && packet.header_len() >= 20
                {
                    packet.fill_checksum();
                }
                for answer in machine.answer(changed) {
                    // An ICMP error contains the header and adds its own.
                    assert!(answer.len() <= frame.len() + 28, "byte {index} = {value}");
                }
            }
        }
    }
    assert_eq!(machine.answer(echo_request(b"still?")).len(), 1);
}

#[test]
fn a_datagram_longer_than_its_frame_is_dropped() {
    let (mut machine, socket) = machine();
    for claim in [0, 4, 7, 200, 65_000, 65_535u16] {
        let mut frame = udp(B, 4000, 7, &[1; 20]);
        frame[38..40].copy_from_slice(&claim.to_be_bytes());
        // Without a checksum, only the length can be wrong (RFC 768).
        let mut unsummed = frame.clone();
        unsummed[40..42].fill(0);
        for frame in [frame, unsummed] {
            assert!(machine.answer(frame).is_empty());
            assert!(
                poll_once(socket.receive()).is_pending(),
                "UDP length {claim}"
            );
        }
    }
}

#[test]
fn an_echo_request_longer_than_its_frame_is_not_answered() {
    let (mut machine, _socket) = machine();
    for claim in [0, 10, 19, 3000, 65_535u16] {
        let mut frame = echo_request(&[1; 16]);
        let mut packet = Ipv4Packet::new_unchecked(&mut frame[14..]);
        packet.set_total_len(claim);
        frame[24..26].fill(0);
        let sum = checksum(&frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        assert!(machine.answer(frame).is_empty(), "total length {claim}");
    }
}

#[test]
fn a_source_that_no_machine_can_have_gets_no_answer() {
    let (mut machine, _socket) = machine();
    for source in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "10.0.2.255"] {
        let source: Ipv4Addr = source.parse().unwrap();
        assert!(
            machine.answer(udp(source, 4000, 9, b"hello")).is_empty(),
            "{source}"
        );
    }
}

fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let sum = (sum >> 16) + (sum & 0xffff);
    !(((sum >> 16) + sum) as u16)
}
