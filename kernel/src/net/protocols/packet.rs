//! Any IPv4 packet in a frame (RFC 791).

use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

use crate::net::checksum::{fold, sum};
use crate::net::packet::IP_HEADERS;

/// The length of an Ethernet header.
pub(super) const ETHERNET: usize = 14;
/// The length of an IPv4 header without options.
pub(super) const HEADER: usize = 20;

/// The bit "more fragments".
const MORE_FRAGMENTS: u16 = 1 << 13;
/// The fragment's offset, in units of eight bytes.
const OFFSET: u16 = 0x1fff;

/// A length, the version or the checksum of the header is wrong.
pub(super) struct Malformed;

/// A packet with a valid header and a matching length.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    /// The packet: at least [`HEADER`] bytes.
    header: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Parses the packet in a frame.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Malformed> {
        let packet = frame.get(ETHERNET..).unwrap_or_default();
        let [first, _, high, low, ..] = packet else {
            return Err(Malformed);
        };
        let header = 4 * usize::from(first & 0x0f);
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let whole = packet.get(..length).ok_or(Malformed)?;
        let (header, payload) = whole.split_at_checked(header).ok_or(Malformed)?;
        if first >> 4 != 4 || header.len() < HEADER || fold(sum(header)) != 0xffff {
            return Err(Malformed);
        }
        Ok(Self { header, payload })
    }

    /// Returns the bytes at `index`, which must be in the header.
    fn at<const N: usize>(&self, index: usize) -> [u8; N] {
        let bytes = self.header.get(index..).and_then(<[u8]>::first_chunk);
        bytes.copied().unwrap_or([0; N])
    }

    pub(super) fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_octets(self.at(12))
    }

    pub(super) fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_octets(self.at(16))
    }

    /// Returns the values that identify the datagram of a fragment: addresses, identification and
    /// protocol.
    pub(super) fn datagram(&self) -> ([u8; 8], [u8; 2], [u8; 1]) {
        (self.at(12), self.at(4), self.at(9))
    }

    /// Returns the offset of a fragment in its datagram, in bytes, and whether more fragments
    /// follow. `None` for an unfragmented packet.
    pub(super) fn fragment(&self) -> Option<(usize, bool)> {
        let field = u16::from_be_bytes(self.at(6));
        (field & (MORE_FRAGMENTS | OFFSET) != 0)
            .then_some((usize::from(field & OFFSET) * 8, field & MORE_FRAGMENTS != 0))
    }
}

/// Returns the protocol of the packet in a frame.
pub(super) fn protocol(frame: &Frame) -> u8 {
    (frame.headers()[4] >> 40) as u8
}

/// Removes the options from the IPv4 header of a frame. Header fields that are not read later stay
/// unchanged.
pub(super) fn remove_options(frame: &mut Frame) {
    let Ok(packet) = Packet::parse(frame.bytes()) else {
        return;
    };
    let length = packet.payload.len();
    let start = ETHERNET + packet.header.len();
    if start != IP_HEADERS {
        frame
            .bytes_mut()
            .copy_within(start..start + length, IP_HEADERS);
    }
    frame.set_len(IP_HEADERS + length);
}

/// Removes the bytes after the datagram in a packet. Returns false if the datagram's length exceeds
/// the packet or is less than its header.
pub(super) fn trim_datagram(frame: &mut Frame) -> bool {
    let length = usize::from(((frame.headers()[6] >> 32) as u16).swap_bytes());
    let behind = frame.len() - IP_HEADERS;
    if !(8..=behind).contains(&length) {
        return false;
    }
    frame.set_len(IP_HEADERS + length);
    true
}
