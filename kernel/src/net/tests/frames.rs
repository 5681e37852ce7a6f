//! Frames written byte by byte, as a hostile machine could send them.

use core::net::Ipv4Addr;
use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    Icmpv4Packet, Icmpv4Repr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::{A, B};

pub(super) const STRANGER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
const CARD: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

pub(in crate::net) fn ethernet(protocol: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0; 14 + payload.len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(STRANGER);
    frame.set_dst_addr(CARD);
    frame.set_ethertype(protocol);
    frame.payload_mut().copy_from_slice(payload);
    bytes
}

pub(in crate::net) fn ipv4(from: Ipv4Addr, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: from,
        dst_addr: A,
        next_header: protocol,
        payload_len: payload.len(),
        hop_limit: 64,
    };
    let mut bytes = std::vec![0; 20 + payload.len()];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    header.emit(&mut packet, &ChecksumCapabilities::default());
    packet.payload_mut().copy_from_slice(payload);
    ethernet(EthernetProtocol::Ipv4, &bytes)
}

pub(in crate::net) fn udp(
    from: Ipv4Addr,
    source: u16,
    destination: u16,
    payload: &[u8],
) -> Vec<u8> {
    let header = UdpRepr {
        src_port: source,
        dst_port: destination,
    };
    let mut bytes = std::vec![0; 8 + payload.len()];
    header.emit(
        &mut UdpPacket::new_unchecked(&mut bytes[..]),
        &IpAddress::Ipv4(from),
        &IpAddress::Ipv4(A),
        payload.len(),
        |room| room.copy_from_slice(payload),
        &ChecksumCapabilities::default(),
    );
    ipv4(from, IpProtocol::Udp, &bytes)
}

pub(in crate::net) fn echo_request(payload: &[u8]) -> Vec<u8> {
    let message = Icmpv4Repr::EchoRequest {
        ident: 7,
        seq_no: 1,
        data: payload,
    };
    let mut bytes = std::vec![0; message.buffer_len()];
    let mut packet = Icmpv4Packet::new_unchecked(&mut bytes[..]);
    message.emit(&mut packet, &ChecksumCapabilities::default());
    ipv4(B, IpProtocol::Icmp, &bytes)
}

pub(in crate::net) fn arp(operation: ArpOperation, from: Ipv4Addr, about: Ipv4Addr) -> Vec<u8> {
    let message = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: STRANGER,
        source_protocol_addr: from,
        target_hardware_addr: CARD,
        target_protocol_addr: about,
    };
    let mut bytes = std::vec![0; message.buffer_len()];
    message.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    ethernet(EthernetProtocol::Arp, &bytes)
}

/// Splits the IPv4 packet of a frame into fragments of at most `size` bytes, a multiple of 8.
pub(super) fn fragments(frame: &[u8], size: usize) -> Vec<Vec<u8>> {
    let payload = &frame[34..];
    let count = payload.len().div_ceil(size);
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, piece)| {
            let mut bytes = frame[14..34].to_vec();
            bytes.extend_from_slice(piece);
            let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
            packet.set_total_len((20 + piece.len()) as u16);
            packet.set_ident(77);
            packet.set_dont_frag(false);
            packet.set_more_frags(index + 1 < count);
            packet.set_frag_offset((index * size) as u16);
            packet.fill_checksum();
            ethernet(EthernetProtocol::Ipv4, &bytes)
        })
        .collect()
}
