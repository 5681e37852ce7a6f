//! Tests with DHCP servers of all kinds: some refuse, some offer unusable leases, and some send
//! unusual but valid answers.

use smoltcp::wire::{EthernetFrame, IpProtocol, Ipv4Packet, UdpPacket};

use super::super::{Configuration, Ipv4Cidr};
use super::dhcp::configured;
use super::frames::ipv4;
use super::*;

mod told;

pub(super) const DISCOVER: u8 = 1;
pub(super) const OFFER: u8 = 2;
pub(super) const REQUEST: u8 = 3;
pub(super) const ACK: u8 = 5;
const NAK: u8 = 6;

/// The answer of a DHCP server.
#[derive(Clone)]
pub(super) struct Answer {
    kind: u8,
    address: Ipv4Addr,
    options: Vec<u8>,
    /// The content of the fields for a server's name and for a file.
    name: Vec<u8>,
    file: Vec<u8>,
}

/// The options of an ordinary lease.
pub(super) fn lease(kind: u8, seconds: u32) -> Answer {
    let mut options = std::vec![54, 4, 10, 0, 2, 2, 51, 4];
    options.extend(seconds.to_be_bytes());
    Answer {
        kind,
        address: A,
        options,
        name: Vec::new(),
        file: Vec::new(),
    }
}

fn mask(bytes: [u8; 4]) -> Vec<u8> {
    [&[1, 4], &bytes[..]].concat()
}

/// Returns the type and the number of a request.
pub(super) fn question(frame: &[u8]) -> Option<(u8, [u8; 4])> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    assert!(packet.verify_checksum());
    let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
    assert!(datagram.verify_checksum(&packet.src_addr().into(), &packet.dst_addr().into()));
    let message = datagram.payload();
    assert_eq!((message[0], message.len()), (1, 300));
    assert_eq!(message[240..242], [53, 1]);
    Some((message[242], *message[4..].first_chunk()?))
}

pub(super) fn message(answer: &Answer, number: [u8; 4], mac: [u8; 6]) -> Vec<u8> {
    let mut message = std::vec![0; 240];
    message[..3].copy_from_slice(&[2, 1, 6]);
    message[4..8].copy_from_slice(&number);
    message[16..20].copy_from_slice(&answer.address.octets());
    message[28..34].copy_from_slice(&mac);
    message[44..44 + answer.name.len()].copy_from_slice(&answer.name);
    message[108..108 + answer.file.len()].copy_from_slice(&answer.file);
    message[236..240].copy_from_slice(&[99, 130, 83, 99]);
    message.extend([53, 1, answer.kind]);
    message.extend(&answer.options);
    message.push(255);
    let length = (8 + message.len()) as u16;
    let mut datagram = std::vec![0, 67, 0, 68];
    datagram.extend(length.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    // To the address that the machine is about to get.
    let mut frame = ipv4(B, IpProtocol::Udp, &datagram);
    frame[..6].copy_from_slice(&mac);
    frame
}

/// Runs the machine until `until` with a server on the wire, and returns its requests with their
/// times.
fn run(
    machine: &mut Machine,
    from: u64,
    until: u64,
    serve: impl Fn(u8) -> Option<Answer>,
) -> Vec<(u64, u8)> {
    let mut asked = Vec::new();
    let mut now = from;
    loop {
        while machine.turn(now) {
            let sent: Vec<_> = machine.card.sent.drain(..).collect();
            for (kind, number) in sent.iter().filter_map(|frame| question(frame)) {
                asked.push((now, kind));
                if let Some(answer) = serve(kind) {
                    let message = message(&answer, number, machine.card.mac);
                    machine.card.received.push_back(message);
                }
            }
        }
        if now >= until {
            return asked;
        }
        let deadline = machine.stack.next_deadline().unwrap_or(until);
        now = deadline.clamp(now + 1000, until);
    }
}

/// Returns the configuration of a machine whose lease of one hour contained these options.
fn leased(options: &[u8], change: impl Fn(&mut Answer)) -> Option<Configuration> {
    let mut machine = Machine::new(1, "dhcp");
    run(&mut machine, 0, 3 * SECOND, |kind| {
        let mut answer = lease(if kind == DISCOVER { OFFER } else { ACK }, 3600);
        answer.options.extend(options);
        change(&mut answer);
        Some(answer)
    });
    configured(&machine)
}

/// Returns the pauses between requests, in seconds.
fn pauses(asked: &[(u64, u8)], kind: u8) -> Vec<u64> {
    let times: Vec<_> = asked.iter().filter(|one| one.1 == kind).collect();
    let pause = |pair: &[&(u64, u8)]| (pair[1].0 - pair[0].0) / SECOND;
    times.windows(2).map(pause).collect()
}

/// Returns whether pauses double from 4 or 8 seconds up to 64, each within a second.
fn assert_doubling(pauses: &[u64], what: &str) {
    assert!(pauses.len() >= 5, "{what}: {pauses:?}");
    let mut expected = if pauses[0] < 6 { 4 } else { 8 };
    for pause in pauses {
        let from = expected - 1;
        assert!((from..=expected + 1).contains(pause), "{what}: {pauses:?}");
        expected = (2 * expected).min(64);
    }
}

#[test]
fn a_silent_server_is_asked_with_growing_pauses() {
    let mut machine = Machine::new(1, "dhcp");
    let asked = run(&mut machine, 0, 600 * SECOND, |_| None);
    assert_doubling(&pauses(&asked, DISCOVER), "silence");
    assert!(asked.len() < 16, "{asked:?}");
}

#[test]
fn no_answer_makes_a_client_ask_faster_than_silence_does() {
    let refused = |kind| Some(lease(if kind == DISCOVER { OFFER } else { NAK }, 3600));
    let of = |seconds| move |kind| Some(lease(if kind == DISCOVER { OFFER } else { ACK }, seconds));
    let only_ack = |seconds| {
        move |kind| {
            let ack = lease(ACK, seconds);
            Some(if kind == DISCOVER {
                lease(OFFER, 3600)
            } else {
                ack
            })
        }
    };
    let at = |kind, address: [u8; 4]| Answer {
        address: address.into(),
        ..lease(kind, 3600)
    };
    let moved = |address| {
        move |kind| {
            Some(if kind == DISCOVER {
                lease(OFFER, 3600)
            } else {
                at(ACK, address)
            })
        }
    };
    type Serve = Box<dyn Fn(u8) -> Option<Answer>>;
    let servers: [(&str, Serve); 9] = [
        ("it refuses", Box::new(refused)),
        ("for 0 s", Box::new(of(0))),
        ("for 1 s", Box::new(of(1))),
        ("for 0 s in the end", Box::new(only_ack(0))),
        ("broadcast", Box::new(moved([255; 4]))),
        ("loopback", Box::new(moved([127, 0, 0, 1]))),
        ("nobody's", Box::new(moved([0; 4]))),
        ("offers only", Box::new(|_| Some(lease(OFFER, 3600)))),
        ("refuses all", Box::new(|_| Some(lease(NAK, 3600)))),
    ];
    for (what, serve) in servers {
        let mut machine = Machine::new(1, "dhcp");
        let asked = run(&mut machine, 0, 600 * SECOND, serve);
        assert!(asked.len() < 60, "{what}: {} questions", asked.len());
        let discovers = pauses(&asked, DISCOVER);
        assert!(discovers.len() < 16, "{what}: {discovers:?}");
        assert!(
            discovers.iter().all(|pause| *pause >= 3),
            "{what}: {discovers:?}"
        );
        assert_eq!(configured(&machine), None, "{what}");
        let refused = machine.stack.statistics().dhcp_refused;
        assert!(
            refused > 3 || what.contains("all") || what.contains("only"),
            "{what}: {refused}"
        );
    }
}

#[test]
fn a_lease_is_renewed_every_4_seconds_at_most() {
    // The server may say when to renew (options 58 and 59).
    let at_once = [58, 4, 0, 0, 0, 0, 59, 4, 0, 0, 0, 0];
    for (seconds, renewal) in [(8, &[][..]), (3600, &at_once)] {
        let mut machine = Machine::new(1, "dhcp");
        let asked = run(&mut machine, 0, 100 * SECOND, |kind| {
            let mut answer = lease(if kind == DISCOVER { OFFER } else { ACK }, seconds);
            answer.options.extend(renewal);
            Some(answer)
        });
        assert!(configured(&machine).is_some());
        let pauses = pauses(&asked, REQUEST);
        assert!(pauses.len() >= 2, "{asked:?}");
        assert!(pauses.iter().all(|pause| *pause >= 4), "{pauses:?}");
    }
}

#[test]
fn an_offer_without_a_server_or_for_a_few_seconds_is_refused() {
    let nameless = leased(&[], |answer| drop(answer.options.drain(..6)));
    assert_eq!(nameless, None);
    for seconds in [0, 7] {
        let short = leased(&[], |answer| answer.options = lease(0, seconds).options);
        assert_eq!(short, None);
    }
}

#[test]
fn a_rejected_renewal_removes_the_address_at_once() {
    let mut machine = Machine::new(1, "dhcp");
    let acknowledge = |kind| Some(lease(if kind == DISCOVER { OFFER } else { ACK }, 1000));
    run(&mut machine, 0, SECOND, acknowledge);
    assert!(configured(&machine).is_some());
    let refuse = |kind| (kind == REQUEST).then(|| lease(NAK, 1000));
    // To ask its server, the machine must know the server's hardware address.
    machine.answer(frames::arp(smoltcp::wire::ArpOperation::Request, B, A));
    CLOCK.set(499 * SECOND);
    machine
        .card
        .received
        .push_back(frames::arp(smoltcp::wire::ArpOperation::Request, B, A));
    machine.answers(499 * SECOND);
    let asked = run(&mut machine, 499 * SECOND, 502 * SECOND, refuse);
    assert_eq!(asked.iter().map(|one| one.1).collect::<Vec<_>>(), [REQUEST]);
    assert_eq!(configured(&machine), None);
    let asked = run(&mut machine, 502 * SECOND, 520 * SECOND, acknowledge);
    assert_eq!(asked[0].1, DISCOVER);
    assert!(configured(&machine).is_some());
}

#[test]
fn an_unusable_answer_does_not_end_a_lease() {
    let mut machine = Machine::new(1, "dhcp");
    run(&mut machine, 0, SECOND, |kind| {
        Some(lease(if kind == DISCOVER { OFFER } else { ACK }, 1000))
    });
    let before = configured(&machine);
    machine
        .card
        .received
        .push_back(frames::arp(smoltcp::wire::ArpOperation::Request, B, A));
    machine.answers(499 * SECOND);
    run(&mut machine, 499 * SECOND, 502 * SECOND, |_| {
        Some(lease(ACK, 0))
    });
    assert_eq!(configured(&machine), before);
}

#[test]
fn options_continue_in_the_name_fields_if_the_server_says_so() {
    for (overload, in_name, in_file) in [(1, false, true), (2, true, false), (3, true, true)] {
        let taken = leased(&[52, 1, overload], |answer| {
            if in_name {
                answer.name = [mask([255, 255, 255, 0]), std::vec![255]].concat();
            }
            if in_file {
                answer.file = std::vec![3, 4, 10, 0, 2, 2, 255];
            }
        })
        .unwrap();
        assert_eq!(taken.gateway, in_file.then_some(B), "{overload}");
        assert_eq!(taken.address.prefix_len(), if in_name { 24 } else { 8 });
    }
    // The fields contain names.
    let taken = leased(&[], |answer| {
        answer.file = std::vec![3, 4, 10, 0, 2, 2, 255];
    });
    assert_eq!(taken.unwrap().gateway, None);
}

#[test]
fn without_a_valid_mask_the_class_sets_the_prefix() {
    for (address, prefix) in [
        ([10, 0, 2, 15], 8),
        ([172, 16, 0, 9], 16),
        ([192, 168, 1, 9], 24),
    ] {
        let own = |answer: &mut Answer| answer.address = address.into();
        for options in [Vec::new(), mask([0; 4]), mask([255, 0, 255, 0])] {
            let taken = leased(&options, own).unwrap();
            assert_eq!(
                taken.address,
                Ipv4Cidr::new(address.into(), prefix),
                "{options:?}"
            );
        }
    }
}

#[test]
fn classless_routes_are_taken_in_place_of_the_router() {
    let routes = [
        &mask([255, 255, 255, 255])[..],
        // The router, which the routes replace.
        &[3, 4, 10, 0, 2, 99],
        // The gateway is on the link, the default route uses it, and another network is behind
        // another router.
        &[
            121, 23, 32, 10, 0, 2, 2, 0, 0, 0, 0, 0, 10, 0, 2, 2, 12, 172, 16, 10, 0, 2, 3, 7, 7,
        ],
    ];
    let taken = leased(&routes.concat(), |_| {}).unwrap();
    assert_eq!(taken.gateway, Some(B));
    let next = |address: [u8; 4]| taken.next_hop(address.into());
    assert_eq!(next([10, 0, 2, 2]), Some(B));
    assert_eq!(next([8, 8, 8, 8]), Some(B));
    assert_eq!(next([172, 31, 0, 1]), Some(Ipv4Addr::new(10, 0, 2, 3)));
}

#[test]
fn a_router_outside_the_prefix_is_on_the_link() {
    let options = [&mask([255; 4])[..], &[3, 4, 172, 16, 0, 1]].concat();
    let taken = leased(&options, |_| {}).unwrap();
    let router = Ipv4Addr::new(172, 16, 0, 1);
    assert_eq!(taken.gateway, Some(router));
    assert_eq!(taken.next_hop([8; 4].into()), Some(router));
}

#[test]
fn any_message_is_handled() {
    let mut random = 1u32;
    let mut byte = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    };
    for _ in 0..if cfg!(miri) { 15 } else { 2000 } {
        let mut machine = Machine::new(1, "dhcp");
        let mut options: Vec<u8> = (0..byte() % 60).map(|_| byte()).collect();
        if byte() & 1 == 0 {
            options.insert(0, [121, 52, 255, 6, 3][usize::from(byte() % 5)]);
        }
        run(&mut machine, 0, SECOND, |kind| {
            let mut answer = lease(if kind == DISCOVER { OFFER } else { ACK }, 3600);
            answer.options.extend(&options);
            answer.file = options.clone();
            Some(answer)
        });
    }
}

#[test]
fn an_address_that_is_gained_changed_and_lost_is_seen() {
    let mut machine = Machine::new(1, "dhcp");
    let net = machine.net;
    let seen = |known| match poll_once(net.configuration_changed(known)) {
        Poll::Ready(now) => now,
        Poll::Pending => panic!("nothing changed"),
    };
    assert!(poll_once(net.configuration_changed(None)).is_pending());
    run(&mut machine, 0, SECOND, |kind| {
        Some(lease(if kind == DISCOVER { OFFER } else { ACK }, 10))
    });
    let first = seen(None);
    assert_eq!(first.unwrap().address.address(), A);
    assert!(poll_once(net.configuration_changed(first)).is_pending());
    net.configure("10.0.2.16/24".parse().unwrap());
    let second = seen(first);
    assert_eq!(
        second.unwrap().address.address(),
        Ipv4Addr::new(10, 0, 2, 16)
    );
    net.configure("dhcp".parse().unwrap());
    assert_eq!(seen(second), None);
}

#[test]
fn a_flapping_link_causes_no_flood_of_requests() {
    let mut machine = Machine::new(1, "dhcp");
    let mut asked = 0;
    for step in 0..1000_u64 {
        CLOCK.set(step * 10 * MILLISECOND);
        machine.stack.link(step % 2 == 0);
        asked += run(&mut machine, step * 10 * MILLISECOND, 0, |_| None).len();
    }
    assert!(asked <= 11, "{asked} questions in 10 s");
}
