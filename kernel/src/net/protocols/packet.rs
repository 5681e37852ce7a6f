//! IPv4 packets as they stand in frames (RFC 791): what they are for.

use smoltcp::wire::Ipv4Packet;

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
    Segment,
    Datagram { local: u16, remote: u16 },
    EchoReply { identifier: u16 },
    Other,
}

impl<'a> Packet<'a> {
    /// The packet in a frame. None where there is none, or one that claims more than there is.
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
    pub(super) fn has_right_header(&self) -> bool {
        Ipv4Packet::new_unchecked(self.header).verify_checksum()
    }

    pub(super) fn protocol(&self) -> u8 {
        self.header.get(9).copied().unwrap_or_default()
    }

    /// Whether its header has options.
    pub(super) fn has_options(&self) -> bool {
        self.header.len() > HEADER
    }

    /// Where in its datagram a fragment stands, in bytes, and whether more follow. None of a whole
    /// datagram.
    pub(super) fn fragment(&self) -> Option<(usize, bool)> {
        let field = word(self.header, 6)?;
        (field & (MORE_FRAGMENTS | OFFSET) != 0)
            .then_some((usize::from(field & OFFSET) * 8, field & MORE_FRAGMENTS != 0))
    }

    /// What it carries. Not to be asked of a fragment.
    pub(super) fn carried(&self) -> Carried {
        let carried = match self.protocol() {
            TCP => Some(Carried::Segment),
            UDP => word(self.payload, 0)
                .zip(word(self.payload, 2))
                .map(|(remote, local)| Carried::Datagram { local, remote }),
            ICMP if self.payload.first() == Some(&0) => {
                word(self.payload, 4).map(|identifier| Carried::EchoReply { identifier })
            }
            _ => None,
        };
        carried.unwrap_or(Carried::Other)
    }
}

/// Makes the packet of `length` bytes in a frame one without options and in one piece.
pub(super) fn simplify(frame: &mut [u8], length: usize) {
    if let Some(header) = frame.get_mut(ETHERNET..ETHERNET + HEADER) {
        header[0] = 0x45;
        header[6..8].fill(0);
        let mut packet = Ipv4Packet::new_unchecked(header);
        packet.set_total_len(u16::try_from(length).unwrap_or(u16::MAX));
        packet.fill_checksum();
    }
}

/// Whether the frame is ARP's.
pub(super) fn is_arp(frame: &[u8]) -> bool {
    frame.get(12..ETHERNET) == Some(&ETHERTYPE_ARP)
}

/// Whether more fragments of the same datagram follow the one in the frame.
pub(super) fn more_fragments(frame: &[u8]) -> bool {
    let fragment = Packet::parse(frame).and_then(|packet| packet.fragment());
    fragment.is_some_and(|(_, more)| more)
}

/// The 16-bit word at `index`.
fn word(bytes: &[u8], index: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(index..)?.first_chunk()?))
}
