//! Finds out why a frame is not an ordinary packet for this machine.
//!
//! The protocols silently drop such a frame; this module determines the reason, so that it can be
//! counted.

use super::packet::{ICMP, TCP, UDP};
use super::statistics::{Counter, Counters, count};

const ETHERNET: usize = 14;
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
/// The length of an ARP packet for Ethernet and IPv4 (RFC 826).
const ARP_LENGTH: usize = 28;

/// Counts what is unusual about a frame, if anything.
#[cold]
#[inline(never)]
pub(super) fn examine(frame: &[u8], counters: &Counters) {
    if let Some(counter) = find(frame, counters) {
        count(counter);
    }
}

fn find<'a>(frame: &[u8], counters: &'a Counters) -> Option<&'a Counter> {
    match short(frame, 12) {
        Some(IPV4) => packet(&frame[ETHERNET..], counters),
        // RFC 826: the hardware is Ethernet, the protocol is IPv4, and the addresses have their
        // lengths.
        Some(ARP) if frame.len() < ETHERNET + ARP_LENGTH => Some(&counters.too_short),
        Some(ARP) => {
            (frame[ETHERNET..ETHERNET + 6] != [0, 1, 8, 0, 6, 4]).then_some(&counters.malformed_arp)
        }
        Some(_) => Some(&counters.unknown_type),
        None => Some(&counters.too_short),
    }
}

/// Checks an IPv4 packet (RFC 791, 3.1; RFC 768).
fn packet<'a>(packet: &[u8], counters: &'a Counters) -> Option<&'a Counter> {
    let Some(header) = packet.first_chunk::<20>() else {
        return Some(&counters.too_short);
    };
    let header_length = usize::from(header[0] & 0xf) * 4;
    if header[0] >> 4 != 4 || header_length < header.len() {
        return Some(&counters.malformed_header);
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let Some(behind) = packet.get(header_length..length) else {
        return Some(&counters.wrong_length);
    };
    if sum(0, &packet[..header_length]) != 0xffff {
        return Some(&counters.wrong_header_checksum);
    }
    // The bit "more fragments", or an offset.
    if header[6] & 0x3f | header[7] != 0 {
        return Some(&counters.fragments);
    }
    let counter = match (header[9], behind) {
        (UDP, [_, _, _, _, high, low, first, second, ..]) => {
            let length = u16::from_be_bytes([*high, *low]);
            let Some(datagram) = behind.get(..usize::from(length).max(8)) else {
                return Some(&counters.wrong_length);
            };
            if length < 8 {
                return Some(&counters.wrong_length);
            }
            let pseudo = sum(u32::from(UDP) + u32::from(length), &header[12..]);
            let has_checksum = first | second != 0;
            if !has_checksum || sum(u32::from(pseudo), datagram) == 0xffff {
                return None;
            }
            &counters.wrong_datagram_checksum
        }
        (UDP, _) => &counters.wrong_length,
        (ICMP, _) if behind.len() < 8 || sum(0, behind) != 0xffff => &counters.malformed_message,
        (TCP, _) if behind.len() < 20 => &counters.too_short,
        (ICMP | TCP, _) => return None,
        _ => &counters.unknown_protocol,
    };
    Some(counter)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Returns the Internet checksum (RFC 1071) of at most 64 KiB, not complemented. Speed is not
/// important: it is only used for dropped frames.
#[inline(never)]
fn sum(mut total: u32, bytes: &[u8]) -> u16 {
    for (at, &byte) in bytes.iter().enumerate() {
        total += u32::from(byte) << (8 * (at as u32 & 1 ^ 1));
    }
    total = (total >> 16) + (total & 0xffff);
    ((total >> 16) + total) as u16
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;
    use std::vec::Vec;

    use smoltcp::wire::{ArpOperation, EthernetProtocol, IpProtocol};

    use super::*;
    use crate::net::tests::frames;

    const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    fn fault(frame: &[u8]) -> Option<&'static str> {
        let counters = Counters::default();
        examine(frame, &counters);
        let mut found = None;
        vmos_drivers::counts::Counts::each(&counters.snapshot(), &mut |name, value| {
            if value > 0 {
                assert_eq!(found.replace(name), None, "two counts for one frame");
            }
        });
        found
    }

    fn datagram() -> Vec<u8> {
        frames::udp(STRANGER, 1000, 7, b"payload")
    }

    /// Returns the datagram with some bytes changed and the right header checksum.
    fn changed(changes: &[(usize, u8)]) -> Vec<u8> {
        let mut frame = datagram();
        for &(at, byte) in changes {
            frame[at] = byte;
        }
        frame[24..26].fill(0);
        let header = &frame[14..34];
        let checksum = !sum(0, header);
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
        frame
    }

    #[test]
    fn a_valid_frame_has_no_fault() {
        assert_eq!(fault(&datagram()), None);
        assert_eq!(fault(&frames::echo_request(b"odd")), None);
        let arp = frames::arp(ArpOperation::Request, STRANGER, STRANGER);
        assert_eq!(fault(&arp), None);
    }

    #[test]
    fn each_fault_has_its_count() {
        let mut cut = datagram();
        cut.truncate(30);
        let ethernet = frames::ethernet(EthernetProtocol::Ipv6, &[0; 40]);
        let protocol = frames::ipv4(STRANGER, IpProtocol::Unknown(99), b"");
        let mut bad_checksum = datagram();
        bad_checksum[24] ^= 1;
        let mut bad_datagram = datagram();
        *bad_datagram.last_mut().unwrap() ^= 1;
        let mut bad_echo = frames::echo_request(b"odd");
        *bad_echo.last_mut().unwrap() ^= 1;
        let mut bad_arp = frames::arp(ArpOperation::Request, STRANGER, STRANGER);
        bad_arp[18] = 7;
        for (frame, name) in [
            (&[][..], "too_short"),
            (&cut, "too_short"),
            (&ethernet, "unknown_type"),
            (&protocol, "unknown_protocol"),
            (&changed(&[(14, 0x65)]), "malformed_header"),
            (&changed(&[(14, 0x44)]), "malformed_header"),
            (&changed(&[(16, 0xff)]), "wrong_length"),
            (&changed(&[(16, 0), (17, 10)]), "wrong_length"),
            (&changed(&[(38, 0xff)]), "wrong_length"),
            (&changed(&[(38, 0), (39, 4)]), "wrong_length"),
            (&bad_checksum, "wrong_header_checksum"),
            (&changed(&[(20, 0x20)]), "fragments"),
            (&bad_datagram, "wrong_datagram_checksum"),
            (&bad_echo, "malformed_message"),
            (&bad_arp, "malformed_arp"),
        ] {
            assert_eq!(fault(frame), Some(name), "{frame:02x?}");
        }
    }

    #[test]
    fn a_frame_that_ends_anywhere_is_examined() {
        let frame = datagram();
        for length in 0..frame.len() {
            assert!(fault(&frame[..length]).is_some(), "{length}");
        }
    }
}
