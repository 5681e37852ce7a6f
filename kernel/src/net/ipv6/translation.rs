//! Translates segments and datagrams between IPv6 on the wire and IPv4 with a stand-in inside the
//! stack.

use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

use super::packet::{Packet, Route, UPPER, finish};
use super::peers::OWN;
use crate::net::packet::{IP_HEADERS, TCP};

/// The number of bytes by which an IPv6 header is longer than one of IPv4.
const LONGER: usize = UPPER - IP_HEADERS;
/// The length of the IPv6 and TCP headers.
const TCP_HEADERS: usize = 40 + 20;
/// The flag of TCP that opens a connection, and the option with the longest segment.
const SYN: u8 = 2;
const LONGEST: u8 = 2;

/// Replaces the IPv6 header of a frame, and its extension headers, by an IPv4 header with this
/// source. The checksum of the payload must have been verified. `mtu` limits the segments that the
/// peer of a new connection gets.
pub(super) fn inward(frame: &mut Frame, packet: &Packet, source: Ipv4Addr, mtu: usize) {
    let length = packet.end - packet.upper;
    let bytes = frame.bytes_mut();
    bytes.copy_within(packet.upper..packet.end, IP_HEADERS);
    let mut header = [0; IP_HEADERS - 12];
    header[..3].copy_from_slice(&[0x08, 0x00, 0x45]);
    header[4..6].copy_from_slice(&((20 + length) as u16).to_be_bytes());
    header[10] = 64;
    header[11] = packet.protocol;
    header[14..18].copy_from_slice(&source.octets());
    header[18..].copy_from_slice(&OWN.octets());
    bytes[12..IP_HEADERS].copy_from_slice(&header);
    frame.set_len(IP_HEADERS + length);
    frame.set_verified(true);
    if packet.protocol == TCP {
        limit(frame.bytes_mut(), IP_HEADERS, mtu);
    }
}

/// Replaces the IPv4 header of a frame with a segment by an IPv6 header. Returns false if the frame
/// has no room for it.
pub(super) fn outward(frame: &mut Frame, route: &Route, mtu: usize) -> bool {
    let length = frame.len();
    frame.set_len(length + LONGER);
    if frame.len() != length + LONGER {
        return false;
    }
    let bytes = frame.bytes_mut();
    bytes.copy_within(IP_HEADERS..length, UPPER);
    route.write(bytes, TCP);
    limit(bytes, UPPER, mtu);
    finish(bytes, UPPER, TCP, 16);
    true
}

/// Limits the longest segment that a SYN announces to what fits in a packet of `mtu` bytes.
fn limit(frame: &mut [u8], start: usize, mtu: usize) {
    let Some(segment) = frame.get_mut(start..) else {
        return;
    };
    let header = segment
        .get(12)
        .map_or(0, |words| usize::from(words >> 4) * 4);
    if segment.get(13).is_none_or(|flags| flags & SYN == 0) {
        return;
    }
    let mut rest = segment.get_mut(20..header).unwrap_or_default();
    loop {
        match rest {
            [1, behind @ ..] => rest = behind,
            [LONGEST, 4, high, low, ..] => {
                let most = u16::try_from(mtu.saturating_sub(TCP_HEADERS)).unwrap_or(u16::MAX);
                let asked = u16::from_be_bytes([*high, *low]);
                [*high, *low] = asked.min(most).to_be_bytes();
                return;
            }
            [kind, length, ..] if *kind > 1 && *length > 1 => {
                let length = usize::from(*length);
                match rest.split_at_mut_checked(length) {
                    Some((_, behind)) => rest = behind,
                    None => return,
                }
            }
            _ => return,
        }
    }
}
