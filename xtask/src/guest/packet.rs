//! Builds and parses frames: the parts of ARP (RFC 826), IPv4 (RFC 791), ICMP (RFC 792) and UDP
//! (RFC 768) that the tests need, including invalid packets.

use std::net::Ipv4Addr;

/// An Ethernet hardware address.
pub type Mac = [u8; 6];

/// The hardware address of this end of the link.
pub const OUR_MAC: Mac = [0x52, 0x55, 0x0a, 0, 2, 2];
/// The IP address of this end of the link.
pub const OUR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The IP address of the machine.
pub const ITS_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The broadcast hardware address.
pub const BROADCAST: Mac = [0xff; 6];

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_UDP: u8 = 17;
const ARP_REQUEST: u8 = 1;
const ARP_REPLY: u8 = 2;

fn ethernet(to: Mac, ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &OUR_MAC, &ethertype, payload].concat();
    // The minimum length of an Ethernet frame without its check sequence, in bytes.
    frame.resize(frame.len().max(60), 0);
    frame
}

fn arp(operation: u8, to: Mac, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    let mut packet = vec![0, 1, 0x08, 0, 6, 4, 0, operation];
    packet.extend(OUR_MAC);
    packet.extend(OUR_ADDRESS.octets());
    packet.extend(target_mac);
    packet.extend(target.octets());
    ethernet(to, ETHERTYPE_ARP, &packet)
}

/// Returns an ARP request for `target`.
#[must_use]
pub fn arp_request(target: Ipv4Addr) -> Vec<u8> {
    arp(ARP_REQUEST, BROADCAST, [0; 6], target)
}

/// Returns the hardware address in a reply to [`arp_request`].
#[must_use]
pub fn arp_reply(frame: &[u8], of: Ipv4Addr) -> Option<Mac> {
    let is_reply = frame.get(12..14)? == ETHERTYPE_ARP && frame.get(20..22)? == [0, ARP_REPLY];
    let is_of = frame.get(28..32)? == of.octets();
    (is_reply && is_of).then(|| frame.get(22..28)?.try_into().ok())?
}

/// Returns the ARP reply to a frame that asks for the address of this end; `None` for other frames.
#[must_use]
pub fn answer_to_arp(frame: &[u8]) -> Option<Vec<u8>> {
    let is_request = frame.get(12..14)? == ETHERTYPE_ARP && frame.get(20..22)? == [0, ARP_REQUEST];
    let is_for_us = frame.get(38..42)? == OUR_ADDRESS.octets();
    let (mac, address): (Mac, [u8; 4]) = (
        frame.get(22..28)?.try_into().ok()?,
        frame.get(28..32)?.try_into().ok()?,
    );
    (is_request && is_for_us).then(|| arp(ARP_REPLY, mac, mac, address.into()))
}

/// The fields of an IPv4 header that a test can set to invalid values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ipv4 {
    /// The total length; `None` for the correct one.
    pub total_length: Option<u16>,
    /// The fragment offset in units of 8 bytes, with the more-fragments flag (0x2000).
    pub fragment: u16,
    /// The identification field of the header.
    pub identification: u16,
    /// Version and header length; `None` for 4 and 5.
    pub version_and_length: Option<u8>,
}

/// Returns a frame with an IPv4 packet from this end of the link to the machine.
pub(super) fn ipv4(to: Mac, header: Ipv4, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
    let mut packet = vec![header.version_and_length.unwrap_or(0x45), 0];
    packet.extend(header.total_length.unwrap_or(length).to_be_bytes());
    packet.extend(header.identification.to_be_bytes());
    packet.extend(header.fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(OUR_ADDRESS.octets());
    packet.extend(ITS_ADDRESS.octets());
    let checksum = checksum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(payload);
    ethernet(to, ETHERTYPE_IPV4, &packet)
}

/// Returns a frame with an ICMP echo request.
#[must_use]
pub fn ping(to: Mac, sequence: u16, payload: &[u8], header: Ipv4) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0, 0x12, 0x34];
    message.extend(sequence.to_be_bytes());
    message.extend(payload);
    let checksum = checksum(&message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    ipv4(to, header, PROTOCOL_ICMP, &message)
}

/// Returns whether a frame is the reply to a [`ping`] with this sequence number and payload, with
/// correct checksums.
#[must_use]
pub fn is_pong(frame: &[u8], sequence: u16, payload: &[u8]) -> bool {
    let Some(packet) = ipv4_packet(frame, PROTOCOL_ICMP) else {
        return false;
    };
    let message = &packet[20..];
    message.len() == 8 + payload.len()
        && message[..2] == [0, 0]
        && message[4..6] == [0x12, 0x34]
        && message[6..8] == sequence.to_be_bytes()
        && &message[8..] == payload
        && checksum(message) == 0
}

/// Returns a frame with a UDP datagram without checksum. `length` overrides its length field.
#[must_use]
pub fn datagram(to: Mac, port: u16, payload: &[u8], length: Option<u16>, header: Ipv4) -> Vec<u8> {
    let true_length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let mut message = OUR_PORT.to_be_bytes().to_vec();
    message.extend(port.to_be_bytes());
    message.extend(length.unwrap_or(true_length).to_be_bytes());
    message.extend([0, 0]);
    message.extend(payload);
    ipv4(to, header, PROTOCOL_UDP, &message)
}

/// Returns a frame with a fragment of a datagram: `piece` follows the IPv4 header, whose `fragment`
/// field states the offset.
#[must_use]
pub fn udp_piece(to: Mac, piece: &[u8], header: Ipv4) -> Vec<u8> {
    ipv4(to, header, PROTOCOL_UDP, piece)
}

/// Returns a frame with a valid UDP datagram with checksum.
#[must_use]
pub fn summed_datagram(to: Mac, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = datagram(to, port, payload, None, Ipv4::default());
    let message = &mut frame[34..34 + 8 + payload.len()];
    let sum = match sum_to_machine(PROTOCOL_UDP, message) {
        // Zero would mean that there is no checksum (RFC 768).
        0 => 0xffff,
        sum => sum,
    };
    message[6..8].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Returns the checksum of a UDP or TCP message between this end of the link and the machine, in
/// either direction; 0 for a message that contains a correct checksum.
pub(super) fn sum_to_machine(protocol: u8, message: &[u8]) -> u16 {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    !add(sum_of_addresses(protocol, length), message)
}

/// Returns the sum of the pseudo-header: addresses, protocol and length.
pub(super) fn sum_of_addresses(protocol: u8, length: u16) -> u16 {
    let [high, low] = length.to_be_bytes();
    let sum = add(0, &OUR_ADDRESS.octets());
    add(add(sum, &ITS_ADDRESS.octets()), &[0, protocol, high, low])
}

/// The source port of the datagrams that this end sends.
const OUR_PORT: u16 = 40_007;

/// Returns the payload of a datagram that the machine sent to this end's port.
#[must_use]
pub fn echoed(frame: &[u8]) -> Option<&[u8]> {
    let packet = ipv4_packet(frame, PROTOCOL_UDP)?;
    let message = packet.get(20..)?;
    let length = usize::from(u16::from_be_bytes(message.get(4..6)?.try_into().ok()?));
    let is_for_us = message.get(2..4)? == OUR_PORT.to_be_bytes();
    if is_for_us && length == message.len() {
        message.get(8..)
    } else {
        None
    }
}

/// Returns the IPv4 packet in a frame for this end, cut to its length, if its header is valid.
pub(super) fn ipv4_packet(frame: &[u8], protocol: u8) -> Option<&[u8]> {
    if frame.get(12..14)? != ETHERTYPE_IPV4 {
        return None;
    }
    let packet = frame.get(14..)?;
    let length = usize::from(u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?));
    let header = packet.get(..20)?;
    let in_order = header[0] == 0x45
        && header[9] == protocol
        && header[12..16] == ITS_ADDRESS.octets()
        && header[16..20] == OUR_ADDRESS.octets()
        && checksum(header) == 0;
    if in_order {
        packet.get(..length.max(20))
    } else {
        None
    }
}

/// Returns a frame with this ICMP message, whose checksum is written.
#[must_use]
pub fn icmp(to: Mac, mut message: Vec<u8>) -> Vec<u8> {
    if let Some(place) = message.get_mut(2..4) {
        place.fill(0);
    }
    let sum = checksum(&message);
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    ipv4(to, Ipv4::default(), PROTOCOL_ICMP, &message)
}

/// Changes the source address of a frame with a TCP segment, and updates its checksums.
pub fn spoof(frame: &mut [u8], from: Ipv4Addr) {
    readdress(frame, SOURCE, from, &[TCP_CHECKSUM]);
}

/// Where the addresses of a packet are in its frame.
pub const SOURCE: usize = 26;
/// See [`SOURCE`].
pub const DESTINATION: usize = 30;
/// Where the checksums of a segment and of a datagram are in their frames.
pub const TCP_CHECKSUM: usize = 34 + 16;
/// See [`TCP_CHECKSUM`].
pub const UDP_CHECKSUM: usize = 34 + 6;

/// Changes the address `at` in a frame with an IPv4 packet, and updates the checksum of its header
/// and those at `checksums`.
pub fn readdress(frame: &mut [u8], at: usize, address: Ipv4Addr, checksums: &[usize]) {
    const HEADER_CHECKSUM: usize = 24;
    let Some(place) = frame.get_mut(at..at + 4) else {
        return;
    };
    // The checksum increases by the complement of what the sum loses (RFC 1624).
    let before: Vec<u8> = place.iter().map(|byte| !byte).collect();
    place.copy_from_slice(&address.octets());
    let differs = add(add(0, &before), &address.octets());
    for &place in [HEADER_CHECKSUM].iter().chain(checksums) {
        if let Some([high, low]) = frame.get_mut(place..place + 2) {
            let sum = !add(differs, &[!*high, !*low]);
            [*high, *low] = sum.to_be_bytes();
        }
    }
}

/// Returns the checksum of the Internet protocols (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    !add(0, bytes)
}

/// Adds the 16-bit words of `bytes` to a one's complement sum (RFC 1071).
pub(super) fn add(sum: u16, bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([
            pair[0],
            pair.get(1).copied().unwrap_or(0),
        ]))
    });
    let mut sum = u32::from(sum) + words.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns a ping into the machine's answer: addresses swapped, type 0.
    fn answered(ping: &[u8]) -> Vec<u8> {
        let mut frame = ping.to_vec();
        frame[26..30].copy_from_slice(&ITS_ADDRESS.octets());
        frame[30..34].copy_from_slice(&OUR_ADDRESS.octets());
        frame[34] = 0;
        frame[36..38].fill(0);
        let length = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        let sum = checksum(&frame[34..14 + length]);
        frame[36..38].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    #[test]
    fn the_checksum_over_a_correct_checksum_is_zero() {
        let frame = ping(BROADCAST, 1, b"odd", Ipv4::default());
        assert_eq!((checksum(&frame[14..34]), checksum(&frame[34..45])), (0, 0));
    }

    #[test]
    fn a_datagram_with_a_checksum_sums_to_zero() {
        let frame = summed_datagram(BROADCAST, 7, b"odd");
        assert_eq!(sum_to_machine(PROTOCOL_UDP, &frame[34..45]), 0);
        assert_ne!(frame[40..42], [0, 0]);
    }

    #[test]
    fn a_correct_answer_is_a_pong() {
        let answer = answered(&ping(BROADCAST, 7, b"payload", Ipv4::default()));
        assert!(is_pong(&answer, 7, b"payload"));
    }

    #[test]
    fn an_answer_with_a_wrong_checksum_is_rejected() {
        let mut answer = answered(&ping(BROADCAST, 7, b"payload", Ipv4::default()));
        answer[37] ^= 1;
        assert!(!is_pong(&answer, 7, b"payload"));
    }

    #[test]
    fn a_request_for_our_address_is_answered() {
        let mut request = arp_request(OUR_ADDRESS);
        request[28..32].copy_from_slice(&ITS_ADDRESS.octets());
        let answer = answer_to_arp(&request).unwrap();
        assert_eq!(arp_reply(&answer, OUR_ADDRESS), Some(OUR_MAC));
    }

    #[test]
    fn a_truncated_frame_is_rejected() {
        let whole = answered(&ping(BROADCAST, 7, b"payload", Ipv4::default()));
        for length in 0..42 {
            let cut = &whole[..length];
            assert!(!is_pong(cut, 7, b"payload"));
            assert_eq!(
                (arp_reply(cut, ITS_ADDRESS), answer_to_arp(cut), echoed(cut)),
                Default::default()
            );
        }
    }
}
