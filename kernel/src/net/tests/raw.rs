//! Tests of raw sockets.

use core::net::IpAddr;

use smoltcp::wire::{Icmpv4Packet, IpProtocol, Ipv4Packet};

use super::frames::{echo_request, ipv4};
use super::ip::introduce;
use super::*;
use crate::net::{Queue, RawError};

/// A protocol for experiments (RFC 3692).
const EXPERIMENT: u8 = 253;
const FROM_B: IpAddr = IpAddr::V4(B);

fn experiment(payload: &[u8]) -> Vec<u8> {
    ipv4(B, IpProtocol::Unknown(EXPERIMENT), payload)
}

#[test]
fn packets_go_both_ways() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (one, other) = (a.raw(EXPERIMENT).unwrap(), b.raw(EXPERIMENT).unwrap());
        for length in [0, 1, 100, 1480] {
            let payload = std::vec![7; length];
            one.send_to(&payload, IpAddr::V4(B)).unwrap();
            let packet = other.receive().await;
            assert_eq!(packet.payload(), payload);
            assert_eq!(
                (packet.source(), packet.destination()),
                (IpAddr::V4(A), IpAddr::V4(B))
            );
            other.send_to(packet.payload(), packet.source()).unwrap();
            assert_eq!(one.receive().await.payload(), payload);
        }
        let long = one.send_to(&[0; 1481], IpAddr::V4(B));
        let (length, maximum) = (1481, 1480);
        assert_eq!(long, Err(RawError::TooLong { length, maximum }));
    });
}

#[test]
fn a_sent_packet_is_as_specified() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.raw(EXPERIMENT).unwrap();
    socket.send_to(b"hello", FROM_B).unwrap();
    let sent = machine.answers(MILLISECOND);
    let packet = Ipv4Packet::new_checked(&sent[0][14..]).unwrap();
    assert!(packet.verify_checksum());
    assert_eq!((packet.src_addr(), packet.dst_addr()), (A, B));
    assert_eq!(packet.next_header(), IpProtocol::Unknown(EXPERIMENT));
    assert_eq!(packet.payload(), b"hello");
}

#[test]
fn a_protocol_with_a_socket_is_not_refused() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let refused = machine.answer(experiment(b"x"));
    let packet = Ipv4Packet::new_checked(&refused[0][14..]).unwrap();
    assert_eq!(packet.next_header(), IpProtocol::Icmp);
    let socket = machine.net.raw(EXPERIMENT).unwrap();
    assert!(machine.answer(experiment(b"x")).is_empty());
    let Poll::Ready(packet) = poll_once(socket.receive()) else {
        panic!("nothing was received");
    };
    assert_eq!((packet.source(), packet.payload()), (FROM_B, &b"x"[..]));
    drop(socket);
    assert_eq!(machine.answer(experiment(b"x")).len(), 1);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let small = Queue {
        datagrams: 2,
        bytes: 10,
    };
    let socket = machine.net.raw_with(EXPERIMENT, small).unwrap();
    for payload in [&[1; 8][..], &[2; 8], &[3], &[4]] {
        machine.answer(experiment(payload));
    }
    assert_eq!(socket.dropped(), 2);
    assert_eq!(machine.net.statistics().receive_queue_full, 2);
    for expected in [&[1; 8][..], &[3]] {
        let Poll::Ready(packet) = poll_once(socket.receive()) else {
            panic!("it was dropped");
        };
        assert_eq!(packet.payload(), expected);
    }
    assert!(poll_once(socket.receive()).is_pending());
}

#[test]
fn the_kernel_still_answers_echo_requests_and_others_are_copied() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.raw(1).unwrap();
    assert_eq!(machine.answer(echo_request(b"hello")).len(), 1);
    assert!(poll_once(socket.receive()).is_pending());
    // "Time exceeded", which no other part of the kernel takes.
    let mut message = [11, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum();
    let right = ipv4(B, IpProtocol::Icmp, &message);
    message[9] ^= 1;
    assert!(
        machine
            .answer(ipv4(B, IpProtocol::Icmp, &message))
            .is_empty()
    );
    assert!(
        poll_once(socket.receive()).is_pending(),
        "its checksum is wrong"
    );
    machine.answer(right);
    let Poll::Ready(packet) = poll_once(socket.receive()) else {
        panic!("nothing was received");
    };
    assert_eq!(packet.payload().first(), Some(&11));
}

#[test]
fn what_cannot_be_opened_or_sent_is_an_error_at_once() {
    let machine = Machine::new(1, "10.0.2.15/24");
    let net = machine.net;
    for protocol in [6, 17, 58] {
        assert_eq!(net.raw(protocol).err(), Some(RawError::OfKernel(protocol)));
    }
    let socket = net.raw(EXPERIMENT).unwrap();
    assert_eq!(
        net.raw(EXPERIMENT).err(),
        Some(RawError::ProtocolTaken(EXPERIMENT))
    );
    let far = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(socket.send_to(b"", far), Err(RawError::NoRoute(far)));
    let own = IpAddr::V4(A);
    assert_eq!(socket.send_to(b"", own), Err(RawError::Unaddressable(own)));
    let none = Machine::new(1, "dhcp").net.raw(EXPERIMENT).unwrap();
    assert_eq!(none.send_to(b"", FROM_B), Err(RawError::NoAddress));
    // Nobody answers ARP, so packets wait up to a limit.
    let sent = (0..1000).map(|_| socket.send_to(b"", FROM_B));
    let refused = sent.filter(Result::is_err).count();
    assert!((900..1000).contains(&refused), "{refused}");
    assert_eq!(socket.send_to(b"", FROM_B), Err(RawError::QueueFull));
}
