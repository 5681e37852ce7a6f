//! Checksums of UDP and TCP that the device completes (virtio 1.2, 5.1.6.2): the sum of the pseudo
//! header is computed here, and that of everything after it by the device.

use vmos_drivers::virtio::net::PartialChecksum;

use super::checksum::{add, fold, sum};

/// The length of an Ethernet header.
const ETHERNET: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// The bit "more fragments" and the fragment's offset (RFC 791, 3.1).
const FRAGMENT: u16 = 0x3fff;
/// The protocol's number, and the offset of the checksum in its header: UDP (RFC 768) and TCP (RFC
/// 9293, 3.1).
const UDP: (u8, usize) = (17, 6);
const TCP: (u8, usize) = (6, 16);

/// Writes the sum of the pseudo header into the checksum of a frame with a whole datagram or
/// segment, and returns where the device continues. Returns `None` for any other frame and leaves
/// it unchanged; a fragment of a datagram has no checksum, as UDP allows.
#[inline(never)]
pub(super) fn begin_checksum(frame: &mut [u8]) -> Option<PartialChecksum> {
    let ethertype = frame.get(12..ETHERNET)?;
    let packet = frame.get(ETHERNET..)?;
    let word = |index: usize| Some(u16::from_be_bytes(*packet.get(index..)?.first_chunk()?));
    let header = 4 * usize::from(packet.first()? & 0x0f);
    let protocol = *packet.get(9)?;
    let (_, offset) = [UDP, TCP]
        .into_iter()
        .find(|(number, _)| *number == protocol)?;
    if ethertype != ETHERTYPE_IPV4 || word(6)? & FRAGMENT != 0 {
        return None;
    }
    let length = word(2)?.checked_sub(header as u16)?;
    let addresses = packet.get(12..20)?;
    let rest = [u16::from(protocol), length].map(|word| u64::from(word.to_be()));
    let partial = fold(add(sum(addresses), rest[0] + rest[1]));
    let start = ETHERNET + header;
    frame
        .get_mut(start + offset..)?
        .first_chunk_mut()
        .map(|checksum| *checksum = partial.to_ne_bytes())?;
    Some(PartialChecksum {
        start: start as u16,
        offset: offset as u16,
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Returns an Ethernet frame with an IPv4 packet of `protocol` and `fragment`, and a payload.
    fn frame(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = std::vec![0; 12];
        frame.extend(ETHERTYPE_IPV4);
        let total = (20 + payload.len()) as u16;
        frame.extend([0x45, 0]);
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, protocol, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2]);
        frame.extend(payload);
        frame
    }

    /// Completes the checksum as a device does.
    fn finish(frame: &mut [u8], place: PartialChecksum) {
        let (start, offset) = (usize::from(place.start), usize::from(place.offset));
        let checksum = !fold(sum(&frame[start..]));
        frame[start + offset..start + offset + 2].copy_from_slice(&checksum.to_ne_bytes());
    }

    /// Returns whether the sum of the pseudo header and everything after the packet's header is
    /// right.
    fn is_right(frame: &[u8], protocol: u8) -> bool {
        let covered = &frame[34..];
        let mut pseudo = frame[26..34].to_vec();
        pseudo.extend([0, protocol]);
        pseudo.extend((covered.len() as u16).to_be_bytes());
        fold(add(sum(&pseudo), sum(covered))) == 0xffff
    }

    #[test]
    fn the_device_completes_the_checksum() {
        for (protocol, header) in [(17, 8), (6, 20)] {
            for size in [0, 1, 2, 63, 64] {
                let mut payload = std::vec![0; header];
                payload.extend((0..size).map(|byte| byte as u8 ^ 0xa5));
                let mut frame = frame(protocol, 0x4000, &payload);
                let place = begin_checksum(&mut frame).expect("a whole datagram");
                assert_eq!(place.start, 34);
                finish(&mut frame, place);
                assert!(is_right(&frame, protocol), "{protocol}, {size} bytes");
            }
        }
    }

    #[test]
    fn addresses_of_all_ones_are_summed_in_either_field() {
        let mut whole = frame(17, 0, &[7; 16]);
        whole[26..34].fill(0xff);
        for offset in 0..8 {
            let mut room = std::vec![0; offset];
            room.extend(&whole);
            let frame = &mut room[offset..];
            let place = begin_checksum(frame).expect("a whole datagram");
            finish(frame, place);
            assert!(is_right(frame, 17));
        }
    }

    #[test]
    fn a_fragment_is_unchanged() {
        for fragment in [0x2000, 0x0001] {
            let mut frame = frame(17, fragment, &[7; 16]);
            let before = frame.clone();
            assert_eq!(begin_checksum(&mut frame), None);
            assert_eq!(frame, before);
        }
    }

    #[test]
    fn a_frame_of_another_protocol_is_unchanged() {
        let mut icmp = frame(1, 0, &[7; 16]);
        let mut arp = frame(17, 0, &[7; 16]);
        arp[13] = 0x06;
        for frame in [&mut icmp, &mut arp] {
            let before = frame.clone();
            assert_eq!(begin_checksum(frame), None);
            assert_eq!(*frame, before);
        }
    }

    #[test]
    fn a_truncated_frame_is_unchanged() {
        let whole = frame(6, 0, &[7; 20]);
        for length in 0..whole.len() - 2 {
            let mut cut = whole[..length].to_vec();
            let _ = begin_checksum(&mut cut);
            assert!(length > 51 || cut == whole[..length], "{length} bytes");
        }
    }
}
