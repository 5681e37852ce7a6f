//! IPv4 packets as they stand in frames (RFC 791): what they are for, and their checksums.
//!
//! smoltcp is told that somebody else verifies and computes the checksums, since it sums two bytes
//! at a time.

use core::net::Ipv4Addr;

use crate::net::checksum::{add, fold, sum};

/// The length of an Ethernet header.
pub(super) const ETHERNET: usize = 14;
/// The length of an IPv4 header without options.
pub(super) const HEADER: usize = 20;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
/// "More fragments".
const MORE_FRAGMENTS: u16 = 1 << 13;
/// The fragment's offset, in units of eight bytes.
const OFFSET: u16 = 0x1fff;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A packet whose lengths are consistent: with a whole header, and as long as it claims.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) header: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// What a whole packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Segment {
        local: u16,
        remote: u16,
        /// It asks for a connection.
        request: bool,
    },
    Datagram {
        local: u16,
        remote: u16,
    },
    EchoReply {
        identifier: u16,
    },
    Other,
}

impl<'a> Packet<'a> {
    /// The packet in a frame. None where there is none, or one that claims more than there is.
    #[inline]
    pub(super) fn parse(frame: &'a [u8]) -> Option<Self> {
        let (ethernet, packet) = frame.split_first_chunk::<ETHERNET>()?;
        let first = *packet.first()?;
        if ethernet[12..] != ETHERTYPE_IPV4 || first >> 4 != 4 {
            return None;
        }
        let header = 4 * usize::from(first & 0x0f);
        let length = usize::from(word(packet, 2)?);
        if header < HEADER || length < header {
            return None;
        }
        let (header, payload) = packet.get(..length)?.split_at(header);
        Some(Self { header, payload })
    }

    /// Whether the header's checksum is right.
    #[inline]
    pub(super) fn has_right_header(&self) -> bool {
        fold(sum(self.header)) == 0xffff
    }

    /// Whether the checksum of what it carries is right, or there is none. Not to be asked of a
    /// fragment. What is too short to have one is left to smoltcp.
    #[inline]
    pub(super) fn carries_right(&self) -> bool {
        match self.protocol() {
            TCP => self.covers(self.payload),
            UDP => {
                let length = word(self.payload, 4).map(usize::from);
                match length.and_then(|length| self.payload.get(..length)) {
                    // A checksum of 0 is none (RFC 768).
                    Some(datagram) => word(datagram, 6) == Some(0) || self.covers(datagram),
                    None => true,
                }
            }
            ICMP => fold(sum(self.payload)) == 0xffff,
            _ => true,
        }
    }

    /// Whether the sum of `bytes` and of the pseudo header is right.
    #[inline]
    fn covers(&self, bytes: &[u8]) -> bool {
        fold(add(self.pseudo_header(bytes.len()), sum(bytes))) == 0xffff
    }

    /// The sum of the pseudo header for as many bytes behind it.
    #[inline]
    fn pseudo_header(&self, length: usize) -> u64 {
        let rest = [u16::from(self.protocol()), length as u16];
        let addresses = self.header.get(12..20).unwrap_or_default();
        rest.iter().fold(sum(addresses), |total, word| {
            total + u64::from(word.to_be())
        })
    }

    #[inline]
    pub(super) fn protocol(&self) -> u8 {
        self.header.get(9).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn source(&self) -> Ipv4Addr {
        self.header
            .get(12..)
            .and_then(|rest| rest.first_chunk::<4>())
            .map_or(Ipv4Addr::UNSPECIFIED, |octets| Ipv4Addr::from(*octets))
    }

    /// Where in its datagram a fragment stands, in bytes, and whether more follow. None of a whole
    /// datagram.
    #[inline]
    pub(super) fn fragment(&self) -> Option<(usize, bool)> {
        let field = word(self.header, 6)?;
        (field & (MORE_FRAGMENTS | OFFSET) != 0)
            .then_some((usize::from(field & OFFSET) * 8, field & MORE_FRAGMENTS != 0))
    }

    /// What it carries. Not to be asked of a fragment.
    #[inline]
    pub(super) fn carried(&self) -> Carried {
        let ports = || Some((word(self.payload, 0)?, word(self.payload, 2)?));
        match self.protocol() {
            TCP => {
                const FLAGS: u8 = RST | SYN | ACK;
                const RST: u8 = 1 << 2;
                const SYN: u8 = 1 << 1;
                const ACK: u8 = 1 << 4;
                if let (Some((remote, local)), Some(flags)) = (ports(), self.payload.get(13)) {
                    let request = flags & FLAGS == SYN;
                    return Carried::Segment {
                        local,
                        remote,
                        request,
                    };
                }
            }
            UDP => {
                if let Some((remote, local)) = ports() {
                    return Carried::Datagram { local, remote };
                }
            }
            ICMP => {
                if self.payload.first() == Some(&0)
                    && let Some(identifier) = word(self.payload, 4)
                {
                    return Carried::EchoReply { identifier };
                }
            }
            _ => {}
        }
        Carried::Other
    }
}

/// Whether the frame is ARP's.
pub(super) fn is_arp(frame: &[u8]) -> bool {
    frame.get(12..ETHERNET) == Some(&ETHERTYPE_ARP)
}

/// Puts the checksums that smoltcp left 0 into a frame: that of the IPv4 header, and where `tcp`,
/// that of a segment. Returns whether more fragments of the same datagram follow.
#[inline]
pub(super) fn complete(frame: &mut [u8], tcp: bool) -> bool {
    let Some(packet) = Packet::parse(frame) else {
        return false;
    };
    let header = !fold(sum(packet.header));
    let fragment = packet.fragment();
    let segment = (tcp && packet.protocol() == TCP && fragment.is_none()).then(|| {
        let start = ETHERNET + packet.header.len();
        let total = add(
            packet.pseudo_header(packet.payload.len()),
            sum(packet.payload),
        );
        (start, !fold(total))
    });
    let mut put = |at: usize, checksum: u16| {
        if let Some(place) = frame.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = checksum.to_ne_bytes();
        }
    };
    put(ETHERNET + 10, header);
    if let Some((start, checksum)) = segment {
        put(start + 16, checksum);
    }
    fragment.is_some_and(|(_, more)| more)
}

/// The 16-bit word at `index`.
#[inline]
fn word(bytes: &[u8], index: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(index..)?.first_chunk()?))
}
