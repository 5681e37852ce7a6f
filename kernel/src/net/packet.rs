//! The headers of ordinary packets: IPv4 unfragmented and without options, from one machine to
//! another.
//!
//! Nearly all packets are ordinary, and answers to them are written in place. The headers are read
//! and written as the words of [`Frame::headers`], so that a field costs a shift instead of a
//! memory access.

use core::net::{Ipv4Addr, SocketAddrV4};

use vmos_drivers::dma::Frame;

use super::checksum::{add, fold, sum_words};
use super::cidr::Ipv4Cidr;

/// The length of the Ethernet and IPv4 headers, in bytes.
pub(super) const IP_HEADERS: usize = 14 + 20;
/// The length of the Ethernet, IPv4 and UDP headers in bytes; an ICMP echo header has the same
/// length as a UDP header.
pub(super) const HEADERS: usize = IP_HEADERS + 8;

/// Protocol numbers of IPv4 (RFC 790).
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Bytes 12 to 15 of a frame: Ethernet type IPv4, a header of five words, and type of service 0.
const IPV4: u64 = 0x0045_0008;
/// The mask for these bytes in the frame's 64-bit word 3, without the type of service.
const IPV4_MASK: u64 = 0x00ff_ffff << 16;
/// The bit "more fragments" and the fragment's offset, in the frame's 64-bit word 4.
const FRAGMENT: u64 = 0xff3f << 16;
/// The bit "don't fragment", in word 4. An unfragmented packet with this bit needs no
/// identification (RFC 6864, 4.1).
const DONT_FRAGMENT: u64 = 0x0040 << 16;
const TIME_TO_LIVE: u64 = 64 << 32;

/// A hardware address; the first of its six bytes is the least significant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mac(u64);

impl Mac {
    /// The value that stands for no address.
    pub(super) const NONE: Self = Self(0);

    /// The broadcast address.
    pub(super) const BROADCAST: Self = Self(0xffff_ffff_ffff);

    pub(super) const fn new(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Self(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// Returns the address of a multicast group (RFC 1112, 6.4).
    pub(super) fn multicast(group: Ipv4Addr) -> Self {
        let [_, b, c, d] = group.octets();
        Self::new([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// Returns the bytes of the address.
    #[cfg(feature = "ipv6")]
    pub(super) fn bytes(self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.0.to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Returns whether this is the address of a single machine.
    pub(super) fn is_unicast(self) -> bool {
        self != Self::NONE && self.0 & 1 == 0
    }
}

/// The addresses of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    mac: Mac,
    /// The IPv4 address, in header order.
    address: u32,
    /// The network's broadcast address, in header order; the machine's own address if there is
    /// none.
    broadcast: u32,
}

/// Returns an address in header order.
fn in_header(address: Ipv4Addr) -> u32 {
    u32::from_le_bytes(address.octets())
}

fn port_in_header(port: u16) -> u16 {
    port.swap_bytes()
}

impl Own {
    /// Stands for no address: no frame is for this machine.
    pub(super) const NONE: Self = Self {
        mac: Mac(u64::MAX),
        address: 0,
        broadcast: 0,
    };

    /// Returns whether there is no address.
    #[inline]
    pub(super) const fn is_none(&self) -> bool {
        self.mac.0 == Self::NONE.mac.0
    }

    pub(super) fn new(mac: Mac, address: Ipv4Cidr) -> Self {
        let own = address.address();
        Self {
            mac,
            address: in_header(own),
            broadcast: in_header(address.broadcast().unwrap_or(own)),
        }
    }

    /// Returns the number of bytes after the packet's header and the protocol, if the frame
    /// contains an ordinary packet for this machine. Bytes after the packet's end, which pad short
    /// frames, are removed.
    #[inline]
    pub(super) fn receive(&self, frame: &mut Frame) -> Option<(u8, usize)> {
        let [_, first, second, third, fourth, fifth, _] = *frame.headers();
        let destination = (first >> 48) | (second & 0xffff_ffff) << 16;
        let multicast = second >> 32 & 1;
        let differs = (destination ^ self.mac.0)
            | multicast
            | ((third ^ (IPV4 << 16)) & IPV4_MASK)
            | (fourth & FRAGMENT)
            | ((fifth >> 32) ^ u64::from(self.address));
        if differs != 0 {
            return None;
        }
        // A frame that does not contain all headers is too short for the packet, or the packet is.
        let length = usize::from(((third >> 48) as u16).swap_bytes());
        let sound = fold(add(add(third >> 32, fourth), fifth)) == 0xffff
            && 14 + length <= frame.len()
            && self.is_peer(fifth as u32);
        if !sound {
            return None;
        }
        let behind = length.checked_sub(20 + 8)? + 8;
        frame.truncate(14 + length);
        Some(((fourth >> 40) as u8, behind))
    }

    /// Returns whether a packet can come from this address, in header order: a faster
    /// [`address::is_peer`](super::address::is_peer), for every packet.
    #[inline]
    fn is_peer(&self, address: u32) -> bool {
        // The first octet is that of `address::is_unicast`.
        let first = address & 0xff;
        first.wrapping_sub(1) < 223
            && first != 127
            && address != self.address
            && address != self.broadcast
    }

    /// Turns a [received](Self::receive) packet into an answer, up to the end of the IPv4 header.
    /// The packet gets the length of the frame.
    #[inline]
    pub(super) fn turn(&self, frame: &mut Frame) {
        let protocol = (frame.headers()[4] >> 40) as u8;
        self.turn_as(frame, protocol);
    }

    /// Like [`turn`](Self::turn), for a packet of this protocol.
    #[inline]
    fn turn_as(&self, frame: &mut Frame, protocol: u8) {
        let [_, _, second, third, _, fifth, _] = *frame.headers();
        let peer = Mac(second >> 32 | (third & 0xffff) << 32);
        self.address(frame, peer, fifth as u32, protocol);
    }

    /// Writes all headers up to the end of the IPv4 header. The packet gets the length of the
    /// frame.
    #[inline]
    pub(super) fn address(&self, frame: &mut Frame, to: Mac, address: u32, protocol: u8) {
        let length = u64::from(((frame.len() - 14) as u16).swap_bytes());
        let third = self.mac.0 >> 32 | IPV4 << 16 | length << 48;
        let fourth = DONT_FRAGMENT | TIME_TO_LIVE | u64::from(protocol) << 40;
        let fifth = u64::from(self.address) | u64::from(address) << 32;
        let checksum = !fold(add(add(third >> 32, fourth), fifth));
        let words = frame.headers_mut();
        words[1] = words[1] & 0xffff_ffff_ffff | to.0 << 48;
        words[2] = to.0 >> 16 & 0xffff_ffff | self.mac.0 << 32;
        words[3] = third;
        words[4] = fourth | u64::from(checksum) << 48;
        words[5] = fifth;
    }

    /// Writes the headers of a datagram before the payload in the frame.
    #[inline]
    pub(super) fn send(&self, frame: &mut Frame, port: u16, to: Destination, sums: Sums) {
        self.address(frame, to.mac, to.address, UDP);
        let ports = u64::from(port_in_header(port)) | u64::from(to.port) << 16;
        let length = ((frame.len() - IP_HEADERS) as u16).swap_bytes();
        frame.headers_mut()[6] = ports | u64::from(length) << 32;
        if matches!(sums, Sums::Made) {
            frame.headers_mut()[6] |= u64::from(datagram_checksum(frame)) << 48;
        }
    }

    /// Turns a [received](Self::receive) datagram into a reply from `port`.
    #[inline(always)]
    pub(super) fn send_back(&self, frame: &mut Frame, port: u16, sums: Sums) {
        let (addresses, datagram) = (frame.headers()[5], frame.headers()[6]);
        let port = port_in_header(port);
        let came_here = (addresses >> 32) as u32 == self.address && (datagram >> 16) as u16 == port;
        // A sum does not depend on the order of its words, so the checksum stays right. A checksum
        // of 0 means that there is none.
        let checksum = datagram >> 48;
        let keeps = came_here && checksum != 0 && !frame.is_changed();
        self.turn_as(frame, UDP);
        let length = u64::from(((frame.len() - IP_HEADERS) as u16).swap_bytes());
        let ports = u64::from(port) | (datagram & 0xffff) << 16;
        let header = ports | length << 32;
        frame.headers_mut()[6] = header | if keeps { checksum << 48 } else { 0 };
        if !keeps && matches!(sums, Sums::Made) {
            frame.headers_mut()[6] = header | u64::from(datagram_checksum(frame)) << 48;
        }
    }
}

/// Where the checksum of a datagram is computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sums {
    /// The stack computes the checksum.
    Made,
    /// The device computes the checksum; the stack writes 0.
    Left,
}

/// The destination of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Destination {
    mac: Mac,
    /// The IPv4 address, in header order.
    address: u32,
    port: u16,
}

impl Destination {
    pub(super) fn new(mac: Mac, to: SocketAddrV4) -> Self {
        Self {
            mac,
            address: in_header(*to.ip()),
            port: port_in_header(to.port()),
        }
    }

    /// Returns whether this is a multicast group (224.0.0.0/4).
    pub(super) fn is_group(&self) -> bool {
        self.address & 0xf0 == 0xe0
    }

    /// Returns whether the hardware address is known.
    pub(super) fn is_known(&self) -> bool {
        self.mac != Mac::NONE
    }
}

/// Returns the Ethernet type of the frame, in header order.
pub(super) fn ethertype(frame: &Frame) -> [u8; 2] {
    ((frame.headers()[3] >> 16) as u16).to_le_bytes()
}

/// Returns the destination hardware address of the frame.
pub(super) fn destination_mac(frame: &Frame) -> Mac {
    let [_, first, second, ..] = *frame.headers();
    Mac((first >> 48) | (second & 0xffff_ffff) << 16)
}

/// Sets the destination hardware address of the frame.
pub(super) fn set_destination_mac(frame: &mut Frame, to: Mac) {
    let words = frame.headers_mut();
    words[1] = words[1] & 0xffff_ffff_ffff | to.0 << 48;
    words[2] = words[2] >> 32 << 32 | to.0 >> 16 & 0xffff_ffff;
}

/// Returns the destination address of the packet in the frame.
pub(super) fn destination(frame: &Frame) -> Ipv4Addr {
    Ipv4Addr::from_octets(((frame.headers()[5] >> 32) as u32).to_le_bytes())
}

/// Returns the source hardware address of the frame.
#[inline]
pub(super) fn source_mac(frame: &Frame) -> Mac {
    let [_, _, second, third, ..] = *frame.headers();
    Mac(second >> 32 | (third & 0xffff) << 32)
}

/// Returns whether the datagram in the frame has a source to reply to, with a known hardware
/// address.
#[inline]
pub(super) fn is_answerable(frame: &Frame) -> bool {
    // A frame with a source hardware address was received unchanged, from one machine.
    frame.headers()[6] as u16 != 0 && source_mac(frame) != Mac::NONE
}

/// Returns the source address and port of the datagram in the frame.
#[inline]
pub(super) fn source(frame: &Frame) -> SocketAddrV4 {
    let address = (frame.headers()[5] as u32).to_le_bytes();
    let port = (frame.headers()[6] as u16).swap_bytes();
    SocketAddrV4::new(Ipv4Addr::from_octets(address), port)
}

/// Clears the source hardware address of the frame, so that no reply uses it.
pub(super) fn forget_source_mac(frame: &mut Frame) {
    let words = frame.headers_mut();
    words[2] &= 0xffff_ffff;
    words[3] &= !0xffff;
}

/// Sets the time to live of the packet in the frame.
pub(super) fn set_time_to_live(frame: &mut Frame, hops: u8) {
    let [_, _, _, third, fourth, fifth, _] = *frame.headers();
    let fourth = fourth & 0xff00_ffff_ffff | u64::from(hops) << 32;
    let checksum = !fold(add(add(third >> 32, fourth), fifth));
    frame.headers_mut()[4] = fourth | u64::from(checksum) << 48;
}

/// Makes the packet in the frame a fragment with this identification. Its data starts `offset`
/// bytes after the header, a multiple of 8; `more` states whether more fragments follow (RFC 791,
/// 3.1).
pub(super) fn set_fragment(frame: &mut Frame, identification: u16, offset: usize, more: bool) {
    const MORE: u16 = 1 << 13;
    let length = ((frame.len() - 14) as u16).swap_bytes();
    let place = (offset / 8) as u16 | if more { MORE } else { 0 };
    let [_, _, _, third, fourth, fifth, _] = *frame.headers();
    let third = third << 16 >> 16 | u64::from(length) << 48;
    let fourth =
        fourth & 0xffff << 32 | u64::from(identification) | u64::from(place.swap_bytes()) << 16;
    let checksum = !fold(add(add(third >> 32, fourth), fifth));
    let words = frame.headers_mut();
    words[3] = third;
    words[4] = fourth | u64::from(checksum) << 48;
}

/// Returns the destination port of a datagram that is valid except perhaps for its checksum.
/// `behind` bytes follow the IPv4 header.
#[inline]
pub(super) fn datagram_port(frame: &Frame, behind: usize) -> Option<u16> {
    let header = frame.headers()[6];
    let length = ((header >> 32) as u16).swap_bytes();
    (usize::from(length) == behind).then_some(((header >> 16) as u16).swap_bytes())
}

/// Returns whether the checksum of a datagram is right or missing (RFC 768).
#[inline]
pub(super) fn is_datagram_right(frame: &Frame) -> bool {
    frame.headers()[6] >> 48 == 0 || fold(datagram_sum(frame)) == 0xffff
}

/// Returns the sum over the pseudo header, the header and the payload of a datagram.
#[inline]
fn datagram_sum(frame: &Frame) -> u64 {
    let (addresses, header) = (frame.headers()[5], frame.headers()[6]);
    // The length is part of the pseudo header too.
    let pseudo = u64::from(u16::from(UDP).swap_bytes()) + (header >> 32 & 0xffff);
    add(add(add(addresses, header), pseudo), payload_sum(frame))
}

/// Returns the sum over everything after [`HEADERS`].
#[inline]
fn payload_sum(frame: &Frame) -> u64 {
    sum_words(frame.payload(), frame.len().wrapping_sub(HEADERS))
}

/// Returns the checksum of a datagram whose checksum field is 0.
#[inline]
fn datagram_checksum(frame: &Frame) -> u16 {
    // 0 means that there is none; the other zero is equivalent (RFC 768).
    match !fold(datagram_sum(frame)) {
        0 => 0xffff,
        checksum => checksum,
    }
}

/// Writes the checksum of the ICMP message in the frame: the second word of the message.
pub(super) fn finish_message(frame: &mut Frame) {
    frame.headers_mut()[6] &= !(0xffff << 16);
    let checksum = !fold(message_sum(frame));
    frame.headers_mut()[6] |= u64::from(checksum) << 16;
}

/// Returns whether the checksum of the ICMP message in the frame is right.
#[inline]
pub(super) fn is_message_right(frame: &Frame) -> bool {
    fold(message_sum(frame)) == 0xffff
}

#[inline]
fn message_sum(frame: &Frame) -> u64 {
    add(frame.headers()[6], payload_sum(frame))
}

/// Turns an ICMP echo request into its reply (RFC 792). Returns false, and leaves the packet
/// unchanged, if it is not a valid request. The packet must be ICMP.
#[inline]
pub(super) fn answer_echo(frame: &mut Frame, own: &Own) -> bool {
    /// The ICMP type and code of an echo request; both are 0 in a reply.
    const REQUEST: u64 = 8;
    let header = frame.headers()[6];
    if header & 0xffff != REQUEST || !is_message_right(frame) {
        return false;
    }
    own.turn(frame);
    // The checksum grows by as much as the message shrinks (RFC 1624).
    let checksum = fold((header >> 16 & 0xffff) + REQUEST);
    frame.headers_mut()[6] = header >> 32 << 32 | u64::from(checksum) << 16;
    true
}

#[cfg(test)]
mod tests;
