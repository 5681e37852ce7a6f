//! Tests of IPv6 on a simulated wire. Messages are written byte by byte, and read by smoltcp.

#[cfg(feature = "edge-nal")]
mod adapters;
mod addresses;
mod answers;
mod conflicts;
mod floods;
mod hostile;
mod messages;
mod neighbours;
#[cfg(feature = "raw")]
mod raw;
mod resolver;
mod sockets;

use core::net::Ipv6Addr;

use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, NdiscRepr,
    UdpPacket,
};

use super::*;
use crate::net::Ip6;

/// The link-local address and the hardware address of the router, and a machine on its link.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const OTHER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const THEIR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const UNSPECIFIED: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// The address of machine `last` with this prefix.
fn own(prefix: &str, last: u8) -> Ipv6Addr {
    let prefix = ip(prefix).to_bits();
    Ipv6Addr::from_bits(prefix | 0x00ff_fe00_0000 | u128::from(last))
}

/// Returns a frame from [`THEIR_MAC`], with a payload whose checksum, if any, is at the offset.
fn frame(
    from: Ipv6Addr,
    to: Ipv6Addr,
    hop_limit: u8,
    protocol: u8,
    payload: &[u8],
    checksum: Option<usize>,
) -> Vec<u8> {
    let mut payload = payload.to_vec();
    if let Some(at) = checksum {
        payload[at..at + 2].fill(0);
        let mut sum = payload.len() as u32 + u32::from(protocol);
        let addresses = [from.octets(), to.octets()].concat();
        for part in [&addresses, &payload] {
            for pair in part.chunks(2) {
                let low = pair.get(1).copied().unwrap_or(0);
                sum += u32::from(u16::from_be_bytes([pair[0], low]));
            }
        }
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        payload[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    }
    let mac = match to.is_multicast() {
        true => {
            let [.., a, b, c, d] = to.octets();
            [0x33, 0x33, a, b, c, d]
        }
        false => [2, 0, 0, 0, 0, 1],
    };
    let mut frame = [&mac[..], &THEIR_MAC, &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([protocol, hop_limit]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(payload);
    frame
}

fn icmp(from: Ipv6Addr, to: Ipv6Addr, hop_limit: u8, message: &[u8]) -> Vec<u8> {
    frame(from, to, hop_limit, 58, message, Some(2))
}

fn udp(from: Ipv6Addr, to: Ipv6Addr, ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let [source, destination] = ports.map(u16::to_be_bytes);
    let header = [source, destination, length.to_be_bytes(), [0, 0]].concat();
    frame(from, to, 64, 17, &[&header[..], payload].concat(), Some(6))
}

fn echo_request(from: Ipv6Addr, to: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    icmp(
        from,
        to,
        64,
        &[&[128, 0, 0, 0, 0, 7, 0, 1], payload].concat(),
    )
}

/// The option with a hardware address: 1 of the sender, 2 of the target.
fn mac_option(kind: u8, mac: [u8; 6]) -> Vec<u8> {
    [&[kind, 1][..], &mac].concat()
}

/// A prefix with its lifetimes in seconds; on the link and for addresses.
fn prefix(prefix: &str, valid: u32, preferred: u32) -> Vec<u8> {
    let mut option = std::vec![3, 4, 64, 0xc0];
    option.extend(valid.to_be_bytes());
    option.extend(preferred.to_be_bytes());
    option.extend([0; 4]);
    option.extend(ip(prefix).octets());
    option
}

/// The message of a router that is one for this many seconds.
fn advertisement(lifetime: u16, options: &[&[u8]]) -> Vec<u8> {
    let mut message = std::vec![134, 0, 0, 0, 64, 0];
    message.extend(lifetime.to_be_bytes());
    message.extend([0; 8]);
    for option in options {
        message.extend(*option);
    }
    message
}

fn advertise(lifetime: u16, options: &[&[u8]]) -> Vec<u8> {
    icmp(ROUTER, ALL_NODES, 255, &advertisement(lifetime, options))
}

fn solicit(from: Ipv6Addr, to: Ipv6Addr, target: Ipv6Addr, option: &[u8]) -> Vec<u8> {
    let message = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &target.octets(), option].concat();
    icmp(from, to, 255, &message)
}

fn neighbour(from: Ipv6Addr, to: Ipv6Addr, target: Ipv6Addr, flags: u8, mac: [u8; 6]) -> Vec<u8> {
    let head = [136, 0, 0, 0, flags, 0, 0, 0];
    let message = [&head[..], &target.octets(), &mac_option(2, mac)].concat();
    icmp(from, to, 255, &message)
}

fn group(of: Ipv6Addr) -> Ipv6Addr {
    let low = of.to_bits() & 0x00ff_ffff;
    Ipv6Addr::from_bits(ip("ff02::1:ff00:0").to_bits() | low)
}

/// Returns the packet in a frame, if it is one of IPv6.
fn packet(frame: &[u8]) -> Option<Ipv6Packet<&[u8]>> {
    let frame = EthernetFrame::new_checked(frame).unwrap();
    (frame.ethertype() == EthernetProtocol::Ipv6)
        .then(|| Ipv6Packet::new_checked(frame.payload()).unwrap())
}

/// Returns the message of ICMPv6 in a frame; its checksum is right.
fn message(frame: &[u8]) -> Option<Icmpv6Repr<'_>> {
    let packet = packet(frame)?;
    if packet.next_header() != IpProtocol::Icmpv6 {
        return None;
    }
    let (from, to) = (packet.src_addr(), packet.dst_addr());
    let message = Icmpv6Packet::new_checked(packet.payload()).unwrap();
    let capabilities = smoltcp::phy::ChecksumCapabilities::default();
    Some(Icmpv6Repr::parse(&from, &to, &message, &capabilities).unwrap())
}

fn discovery(frame: &[u8]) -> Option<NdiscRepr<'_>> {
    match message(frame)? {
        Icmpv6Repr::Ndisc(message) => Some(message),
        _ => None,
    }
}

/// Returns the ports and the payload of the datagram in a frame; its checksum is right.
fn datagram(frame: &[u8]) -> Option<([u16; 2], Vec<u8>)> {
    let packet = packet(frame)?;
    if packet.next_header() != IpProtocol::Udp {
        return None;
    }
    let datagram = UdpPacket::new_checked(packet.payload()).unwrap();
    let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
    assert!(datagram.checksum() != 0 && datagram.verify_checksum(&from, &to));
    let ports = [datagram.src_port(), datagram.dst_port()];
    Some((ports, datagram.payload().to_vec()))
}

impl Machine {
    /// Returns machine 1 with IPv6, which has sent nothing yet.
    fn sixth(ip6: Ip6) -> Self {
        let machine = Self::new(1, "10.0.2.15/24");
        machine.net.configure_ipv6(ip6);
        machine
    }

    /// Runs turns until nothing is due; returns what it sends.
    fn sends(&mut self, now: u64) -> Vec<Vec<u8>> {
        let mut turns = 0;
        while self.turn(now) || self.stack.due() <= now {
            turns += 1;
            assert!(turns < 1000, "what is due is never done");
        }
        self.card.sent.drain(..).collect()
    }

    /// Runs it until a time, at each of its deadlines; returns what it sends.
    fn until(&mut self, end: u64) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        let mut now = CLOCK.get();
        loop {
            sent.extend(self.sends(now));
            let next = self.stack.next_deadline();
            let Some(next) = next.filter(|next| *next <= end) else {
                CLOCK.set(end);
                return sent;
            };
            assert!(next > now, "what is due is never done");
            now = next;
        }
    }

    /// Passes frames to the machine now, and returns what it sends at once.
    fn hears(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        self.card.received.push_back(frame);
        self.sends(CLOCK.get().max(MILLISECOND))
    }

    /// Returns the machine with its link-local address.
    fn ready() -> Self {
        let mut machine = Self::sixth(Ip6::Auto);
        machine.until(3 * SECOND);
        machine
    }

    /// Returns the machine with an address in 2001:db8::/64 and a router.
    fn routed() -> Self {
        let mut machine = Self::ready();
        let option = prefix("2001:db8::", 86400, 14400);
        let mac = mac_option(1, THEIR_MAC);
        machine.hears(advertise(1800, &[&option, &mac]));
        machine.until(5 * SECOND);
        machine
    }

    fn addresses(&self) -> Vec<Ipv6Addr> {
        let configuration = self.net.ipv6_configuration();
        configuration.addresses().map(|(ip, _)| ip).collect()
    }
}
