//! The ordinary datagram: one frame, no IP options, from one machine to another.
//!
//! Nearly all are of this kind, and they are worth a way of their own: a frame is looked at once
//! and written once. Whatever is not of this kind or not right is not taken here, and goes the long
//! way through smoltcp, which knows what to do with it.

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddrV4};

use crate::net::checksum::{add, fold, sum};

/// Bytes in the headers: Ethernet, IPv4 without options, UDP.
pub(super) const HEADERS: usize = 14 + 20 + 8;

/// Version 4, a header of five words (RFC 791, 3.1).
const VERSION_AND_LENGTH: u8 = 0x45;
const ETHERTYPE: [u8; 2] = [0x08, 0x00];
const PROTOCOL: u8 = 17;
const TIME_TO_LIVE: u8 = 64;
/// "Don't fragment". What has it set and is in one piece needs no identification (RFC 6864, 4.1).
const DONT_FRAGMENT: [u8; 2] = [0x40, 0x00];
/// "More fragments" and the fragment's offset.
const FRAGMENT: u16 = 0x3fff;

/// The headers of a frame in a place of their own, two bytes behind a multiple of eight, so that every
/// field is aligned: a processor that may only read what is aligned would put each together from
/// bytes.
#[repr(align(8))]
struct Headers([u8; 2 + HEADERS]);

impl Headers {
    const EMPTY: Self = Self([0; 2 + HEADERS]);

    #[inline]
    fn copy_of(bytes: &[u8; HEADERS]) -> Self {
        let mut headers = Self::EMPTY;
        copy(bytes, headers.bytes_mut());
        headers
    }

    #[inline]
    fn bytes(&self) -> &[u8; HEADERS] {
        let [_, _, bytes @ ..] = &self.0;
        bytes
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8; HEADERS] {
        let [_, _, bytes @ ..] = &mut self.0;
        bytes
    }
}

/// Copies headers by a call: the compiler would write out a copy of so few bytes, one by one.
#[inline]
fn copy(from: &[u8; HEADERS], to: &mut [u8; HEADERS]) {
    let length = black_box(HEADERS);
    if let (Some(from), Some(to)) = (from.get(..length), to.get_mut(..length)) {
        to.copy_from_slice(from);
    }
}

/// A hardware address.
pub(super) type Mac = [u8; 6];

/// What a frame holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) mac: Mac,
    pub(super) source: SocketAddrV4,
    pub(super) port: u16,
    pub(super) payload: &'a [u8],
    /// The sum of all that the checksum covers but the payload; none where there is no checksum.
    sum: Option<u64>,
}

impl Parsed<'_> {
    /// Whether the checksum is right, given a copy of the payload. The copy, unlike the frame, is
    /// where the machine reads it fast.
    #[inline]
    pub(super) fn is_right(&self, payload: &[u8]) -> bool {
        match self.sum {
            Some(header) => fold(add(header, sum(payload))) == 0xffff,
            None => true,
        }
    }
}

/// Reads the frame, where it is an ordinary datagram for `own`. All about it is right but perhaps
/// the checksum, which is left to [`Parsed::is_right`].
#[inline]
pub(super) fn parse<'a>(frame: &'a [u8], own: (Mac, Ipv4Addr)) -> Option<Parsed<'a>> {
    let (header, payload) = frame.split_first_chunk::<HEADERS>()?;
    let headers = Headers::copy_of(header);
    let header = headers.bytes();
    let pair = |index: usize| [header[index], header[index + 1]];
    let word = |index: usize| u16::from_be_bytes(pair(index));
    let raw = |index: usize| u64::from(u16::from_ne_bytes(pair(index)));
    let address = |index: usize| {
        Ipv4Addr::new(
            header[index],
            header[index + 1],
            header[index + 2],
            header[index + 3],
        )
    };
    let ordinary = pair(12) == ETHERTYPE
        && header[14] == VERSION_AND_LENGTH
        && word(20) & FRAGMENT == 0
        && header[23] == PROTOCOL
        && header[..6] == own.0
        && header[6] & 1 == 0
        && address(30) == own.1;
    if !ordinary {
        return None;
    }
    let addresses = raw(26) + raw(28) + raw(30) + raw(32);
    let header_sum = raw(14) + raw(16) + raw(18) + raw(20) + raw(22) + raw(24) + addresses;
    if fold(header_sum) != 0xffff {
        return None;
    }
    // The packet may end before the frame does, which has a shortest length; the datagram ends with
    // the packet.
    let length = usize::from(word(38));
    if usize::from(word(16)) != 20 + length {
        return None;
    }
    let payload = payload.get(..length.checked_sub(8)?)?;
    // The datagram's length is in the pseudo-header too.
    let covered = addresses + pseudo_protocol() + raw(34) + raw(36) + 2 * raw(38) + raw(40);
    Some(Parsed {
        mac: *header[6..].first_chunk()?,
        source: SocketAddrV4::new(address(26), word(34)),
        port: word(36),
        payload,
        sum: (raw(40) != 0).then_some(covered),
    })
}

/// The protocol as it stands in the pseudo-header.
fn pseudo_protocol() -> u64 {
    u64::from(u16::from(PROTOCOL).to_be())
}

/// Where a datagram goes, and from where.
pub(super) struct Route {
    pub(super) own_mac: Mac,
    pub(super) peer_mac: Mac,
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
}

/// Writes a frame of [`HEADERS`] and the payload; `frame` has exactly that length, which is no
/// longer than IPv4 allows. Without `compute`, the datagram's checksum is left 0 for the device.
#[inline]
pub(super) fn emit(frame: &mut [u8], route: &Route, payload: &[u8], compute: bool) {
    let length = 8 + payload.len();
    let total = (20 + length) as u16;
    let Some((place, room)) = frame.split_first_chunk_mut::<HEADERS>() else {
        return;
    };
    let mut headers = Headers::EMPTY;
    let (ethernet, packet) = headers.bytes_mut().split_at_mut(14);
    ethernet[..6].copy_from_slice(&route.peer_mac);
    ethernet[6..12].copy_from_slice(&route.own_mac);
    ethernet[12..].copy_from_slice(&ETHERTYPE);

    let raw = |bytes: [u8; 2]| u64::from(u16::from_ne_bytes(bytes));
    let [a, b, c, d] = route.from.ip().octets();
    let [e, f, g, h] = route.to.ip().octets();
    let addresses = raw([a, b]) + raw([c, d]) + raw([e, f]) + raw([g, h]);
    let total = total.to_be_bytes();
    let first = [VERSION_AND_LENGTH, 0];
    let life = [TIME_TO_LIVE, PROTOCOL];
    let header_sum = raw(first) + raw(total) + raw(DONT_FRAGMENT) + raw(life) + addresses;
    let [k, l] = (!fold(header_sum)).to_ne_bytes();

    let (ip, udp) = packet.split_at_mut(20);
    ip[..2].copy_from_slice(&first);
    ip[2..4].copy_from_slice(&total);
    ip[4..6].fill(0);
    ip[6..8].copy_from_slice(&DONT_FRAGMENT);
    ip[8..10].copy_from_slice(&life);
    ip[10..].copy_from_slice(&[k, l, a, b, c, d, e, f, g, h]);

    let from = route.from.port().to_be_bytes();
    let to = route.to.port().to_be_bytes();
    let length = (length as u16).to_be_bytes();
    let checksum = if compute {
        let header = addresses + pseudo_protocol() + raw(from) + raw(to) + 2 * raw(length);
        // 0 says that there is none; the other zero means the same number (RFC 768).
        match !fold(add(header, sum(payload))) {
            0 => 0xffff,
            checksum => checksum,
        }
    } else {
        0
    };
    udp[..2].copy_from_slice(&from);
    udp[2..4].copy_from_slice(&to);
    udp[4..6].copy_from_slice(&length);
    udp[6..].copy_from_slice(&checksum.to_ne_bytes());
    copy(headers.bytes(), place);
    room.copy_from_slice(payload);
}

#[cfg(test)]
mod tests;
