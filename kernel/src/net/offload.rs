//! Checksums that the device computes, and those that it already checked.
//!
//! Only those of whole UDP and TCP packets over IPv4 are its business. A datagram that leaves in
//! fragments has none at all (RFC 768 allows that), since no fragment shows all of it.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Address, Ipv4Packet, TcpPacket, UdpPacket,
};

const ETHERNET: usize = 14;

/// What the device does of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offload {
    /// It computes checksums of what is sent.
    pub(super) transmit: bool,
    /// It checked what it says it checked of what is received.
    pub(super) receive: bool,
}

/// Where the device puts the checksum it computes (virtio 1.2, 5.1.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    /// Where in the frame the bytes to add up begin, in bytes.
    pub(super) start: u16,
    /// Where behind that the checksum goes, in bytes.
    pub(super) offset: u16,
}

impl Offload {
    /// What is left to the stack.
    pub(super) fn capabilities(self) -> ChecksumCapabilities {
        use smoltcp::phy::Checksum;
        let transport = match (self.transmit, self.receive) {
            (false, false) => Checksum::Both,
            (true, false) => Checksum::Rx,
            (false, true) => Checksum::Tx,
            (true, true) => Checksum::None,
        };
        let mut capabilities = ChecksumCapabilities::default();
        capabilities.udp = transport;
        capabilities.tcp = transport;
        capabilities
    }
}

/// Prepares the frame for the device: puts the sum of the pseudo-header where the checksum will be.
/// None where the frame has no checksum for the device to compute.
pub(super) fn prepare(frame: &mut [u8]) -> Option<Partial> {
    let transport = Transport::of(frame)?;
    let sum = transport.pseudo_header();
    let offset = match transport.protocol {
        IpProtocol::Udp => 6,
        _ => 16,
    };
    let field = frame.get_mut(transport.start + offset..transport.start + offset + 2)?;
    field.copy_from_slice(&sum.to_be_bytes());
    Some(Partial {
        start: transport.start as u16,
        offset: offset as u16,
    })
}

/// Whether the transport checksum is right, for a frame of which the device says nothing. What has
/// none passes; what is malformed passes too, and is dropped by the stack.
pub(super) fn is_valid(frame: &[u8]) -> bool {
    let Some(transport) = Transport::of(frame) else {
        return true;
    };
    let bytes = &frame[transport.start..transport.start + transport.length];
    let (source, destination) = (transport.source.into(), transport.destination.into());
    match transport.protocol {
        IpProtocol::Udp => UdpPacket::new_checked(bytes)
            .map_or(true, |packet| packet.verify_checksum(&source, &destination)),
        _ => TcpPacket::new_checked(bytes)
            .map_or(true, |packet| packet.verify_checksum(&source, &destination)),
    }
}

/// A whole UDP or TCP packet in a frame.
struct Transport {
    protocol: IpProtocol,
    source: Ipv4Address,
    destination: Ipv4Address,
    start: usize,
    length: usize,
}

impl Transport {
    fn of(frame: &[u8]) -> Option<Self> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let protocol = packet.next_header();
        let known = matches!(protocol, IpProtocol::Udp | IpProtocol::Tcp);
        if !known || packet.more_frags() || packet.frag_offset() != 0 {
            return None;
        }
        let header = usize::from(packet.header_len());
        Some(Self {
            protocol,
            source: packet.src_addr(),
            destination: packet.dst_addr(),
            start: ETHERNET + header,
            length: usize::from(packet.total_len()) - header,
        })
    }

    /// The sum of the pseudo-header (RFC 768; RFC 9293, 3.1), not complemented.
    fn pseudo_header(&self) -> u16 {
        let words = |address: Ipv4Address| {
            let bits = address.to_bits();
            (bits >> 16) + (bits & 0xffff)
        };
        let sum = words(self.source)
            + words(self.destination)
            + u32::from(u8::from(self.protocol))
            + self.length as u32;
        let folded = (sum >> 16) + (sum & 0xffff);
        ((folded >> 16) + folded) as u16
    }
}

#[cfg(test)]
mod tests;
