//! TCP segments in frames (RFC 9293, 3.1).

use core::net::SocketAddrV4;

use vmos_drivers::dma::Frame;

use super::ranges::Ranges;
use super::sequence::Sequence;
use crate::net::checksum::{add, fold, sum_words};
use crate::net::packet::{self, HEADERS, IP_HEADERS, Mac, Own, Sums, TCP};

/// The length of a header without options.
const HEADER: usize = 20;
/// The number of bytes in a frame before the payload of a segment without options.
pub(super) const ALL_HEADERS: usize = IP_HEADERS + HEADER;
/// The offset of the checksum in the frame.
const CHECKSUM: usize = IP_HEADERS + 16;

/// The kinds of options (RFC 9293, 3.2; RFC 7323, 2.2; RFC 2018, 2 and 3).
const NOTHING: u8 = 1;
const LONGEST: u8 = 2;
const SHIFT: u8 = 3;
const SACKS: u8 = 4;
pub(super) const SACK: u8 = 5;

/// The size of the longest options that are sent, in bytes.
pub(super) const OPTIONS: usize = Ranges::OPTION;

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 1 << 1;
pub(super) const RST: u8 = 1 << 2;
pub(super) const PSH: u8 = 1 << 3;
pub(super) const ACK: u8 = 1 << 4;

/// A received segment.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) mac: Mac,
    pub(super) from: SocketAddrV4,
    pub(super) port: u16,
    pub(super) sequence: Sequence,
    pub(super) acknowledgement: Sequence,
    pub(super) flags: u8,
    pub(super) window: u16,
    options: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// The options of a SYN segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Options {
    /// The longest payload that the sender receives.
    pub(super) longest: Option<u16>,
    /// The shift of the sender's windows (RFC 7323, 2.2).
    pub(super) shift: Option<u8>,
    /// Whether the sender supports selective acknowledgements (RFC 2018, 2).
    pub(super) sacks: bool,
}

impl<'a> Segment<'a> {
    /// Parses the segment in an ordinary packet. Returns `None` if it is not valid; does not verify
    /// the checksum.
    #[inline]
    pub(super) fn of(frame: &'a Frame) -> Option<Self> {
        let headers = frame.headers();
        let [second, ..] = frame.payload_words() else {
            return None;
        };
        let header = usize::from((second >> 36) as u8 & 0xf) * 4;
        let (options, payload) = frame
            .bytes()
            .get(ALL_HEADERS..)?
            .split_at_checked(header.checked_sub(HEADER)?)?;
        Some(Self {
            mac: packet::source_mac(frame),
            from: packet::source(frame),
            port: ((headers[6] >> 16) as u16).swap_bytes(),
            sequence: Sequence(((headers[6] >> 32) as u32).swap_bytes()),
            acknowledgement: Sequence((*second as u32).swap_bytes()),
            flags: (second >> 40) as u8,
            window: ((second >> 48) as u16).swap_bytes(),
            options,
            payload,
        })
    }

    #[inline]
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns how many sequence numbers the segment takes.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.payload.len() + usize::from(self.has(SYN)) + usize::from(self.has(FIN))
    }

    /// Returns the sequence number after the segment.
    #[inline]
    pub(super) fn end(&self) -> Sequence {
        self.sequence.plus(self.length())
    }

    /// Returns whether the segment has options.
    #[inline]
    pub(super) fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// Returns the value of an option; `None` if it is missing. The search ends at a malformed
    /// option.
    #[cold]
    pub(super) fn option(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut rest = self.options;
        loop {
            match rest {
                [NOTHING, behind @ ..] => rest = behind,
                [kind, length, ..] if *kind > NOTHING => {
                    let (option, behind) = rest.split_at_checked(usize::from(*length))?;
                    let value = option.get(2..)?;
                    if *kind == wanted {
                        return Some(value);
                    }
                    rest = behind;
                }
                _ => return None,
            }
        }
    }

    /// Returns the options that a SYN may have.
    #[cold]
    pub(super) fn options(&self) -> Options {
        let longest = match self.option(LONGEST) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => 0,
        };
        let shift = match self.option(SHIFT) {
            // More than 14 means 14 (RFC 7323, 2.3).
            Some(&[shift]) => Some(shift.min(14)),
            _ => None,
        };
        Options {
            // Like Linux, treats a value of 0 as missing.
            longest: (longest > 0).then_some(longest),
            shift,
            sacks: self.option(SACKS).is_some(),
        }
    }
}

/// Returns whether the checksum of the segment in an ordinary packet is right.
#[inline]
pub(super) fn is_right(frame: &Frame) -> bool {
    frame.is_verified() || fold(total(frame)) == 0xffff
}

/// Returns the sum over the pseudo header and the segment.
#[inline]
fn total(frame: &Frame) -> u64 {
    let (addresses, first) = (frame.headers()[5], frame.headers()[6]);
    let length = frame.len() - IP_HEADERS;
    let pseudo = u64::from((length as u16).swap_bytes()) + u64::from(u16::from(TCP).swap_bytes());
    let rest = sum_words(frame.payload(), frame.len() - HEADERS);
    add(add(add(addresses, first), pseudo), rest)
}

/// The addresses of a connection's segments.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) mac: Mac,
    pub(super) port: u16,
    pub(super) to: SocketAddrV4,
}

/// A segment to be sent, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) sequence: Sequence,
    /// Only valid if the flags contain [`ACK`].
    pub(super) acknowledgement: Sequence,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// Only sent with [`SYN`].
    pub(super) options: Options,
}

/// Writes a segment into the frame; the payload is in two pieces. An acknowledgement without
/// payload also reports `ranges` selectively. Returns false if the frame is too small.
#[inline]
pub(super) fn write(
    frame: &mut Frame,
    own: &Own,
    sums: Sums,
    route: &Route,
    segment: &Outgoing,
    payload: [&[u8]; 2],
    ranges: Option<&Ranges>,
) -> bool {
    let has_options = segment.flags & SYN != 0 || ranges.is_some();
    let options = has_options.then(|| segment.options.write(ranges));
    let options = options
        .as_ref()
        .map_or(&[][..], |(bytes, length)| &bytes[..*length]);
    let start = ALL_HEADERS + options.len();
    let length = start + payload[0].len() + payload[1].len();
    frame.set_len(length);
    if frame.len() != length {
        return false;
    }
    let address = u32::from_le_bytes(route.to.ip().octets());
    own.address(frame, route.mac, address, TCP);
    let ports = u64::from(route.port.swap_bytes()) | u64::from(route.to.port().swap_bytes()) << 16;
    frame.headers_mut()[6] = ports | u64::from(segment.sequence.0.swap_bytes()) << 32;
    let acknowledgement = if segment.flags & ACK == 0 {
        0
    } else {
        segment.acknowledgement.0.swap_bytes()
    };
    let words = ((HEADER + options.len()) / 4) as u64;
    let second = u64::from(acknowledgement)
        | words << 36
        | u64::from(segment.flags) << 40
        | u64::from(segment.window.swap_bytes()) << 48;
    let bytes = frame.bytes_mut();
    let (headers, behind) = bytes.split_at_mut(start);
    let (one, other) = behind.split_at_mut(payload[0].len());
    one.copy_from_slice(payload[0]);
    if !other.is_empty() {
        other.copy_from_slice(payload[1]);
    }
    if let Some((fixed, place)) = headers[HEADERS..].split_first_chunk_mut::<12>() {
        fixed[..8].copy_from_slice(&second.to_le_bytes());
        fixed[8..].fill(0);
        place.copy_from_slice(options);
    }
    if matches!(sums, Sums::Made) {
        let checksum = !fold(total(frame));
        if let Some(place) = frame.bytes_mut().get_mut(CHECKSUM..CHECKSUM + 2) {
            place.copy_from_slice(&checksum.to_ne_bytes());
        }
    }
    true
}

impl Options {
    /// The longest payload for a peer that does not state it (RFC 9293, 3.7.1).
    pub(super) const LONGEST_BY_DEFAULT: usize = 536;

    /// Returns the options of the SYN that answers one with these; `longest` is the longest payload
    /// that this machine receives.
    pub(super) fn answered(self, longest: usize) -> Self {
        Self {
            longest: Some(u16::try_from(longest).unwrap_or(u16::MAX)),
            // This machine's windows need no shift, but the peer's may.
            shift: self.shift.map(|_| 0),
            sacks: self.sacks,
        }
    }

    /// Returns the options as they are sent, and their length in bytes, a multiple of four. If
    /// `ranges` is given, it takes the place of the options.
    #[cold]
    fn write(&self, ranges: Option<&Ranges>) -> ([u8; OPTIONS], usize) {
        let mut room = [NOTHING; OPTIONS];
        if let Some(ranges) = ranges {
            let length = ranges.write(&mut room);
            return (room, length);
        }
        let [high, low] = self.longest.unwrap_or_default().to_be_bytes();
        room[..4].copy_from_slice(&[LONGEST, 4, high, low]);
        let mut length = 4;
        if let Some(shift) = self.shift {
            room[length + 1..length + 4].copy_from_slice(&[SHIFT, 3, shift]);
            length += 4;
        }
        if self.sacks {
            room[length + 2..length + 4].copy_from_slice(&[SACKS, 2]);
            length += 4;
        }
        (room, length)
    }
}

/// Returns the reset that answers a segment without a connection (RFC 9293, 3.5.2).
pub(super) fn refusal(segment: &Segment<'_>) -> Outgoing {
    let (sequence, flags) = if segment.has(ACK) {
        (segment.acknowledgement, RST)
    } else {
        (Sequence(0), RST | ACK)
    };
    Outgoing {
        sequence,
        acknowledgement: segment.end(),
        flags,
        window: 0,
        options: Options::default(),
    }
}
