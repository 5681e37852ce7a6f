use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, Icmpv4Packet, Icmpv4Repr, Ipv4Packet, UdpPacket,
};

use super::*;

const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);

fn machine(mac: [u8; 6], address: Ipv4Addr) -> Own {
    Own::new(Mac::new(mac), Ipv4Cidr::new(address, 24))
}

fn own() -> Own {
    machine(OWN_MAC, OWN)
}

fn held(bytes: &[u8]) -> Frame {
    let mut frame = Frame::new(1518).expect("a frame is allocated");
    // Content of an earlier frame.
    frame.set_len(1518);
    frame.bytes_mut().fill(0xaa);
    frame.set_len(bytes.len());
    frame.bytes_mut().copy_from_slice(bytes);
    frame
}

/// Returns a datagram from the peer's port 4000 to port 7.
fn datagram(payload: &[u8], sums: Sums) -> Vec<u8> {
    let mut frame = held(&[&[0; HEADERS], payload].concat());
    let to = Destination::new(Mac::new(OWN_MAC), SocketAddrV4::new(OWN, 7));
    machine(PEER_MAC, PEER).send(&mut frame, 4000, to, sums);
    frame.bytes().to_vec()
}

/// Returns the length of the payload, if the frame is a valid ordinary datagram to port 7.
fn accepted(bytes: &[u8]) -> Option<usize> {
    let mut frame = held(bytes);
    let (protocol, behind) = own().receive(&mut frame)?;
    let sound =
        protocol == UDP && datagram_port(&frame, behind) == Some(7) && is_datagram_right(&frame);
    sound.then(|| frame.len() - HEADERS)
}

/// Returns what smoltcp reads: source, destination and payload.
fn read(bytes: &[u8]) -> (EthernetAddress, SocketAddrV4, SocketAddrV4, Vec<u8>) {
    let ethernet = EthernetFrame::new_checked(bytes).unwrap();
    let packet = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
    assert!(packet.verify_checksum());
    assert_eq!((packet.hop_limit(), packet.ident()), (64, 0));
    assert!(packet.dont_frag() && !packet.more_frags());
    let datagram = UdpPacket::new_checked(packet.payload()).unwrap();
    assert!(datagram.verify_checksum(&packet.src_addr().into(), &packet.dst_addr().into()));
    assert_ne!(datagram.checksum(), 0);
    (
        ethernet.dst_addr(),
        SocketAddrV4::new(packet.src_addr(), datagram.src_port()),
        SocketAddrV4::new(packet.dst_addr(), datagram.dst_port()),
        datagram.payload().to_vec(),
    )
}

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31) as u8).collect()
}

#[test]
fn smoltcp_reads_what_is_written() {
    for length in [0, 1, 2, 7, 8, 9, 63, 64, 1472] {
        let payload = payload(length);
        let bytes = datagram(&payload, Sums::Made);
        let from = SocketAddrV4::new(PEER, 4000);
        let expected = (
            EthernetAddress(OWN_MAC),
            from,
            SocketAddrV4::new(OWN, 7),
            payload,
        );
        assert_eq!(read(&bytes), expected);
        let source = EthernetFrame::new_checked(&bytes[..]).unwrap().src_addr();
        assert_eq!(source, EthernetAddress(PEER_MAC));
    }
}

#[test]
fn a_written_datagram_is_read() {
    for sums in [Sums::Made, Sums::Left] {
        let mut bytes = datagram(b"some payload", sums);
        // An Ethernet frame has at least 60 bytes.
        bytes.resize(60, 0);
        assert_eq!(accepted(&bytes), Some(12));
        let frame = held(&bytes);
        assert_eq!(source(&frame), SocketAddrV4::new(PEER, 4000));
        assert_eq!(source_mac(&frame), Mac::new(PEER_MAC));
    }
}

#[test]
fn a_datagram_sent_back_has_exchanged_addresses() {
    for sums in [Sums::Made, Sums::Left] {
        for length in [0, 1, 12, 64, 1472] {
            let payload = payload(length);
            let mut frame = held(&datagram(&payload, sums));
            own().receive(&mut frame).expect("the packet is ordinary");
            own().send_back(&mut frame, 7, Sums::Made);
            let to = SocketAddrV4::new(PEER, 4000);
            let expected = (
                EthernetAddress(PEER_MAC),
                SocketAddrV4::new(OWN, 7),
                to,
                payload,
            );
            assert_eq!(read(frame.bytes()), expected);
        }
    }
}

#[test]
fn a_changed_datagram_sent_back_has_a_right_checksum() {
    for (port, changed, address) in [(7, true, OWN), (8, false, OWN), (7, false, PEER)] {
        let mut frame = held(&datagram(b"some payload", Sums::Made));
        own().receive(&mut frame).expect("the packet is ordinary");
        if changed {
            frame.set_len(HEADERS + 4);
            frame.bytes_mut()[HEADERS] = b'c';
            frame.set_changed(true);
        }
        machine(OWN_MAC, address).send_back(&mut frame, port, Sums::Made);
        let (_, from, to, payload) = read(frame.bytes());
        assert_eq!(from, SocketAddrV4::new(address, port));
        assert_eq!(to, SocketAddrV4::new(PEER, 4000));
        let expected: &[u8] = if changed { b"come" } else { b"some payload" };
        assert_eq!(payload, expected);
    }
}

#[test]
fn a_checksum_of_zero_is_sent_as_the_other_zero() {
    // The payload makes the sum 0xffff, whose complement would mean that there is no checksum.
    let mut bytes = datagram(&[0, 0], Sums::Made);
    let checksum = [bytes[40], bytes[41]];
    bytes.truncate(HEADERS);
    let bytes = datagram(&checksum, Sums::Made);
    assert_eq!(bytes[40..42], [0xff, 0xff]);
    assert_eq!(accepted(&bytes), Some(2));
}

#[test]
fn a_changed_bit_covered_by_a_checksum_is_detected() {
    let bytes = datagram(b"some payload", Sums::Made);
    // The sender's hardware address and a checksum changed to "none" are not covered.
    for index in (0..6).chain(12..bytes.len()) {
        for bit in (0..8).step_by(if cfg!(miri) { 5 } else { 1 }) {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            assert_eq!(accepted(&changed), None, "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn a_truncated_frame_is_rejected() {
    let bytes = datagram(b"some payload", Sums::Made);
    for length in 0..bytes.len() {
        assert_eq!(accepted(&bytes[..length]), None, "{length} bytes");
    }
}

#[test]
fn a_wrong_length_is_rejected() {
    let bytes = datagram(b"some payload", Sums::Made);
    let step = if cfg!(miri) { 1021 } else { 1 };
    for claim in (0..=u16::MAX).step_by(step).filter(|claim| *claim != 20) {
        let mut changed = bytes.clone();
        changed[38..40].copy_from_slice(&claim.to_be_bytes());
        assert_eq!(accepted(&changed), None, "datagram of {claim}");
        let mut changed = bytes.clone();
        changed[16..18].copy_from_slice(&claim.to_be_bytes());
        Ipv4Packet::new_unchecked(&mut changed[14..]).fill_checksum();
        assert!(
            claim == 40 || accepted(&changed).is_none(),
            "packet of {claim}"
        );
    }
}

#[test]
fn fragments_and_packets_with_options_are_not_ordinary() {
    for (index, value) in [(20, 1 << 5), (21, 1), (14, 0x46), (14, 0x55), (23, 6)] {
        let mut changed = datagram(&[0; 64], Sums::Made);
        changed[index] = value;
        Ipv4Packet::new_unchecked(&mut changed[14..]).fill_checksum();
        assert_eq!(accepted(&changed), None, "byte {index} = {value}");
    }
}

#[test]
fn a_packet_without_a_single_sender_is_not_ordinary() {
    for source in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::BROADCAST,
        Ipv4Addr::new(10, 0, 2, 255),
        Ipv4Addr::new(224, 0, 0, 1),
    ] {
        let mut frame = held(&[0; HEADERS]);
        let to = Destination::new(Mac::new(OWN_MAC), SocketAddrV4::new(OWN, 7));
        machine(PEER_MAC, source).send(&mut frame, 4000, to, Sums::Made);
        assert_eq!(own().receive(&mut frame), None, "from {source}");
    }
}

fn echo(message: Icmpv4Repr<'_>) -> Vec<u8> {
    let mut frame = held(&std::vec![0; IP_HEADERS + message.buffer_len()]);
    let peer = machine(PEER_MAC, PEER);
    peer.address(&mut frame, Mac::new(OWN_MAC), in_header(OWN), ICMP);
    let mut packet = Icmpv4Packet::new_unchecked(&mut frame.bytes_mut()[IP_HEADERS..]);
    message.emit(&mut packet, &ChecksumCapabilities::default());
    frame.bytes().to_vec()
}

#[test]
fn an_echo_request_becomes_its_reply() {
    for length in [0, 1, 8, 56, 57, 1472] {
        let data = payload(length);
        let request = echo(Icmpv4Repr::EchoRequest {
            ident: 77,
            seq_no: 0xfff7,
            data: &data,
        });
        let mut frame = held(&request);
        own().receive(&mut frame).expect("the packet is ordinary");
        assert!(answer_echo(&mut frame, &own()));
        let ethernet = EthernetFrame::new_checked(frame.bytes()).unwrap();
        assert_eq!(ethernet.dst_addr(), EthernetAddress(PEER_MAC));
        let packet = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
        assert!(packet.verify_checksum());
        assert_eq!((packet.src_addr(), packet.dst_addr()), (OWN, PEER));
        let message = Icmpv4Packet::new_checked(packet.payload()).unwrap();
        let reply = Icmpv4Repr::parse(&message, &ChecksumCapabilities::default());
        let expected = Icmpv4Repr::EchoReply {
            ident: 77,
            seq_no: 0xfff7,
            data: &data,
        };
        assert_eq!(reply, Ok(expected));
    }
}

#[test]
fn only_a_valid_echo_request_is_answered() {
    let request = echo(Icmpv4Repr::EchoRequest {
        ident: 1,
        seq_no: 2,
        data: b"data",
    });
    let reply = echo(Icmpv4Repr::EchoReply {
        ident: 1,
        seq_no: 2,
        data: b"data",
    });
    let answered = |bytes: &[u8]| {
        let mut frame = held(bytes);
        let is_packet = own().receive(&mut frame).is_some();
        let before = frame.bytes().to_vec();
        let answered = is_packet && answer_echo(&mut frame, &own());
        assert!(answered || before == frame.bytes());
        answered
    };
    assert!(answered(&request) && !answered(&reply));
    for index in IP_HEADERS..request.len() {
        let mut changed = request.clone();
        changed[index] ^= 0x10;
        assert!(!answered(&changed), "byte {index}");
    }
}
