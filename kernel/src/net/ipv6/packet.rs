//! IPv6 packets in frames (RFC 8200).

use core::net::Ipv6Addr;

use vmos_drivers::dma::{Frame, Frames};

use crate::net::checksum::{add, fold, sum};

/// The length of an Ethernet header, and the offset behind the IPv6 header.
pub(super) const ETHERNET: usize = 14;
pub(super) const UPPER: usize = ETHERNET + 40;
/// The smallest MTU of a link (RFC 8200, 5).
pub(super) const LEAST_MTU: usize = 1280;

pub(in crate::net) const ETHERTYPE: [u8; 2] = [0x86, 0xdd];

/// Next headers (RFC 8200, 4; RFC 4443).
pub(super) const HOP_BY_HOP: u8 = 0;
pub(super) const ROUTING: u8 = 43;
pub(super) const FRAGMENT: u8 = 44;
const NOTHING: u8 = 59;
pub(super) const DESTINATION: u8 = 60;
pub(super) const ICMP: u8 = 58;

/// Options that are not refused: padding and "router alert" (RFC 2711).
const PAD: u8 = 0;
const PADS: u8 = 1;
const ROUTER_ALERT: u8 = 5;

/// The limits of extension headers (RFC 8504, 5.3): their number and their total length in bytes.
pub(super) const HEADERS: usize = 8;
const LENGTH: usize = 512;

/// Codes of "parameter problem" (RFC 4443, 3.4).
const WRONG_FIELD: u8 = 0;
const UNKNOWN_HEADER: u8 = 1;
const UNKNOWN_OPTION: u8 = 2;

/// A packet with a matching length and known extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    pub(super) hop_limit: u8,
    /// The protocol of the payload.
    pub(super) protocol: u8,
    /// Where the protocol's number is, in bytes from the start of the packet.
    pub(super) pointer: usize,
    /// The start and the end of the payload in the frame.
    pub(super) upper: usize,
    pub(super) end: usize,
    /// Whether routers are to look at the packet.
    pub(super) alerts: bool,
    /// Whether there is a fragment header, although the packet is whole.
    pub(super) is_fragment: bool,
}

/// Why a packet is not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A length or the version is wrong, or there are too many extension headers.
    Malformed,
    /// The packet is a fragment.
    Fragment,
    /// The sender asks to drop the packet, or there is no payload.
    Ignored,
    /// The sender is to be told the code and the place of the problem.
    Problem {
        code: u8,
        pointer: usize,
        /// Also if the packet was sent to a group.
        to_group: bool,
    },
}

/// Returns the address in the frame at this offset.
pub(super) fn address(frame: &[u8], at: usize) -> Ipv6Addr {
    let bytes = frame.get(at..).and_then(<[u8]>::first_chunk::<16>);
    bytes.map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from(*bytes))
}

/// Returns the number in the bytes at this offset.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the number in the bytes at this offset.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the destination of the packet in the frame.
pub(super) fn destination(frame: &[u8]) -> Ipv6Addr {
    address(frame, ETHERNET + 24)
}

/// Parses the packet in a frame, up to the payload.
pub(super) fn parse(frame: &[u8]) -> Result<Packet, Fault> {
    let header = frame.get(ETHERNET..UPPER).ok_or(Fault::Malformed)?;
    let length = number(header, 4).map_or(0, usize::from);
    let end = UPPER + length;
    if header[0] >> 4 != 6 || end > frame.len() {
        return Err(Fault::Malformed);
    }
    let mut packet = Packet {
        source: address(frame, ETHERNET + 8),
        destination: destination(frame),
        hop_limit: header[7],
        protocol: header[6],
        pointer: 6,
        upper: UPPER,
        end,
        alerts: false,
        is_fragment: false,
    };
    for _ in 0..HEADERS {
        match packet.protocol {
            HOP_BY_HOP if packet.pointer == 6 => packet.skip(frame, true)?,
            DESTINATION => packet.skip(frame, true)?,
            ROUTING => packet.skip(frame, false)?,
            FRAGMENT => {
                // A whole packet in one fragment is none (RFC 8200, 4.5).
                let header = frame.get(packet.upper..end).ok_or(Fault::Malformed)?;
                if number(header, 2).ok_or(Fault::Malformed)? & !6 != 0 {
                    return Err(Fault::Fragment);
                }
                packet.is_fragment = true;
                packet.pass(header[0], 8)?;
            }
            NOTHING => return Err(Fault::Ignored),
            _ => return Ok(packet),
        }
    }
    Err(Fault::Malformed)
}

impl Packet {
    /// Passes an extension header with this successor and length.
    fn pass(&mut self, next: u8, length: usize) -> Result<(), Fault> {
        self.pointer = self.upper - ETHERNET;
        self.protocol = next;
        self.upper += length;
        if self.upper > self.end || self.upper > UPPER + LENGTH {
            return Err(Fault::Malformed);
        }
        Ok(())
    }

    /// Passes a header with its options, or a routing header.
    fn skip(&mut self, frame: &[u8], has_options: bool) -> Result<(), Fault> {
        let behind = frame.get(self.upper..self.end).ok_or(Fault::Malformed)?;
        let [next, words, ..] = *behind else {
            return Err(Fault::Malformed);
        };
        let length = 8 * (usize::from(words) + 1);
        let header = behind.get(..length).ok_or(Fault::Malformed)?;
        if has_options {
            self.options(header)?;
        } else if header[3] != 0 {
            // This machine is no router (RFC 8200, 4.4).
            return Err(Fault::Problem {
                code: WRONG_FIELD,
                pointer: self.upper - ETHERNET + 2,
                to_group: false,
            });
        }
        self.pass(next, length)
    }

    fn options(&mut self, header: &[u8]) -> Result<(), Fault> {
        let mut at = 2;
        while let Some(kind) = header.get(at) {
            if *kind == PAD {
                at += 1;
                continue;
            }
            let length = usize::from(*header.get(at + 1).ok_or(Fault::Malformed)?);
            if at + 2 + length > header.len() {
                return Err(Fault::Malformed);
            }
            // The first two bits say what to do with an unknown option (RFC 8200, 4.2).
            match (*kind, kind >> 6) {
                (ROUTER_ALERT, _) => self.alerts = true,
                (PADS, _) | (_, 0) => {}
                (_, 1) => return Err(Fault::Ignored),
                (_, action) => {
                    return Err(Fault::Problem {
                        code: UNKNOWN_OPTION,
                        pointer: self.upper - ETHERNET + at,
                        to_group: action == 2,
                    });
                }
            }
            at += 2 + length;
        }
        Ok(())
    }

    /// Returns the problem that the payload's protocol is not known.
    pub(super) fn unknown_protocol(&self) -> Fault {
        Fault::Problem {
            code: UNKNOWN_HEADER,
            pointer: self.pointer,
            to_group: false,
        }
    }

    /// Returns the payload in the frame.
    pub(super) fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(self.upper..self.end).unwrap_or_default()
    }

    /// Returns whether the checksum of the payload is right.
    pub(super) fn is_right(&self, frame: &[u8]) -> bool {
        self.total(frame) == 0xffff
    }

    fn total(&self, frame: &[u8]) -> u16 {
        total(frame, self.upper, self.end, self.protocol)
    }
}

/// Returns the sum over the pseudo header and the payload (RFC 8200, 8.1).
fn total(frame: &[u8], upper: usize, end: usize, protocol: u8) -> u16 {
    let part = |from, to| sum(frame.get(from..to).unwrap_or_default());
    let length = (end.saturating_sub(upper) as u16).to_be();
    let rest = u64::from(length) + u64::from(u16::from(protocol).to_be());
    fold(add(add(part(ETHERNET + 8, UPPER), part(upper, end)), rest))
}

/// The addresses of a packet to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) own_mac: [u8; 6],
    pub(super) mac: [u8; 6],
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    pub(super) hop_limit: u8,
}

impl Route {
    /// Writes the Ethernet header and the IPv6 header of the packet, which fills the frame.
    pub(super) fn write(&self, frame: &mut [u8], protocol: u8) {
        let length = frame.len().saturating_sub(UPPER) as u16;
        let mut headers = [0; UPPER];
        headers[..6].copy_from_slice(&self.mac);
        headers[6..12].copy_from_slice(&self.own_mac);
        headers[12..14].copy_from_slice(&ETHERTYPE);
        headers[14] = 0x60;
        headers[18..20].copy_from_slice(&length.to_be_bytes());
        headers[20] = protocol;
        headers[21] = self.hop_limit;
        headers[22..38].copy_from_slice(&self.source.octets());
        headers[38..].copy_from_slice(&self.destination.octets());
        if let Some(place) = frame.first_chunk_mut() {
            *place = headers;
        }
    }

    /// Returns a frame with an ICMPv6 message of these parts, the first of which starts with type,
    /// code and two zeroes; `None` if there is no memory for it. `alerts` makes routers look at it.
    pub(super) fn message(&self, frames: &Frames, parts: &[&[u8]], alerts: bool) -> Option<Frame> {
        const ALERT: [u8; 8] = [ICMP, 0, ROUTER_ALERT, 2, 0, 0, PADS, 0];
        let start = UPPER + if alerts { ALERT.len() } else { 0 };
        let length = start + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut frame = frames.take_for(length).ok()?;
        frame.set_len(length);
        if frame.len() != length {
            return None;
        }
        frame.set_changed(false);
        let bytes = frame.bytes_mut();
        self.write(bytes, if alerts { HOP_BY_HOP } else { ICMP });
        if alerts {
            bytes[UPPER..start].copy_from_slice(&ALERT);
        }
        let mut at = start;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        finish(bytes, start, ICMP, 2);
        Some(frame)
    }
}

/// Writes the checksum of the payload from `upper` to the end of the frame, at `offset` in it.
pub(super) fn finish(frame: &mut [u8], upper: usize, protocol: u8, offset: usize) {
    let place = upper + offset..upper + offset + 2;
    if let Some(checksum) = frame.get_mut(place.clone()) {
        checksum.fill(0);
    }
    let checksum = match !total(frame, upper, frame.len(), protocol) {
        // 0 means that there is none; the other zero is equivalent.
        0 => 0xffff,
        checksum => checksum,
    };
    if let Some(place) = frame.get_mut(place) {
        place.copy_from_slice(&checksum.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn packet(next: u8, behind: &[u8]) -> Vec<u8> {
        let mut frame = std::vec![0; UPPER];
        let route = Route {
            own_mac: [2; 6],
            mac: [4; 6],
            source: "fe80::1".parse().unwrap(),
            destination: "fe80::2".parse().unwrap(),
            hop_limit: 64,
        };
        frame.extend(behind);
        route.write(&mut frame, next);
        frame
    }

    fn at(frame: &[u8]) -> Result<(u8, usize, usize), Fault> {
        parse(frame).map(|packet| (packet.protocol, packet.upper - UPPER, packet.pointer))
    }

    #[test]
    fn extension_headers_are_skipped_within_limits() {
        assert_eq!(at(&packet(17, &[0; 8])), Ok((17, 0, 6)));
        let hops = [60, 0, 5, 2, 0, 0, 1, 0];
        let options = [43, 1, 1, 4, 0, 0, 0, 0, 0x1e, 2, 0, 0, 0, 0, 0, 0];
        let routing = [44, 0, 4, 0, 0, 0, 0, 0];
        let whole = [6, 0, 0, 6, 1, 2, 3, 4];
        let all = [&hops[..], &options, &routing, &whole, &[0; 20]].concat();
        assert_eq!(at(&packet(0, &all)), Ok((6, 40, 72)));
        assert!(parse(&packet(0, &all)).unwrap().alerts);
        // Cut anywhere in the headers, or with a header too many.
        for length in 0..40 {
            assert_eq!(at(&packet(0, &all[..length])), Err(Fault::Malformed));
        }
        let same = [60, 0, 1, 4, 0, 0, 0, 0].repeat(9);
        assert_eq!(at(&packet(60, &same)), Err(Fault::Malformed));
        let long = [&[17, 64][..], &[0; 600]].concat();
        assert_eq!(at(&packet(60, &long)), Err(Fault::Malformed));
    }

    #[test]
    fn what_is_refused_is_told_with_its_place() {
        let problem = |code, pointer, to_group| {
            Err(Fault::Problem {
                code,
                pointer,
                to_group,
            })
        };
        let option = |kind| packet(60, &[17, 0, kind, 4, 0, 0, 0, 0]);
        assert_eq!(at(&option(0x3e)), Ok((17, 8, 40)));
        assert_eq!(at(&option(0x7e)), Err(Fault::Ignored));
        assert_eq!(at(&option(0xbe)), problem(UNKNOWN_OPTION, 42, true));
        assert_eq!(at(&option(0xfe)), problem(UNKNOWN_OPTION, 42, false));
        let routed = packet(43, &[17, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(at(&routed), problem(WRONG_FIELD, 42, false));
        // Hop-by-hop options are only the first header.
        assert_eq!(at(&packet(60, &[0, 0, 1, 4, 0, 0, 0, 0])), Ok((0, 8, 40)));
        assert_eq!(at(&packet(59, &[])), Err(Fault::Ignored));
        for field in [[0, 1], [0, 8], [0xff, 0xf8]] {
            let fragment = [17, 0, field[0], field[1], 0, 0, 0, 0];
            assert_eq!(at(&packet(44, &fragment)), Err(Fault::Fragment));
        }
    }

    #[test]
    fn lengths_and_versions_that_do_not_match_are_malformed() {
        let mut frame = packet(17, &[0; 8]);
        frame[14] = 0x40;
        assert_eq!(at(&frame), Err(Fault::Malformed));
        frame[14] = 0x6f;
        assert_eq!(at(&frame), Ok((17, 0, 6)));
        frame[19] = 9;
        assert_eq!(at(&frame), Err(Fault::Malformed));
        for length in 0..UPPER {
            assert_eq!(at(&frame[..length]), Err(Fault::Malformed));
        }
    }
}
