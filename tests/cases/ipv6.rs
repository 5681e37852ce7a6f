//! Network tests of IPv6 with the app `udp-echo`: this end of the link plays a router.

use std::net::Ipv6Addr;
use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::Mac;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::SILENCE;

use super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread("ipv6_takes_the_addresses_of_a_router", takes_addresses).needing(Need::Table),
    Case::spread("ipv6_survives_random_messages", survives_random_messages).needing(Need::Table),
];

/// This end of the link: the router.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const ROUTER_MAC: Mac = [2, 0, 0, 0, 0, 9];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const ICMP: u8 = 58;
const UDP: u8 = 17;
/// Types of ICMPv6 messages.
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const LISTENER_REPORT: u8 = 143;

/// The time in which an address is checked, and more.
const CHECKED: Duration = Duration::from_secs(3);

/// The link to a machine with a link-local address.
struct Link {
    machine: Machine,
    wire: Wire,
    mac: Mac,
    own: Ipv6Addr,
}

/// Returns the sum of RFC 1071 over the packet's pseudo header and payload.
fn sum(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, payload: &[u8]) -> u16 {
    let pseudo = [from.octets(), to.octets()].concat();
    let mut sum = payload.len() as u32 + u32::from(protocol);
    for part in [&pseudo[..], payload] {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

fn frame(mac: Mac, to: Ipv6Addr, hop_limit: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let at = if protocol == UDP { 6 } else { 2 };
    payload[at..at + 2].fill(0);
    let checksum = !sum(ROUTER, to, protocol, &payload);
    payload[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    let mac = match to.octets() {
        [0xff, .., a, b, c, d] => [0x33, 0x33, a, b, c, d],
        _ => mac,
    };
    let mut frame = [&mac[..], &ROUTER_MAC, &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([protocol, hop_limit]);
    frame.extend(ROUTER.octets());
    frame.extend(to.octets());
    frame.extend(payload);
    frame
}

/// Returns source, destination and the payload of a packet of this protocol with the right checksum.
fn packet(frame: &[u8], protocol: u8) -> Option<(Ipv6Addr, Ipv6Addr, &[u8])> {
    if frame.get(12..14)? != [0x86, 0xdd] {
        return None;
    }
    let address = |at: usize| Some(Ipv6Addr::from(*frame.get(at..)?.first_chunk::<16>()?));
    let length = usize::from(u16::from_be_bytes([*frame.get(18)?, *frame.get(19)?]));
    let mut payload = frame.get(54..54 + length)?;
    let mut next = *frame.get(20)?;
    if next == 0 {
        // A report of groups has a header with "router alert".
        next = *payload.first()?;
        payload = payload.get(8..)?;
    }
    let (from, to) = (address(22)?, address(38)?);
    (next == protocol && sum(from, to, protocol, payload) == 0xffff).then_some((from, to, payload))
}

/// Returns the address that a frame asks for before it is used.
fn probed(frame: &[u8]) -> Option<Ipv6Addr> {
    let (from, _, message) = packet(frame, ICMP)?;
    let target = Ipv6Addr::from(*message.get(8..)?.first_chunk::<16>()?);
    (message[0] == NEIGHBOUR_SOLICITATION && from.is_unspecified()).then_some(target)
}

fn advertisement(prefix: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([
        3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0,
    ]);
    message.extend(prefix.octets());
    message.extend([1, 1]);
    message.extend(ROUTER_MAC);
    message
}

fn prefix(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0)
}

/// Starts the machine, and waits until it asks for routers.
fn linked(setting: &Setting) -> Outcome<Link> {
    let (draft, wire) = setting.machine("udp-echo")?.wired()?;
    let machine = draft.start()?;
    let reported = wire.receive(LIMIT, |frame| {
        let (_, _, message) = packet(frame, ICMP)?;
        (message[0] == LISTENER_REPORT).then_some(())
    });
    ensure!(reported.is_some(), "no report of its groups");
    let probe = wire.receive(LIMIT, |frame| {
        let mac: Mac = frame.get(6..12)?.try_into().ok()?;
        Some((probed(frame)?, mac))
    });
    let Some((own, mac)) = probe else {
        return Err("the link-local address is not checked".into());
    };
    let [a, b, c, d, e, f] = mac;
    let identifier = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    ensure!(own.octets()[8..] == identifier, "{own} is not of {mac:x?}");
    let asked = wire.receive(LIMIT, |frame| {
        let (from, _, message) = packet(frame, ICMP)?;
        (message[0] == ROUTER_SOLICITATION && frame[21] == 255).then_some(from)
    });
    ensure!(asked == Some(own), "routers are asked from {asked:?}");
    Ok(Link {
        machine,
        wire,
        mac,
        own,
    })
}

impl Link {
    fn send(&self, to: Ipv6Addr, hop_limit: u8, message: &[u8]) -> Outcome {
        self.wire
            .send(&frame(self.mac, to, hop_limit, ICMP, message))
    }

    /// Sends an echo request, and checks the reply.
    fn ping(&self, to: Ipv6Addr, payload: &[u8]) -> Outcome {
        let replies = self.replies(to, payload, LIMIT)?;
        let length = payload.len();
        ensure!(replies, "{to} does not reply to {length} bytes");
        Ok(())
    }

    /// Sends an echo request; returns whether there is a reply in time.
    fn replies(&self, to: Ipv6Addr, payload: &[u8], limit: Duration) -> Outcome<bool> {
        let request = [&[128, 0, 0, 0, 0, 7, 0, 1], payload].concat();
        self.send(to, 64, &request)?;
        // Requests among random messages are answered too.
        let replied = self.wire.receive(limit, |frame| {
            let (from, _, message) = packet(frame, ICMP)?;
            (message[0] == 129 && from == to && message[4..] == request[4..]).then_some(())
        });
        Ok(replied.is_some())
    }

    /// Advertises a prefix, and returns the address with it that is checked within `limit`.
    fn advertise(
        &self,
        prefix: Ipv6Addr,
        hop_limit: u8,
        limit: Duration,
    ) -> Outcome<Option<Ipv6Addr>> {
        self.send(ALL_NODES, hop_limit, &advertisement(prefix))?;
        let new = |address: &Ipv6Addr| address.octets()[..8] == prefix.octets()[..8];
        Ok(self.wire.receive(limit, |frame| probed(frame).filter(new)))
    }
}

/// Checks that a machine takes an address with the prefix of a router and is reached by it, gives up
/// one that another machine has, and takes none from another link.
fn takes_addresses(setting: &Setting) -> Outcome {
    let link = linked(setting)?;
    let Some(address) = link.advertise(prefix(1), 255, LIMIT)? else {
        return Err("no address with the prefix of the router is checked".into());
    };
    let ready = format!("ready: UDP echo on {address} port 7");
    link.machine
        .wait_for(&ready, |line| (line == ready).then_some(()))?;
    for size in [0, 56, 1400] {
        link.ping(address, &vec![0xa5; size])?;
    }
    link.ping(link.own, b"link-local")?;
    for size in [0, 5, 1452] {
        let mut datagram = vec![0x0f, 0xa0, 0, 7];
        datagram.extend((8 + size as u16).to_be_bytes());
        datagram.resize(8 + size, 0x5a);
        link.wire
            .send(&frame(link.mac, address, 64, UDP, &datagram))?;
        let reply = link.wire.receive(LIMIT, |frame| {
            let (from, _, reply) = packet(frame, UDP)?;
            Some((from, reply[..4].to_vec(), reply[8..].to_vec()))
        });
        let expected = (address, vec![0, 7, 0x0f, 0xa0], datagram[8..].to_vec());
        ensure!(reply == Some(expected), "{size} bytes: {reply:x?}");
    }
    let far = link.advertise(prefix(2), 254, CHECKED)?;
    ensure!(far.is_none(), "{far:?} is taken from another link");
    let Some(taken) = link.advertise(prefix(3), 255, LIMIT)? else {
        return Err("a second prefix of the router is ignored".into());
    };
    let mut claim = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    claim.extend(taken.octets());
    claim.extend([2, 1]);
    claim.extend(ROUTER_MAC);
    link.send(ALL_NODES, 255, &claim)?;
    let told = format!("has {taken} already");
    link.machine
        .wait_for(&told, |line| line.contains(&told).then_some(()))?;
    link.ping(address, b"still")?;
    let is_used = link.replies(taken, b"not this", SILENCE)?;
    ensure!(!is_used, "{taken} is used");
    Ok(())
}

/// Sends random messages and headers; the machine still has its addresses and answers.
fn survives_random_messages(setting: &Setting) -> Outcome {
    let link = linked(setting)?;
    let mut random = 1u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for round in 1..=2000 {
        let length = 8 + next() % 100;
        let mut payload: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        let to = if next().is_multiple_of(2) {
            ALL_NODES
        } else {
            link.own
        };
        let frame = if next().is_multiple_of(3) {
            payload[1] = (next() % 4) as u8;
            frame(link.mac, to, 64, [0, 43, 44, 60][next() % 4], &payload)
        } else {
            payload[0] = 128 + (next() % 17) as u8;
            payload[1] = 0;
            frame(link.mac, to, 255, ICMP, &payload)
        };
        link.wire.send(&frame)?;
        if round % 200 == 0 {
            link.ping(link.own, b"still?")?;
        }
    }
    link.wire.resolve(LIMIT)?;
    Ok(())
}
