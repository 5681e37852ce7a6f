use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{EthernetAddress, IpAddress, Ipv4Repr, UdpRepr};

use super::*;

const SOURCE: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const DESTINATION: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);

/// A UDP frame with its checksum in place, and no more than that behind it.
fn frame(payload: &[u8]) -> Vec<u8> {
    let udp = UdpRepr {
        src_port: 4000,
        dst_port: 7,
    };
    let ip = Ipv4Repr {
        src_addr: SOURCE,
        dst_addr: DESTINATION,
        next_header: IpProtocol::Udp,
        payload_len: 8 + payload.len(),
        hop_limit: 64,
    };
    let mut bytes = std::vec![0; ETHERNET + 20 + 8 + payload.len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(EthernetAddress([2, 0, 0, 0, 0, 1]));
    frame.set_dst_addr(EthernetAddress([2, 0, 0, 0, 0, 2]));
    frame.set_ethertype(EthernetProtocol::Ipv4);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &ChecksumCapabilities::default());
    udp.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &IpAddress::Ipv4(SOURCE),
        &IpAddress::Ipv4(DESTINATION),
        payload.len(),
        |room| room.copy_from_slice(payload),
        &ChecksumCapabilities::default(),
    );
    bytes
}

/// What the device does with a prepared frame (virtio 1.2, 5.1.6.2): adds up from `start` to the
/// end and puts the complement at `start + offset`.
fn complete(frame: &mut [u8], partial: Partial) {
    let start = usize::from(partial.start);
    let sum = frame[start..].chunks(2).fold(0u32, |sum, word| {
        sum + (u32::from(word[0]) << 8) + word.get(1).map_or(0, |low| u32::from(*low))
    });
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = !(((sum >> 16) + sum) as u16);
    let field = start + usize::from(partial.offset);
    frame[field..field + 2].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn the_device_completes_a_prepared_frame_to_the_right_checksum() {
    for length in [0, 1, 64, 1400] {
        let payload: Vec<u8> = (0..length).map(|n| (n * 7) as u8).collect();
        let whole = frame(&payload);
        let mut prepared = whole.clone();
        prepared[40..42].fill(0);
        let partial = prepare(&mut prepared).unwrap();
        assert_eq!(
            partial,
            Partial {
                start: 34,
                offset: 6
            }
        );
        complete(&mut prepared, partial);
        assert_eq!(prepared, whole, "{length} bytes");
    }
}

#[test]
fn a_changed_byte_makes_a_checksum_invalid() {
    let mut frame = frame(b"some payload");
    assert!(is_valid(&frame));
    frame[45] ^= 1;
    assert!(!is_valid(&frame));
}

#[test]
fn a_checksum_of_zero_is_none_and_passes() {
    let mut frame = frame(b"some payload");
    frame[40..42].fill(0);
    assert!(is_valid(&frame));
}

#[test]
fn a_fragment_is_left_alone() {
    let mut frame = frame(b"some payload");
    frame[20] = 1 << 5;
    let before = frame.clone();
    assert_eq!(prepare(&mut frame), None);
    assert_eq!(frame, before);
    frame[45] ^= 1;
    assert!(is_valid(&frame));
}

#[test]
fn no_cut_of_a_frame_is_read_past_its_end() {
    let frame = frame(b"some payload");
    for length in 0..frame.len() {
        let mut cut = frame[..length].to_vec();
        assert_eq!(prepare(&mut cut), None);
        assert!(is_valid(&cut));
    }
}
