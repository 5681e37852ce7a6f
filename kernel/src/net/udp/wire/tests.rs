use std::vec::Vec;

use smoltcp::wire::{EthernetFrame, Ipv4Packet, UdpPacket};

use super::*;

const PEER: (Mac, Ipv4Addr) = ([2, 0, 0, 0, 0, 9], Ipv4Addr::new(10, 0, 2, 2));
const OWN: (Mac, Ipv4Addr) = ([2, 0, 0, 0, 0, 1], Ipv4Addr::new(10, 0, 2, 15));

fn frame(payload: &[u8], compute: bool) -> Vec<u8> {
    let route = Route {
        own_mac: PEER.0,
        peer_mac: OWN.0,
        from: SocketAddrV4::new(PEER.1, 4000),
        to: SocketAddrV4::new(OWN.1, 7),
    };
    let mut frame = std::vec![0xaa; HEADERS + payload.len()];
    emit(&mut frame, &route, payload, compute);
    frame
}

fn passes(frame: &[u8]) -> bool {
    parse(frame, OWN).is_some_and(|parsed| parsed.is_right(parsed.payload))
}

#[test]
fn what_is_written_is_what_smoltcp_reads() {
    for length in [0, 1, 2, 63, 64, 1472] {
        let payload: Vec<u8> = (0..length).map(|n| (n * 31) as u8).collect();
        let bytes = frame(&payload, true);
        let ethernet = EthernetFrame::new_checked(&bytes[..]).unwrap();
        assert_eq!(
            (ethernet.src_addr().0, ethernet.dst_addr().0),
            (PEER.0, OWN.0)
        );
        let packet = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
        assert!(packet.verify_checksum());
        assert_eq!((packet.src_addr(), packet.dst_addr()), (PEER.1, OWN.1));
        let datagram = UdpPacket::new_checked(packet.payload()).unwrap();
        assert!(datagram.verify_checksum(&PEER.1.into(), &OWN.1.into()));
        assert_ne!(datagram.checksum(), 0);
        assert_eq!((datagram.src_port(), datagram.dst_port()), (4000, 7));
        assert_eq!(datagram.payload(), payload);
    }
}

#[test]
fn what_is_written_is_read_again() {
    for compute in [true, false] {
        let mut bytes = frame(b"some payload", compute);
        // An Ethernet frame has at least 60 bytes.
        bytes.resize(60, 0);
        let parsed = parse(&bytes, OWN).unwrap();
        assert!(parsed.is_right(parsed.payload));
        assert_eq!(parsed.payload, b"some payload");
        assert_eq!(parsed.source, SocketAddrV4::new(PEER.1, 4000));
        assert_eq!((parsed.mac, parsed.port), (PEER.0, 7));
    }
}

#[test]
fn no_changed_bit_of_what_is_covered_passes() {
    let bytes = frame(b"some payload", true);
    // The sender's hardware address and the datagram's checksum set to "none" are not covered.
    for index in (0..6).chain(12..bytes.len()) {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            assert!(!passes(&changed), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn no_cut_of_a_frame_passes() {
    let bytes = frame(b"some payload", true);
    for length in 0..bytes.len() {
        assert!(!passes(&bytes[..length]), "{length} bytes");
    }
}

#[test]
fn no_claimed_length_but_the_right_one_passes() {
    let bytes = frame(b"some payload", true);
    for claim in (0..=u16::MAX).filter(|claim| *claim != 20) {
        let mut changed = bytes.clone();
        changed[38..40].copy_from_slice(&claim.to_be_bytes());
        assert_eq!(parse(&changed, OWN), None, "{claim}");
    }
}

#[test]
fn no_fragment_and_no_packet_with_options_passes() {
    for (index, value) in [(20, 1 << 5), (21, 1), (14, 0x46), (23, 6)] {
        let mut changed = frame(&[0; 64], true);
        changed[index] = value;
        Ipv4Packet::new_unchecked(&mut changed[14..]).fill_checksum();
        assert_eq!(parse(&changed, OWN), None, "byte {index} = {value}");
    }
}
