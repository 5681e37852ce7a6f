//! Tests of which packets are answered (RFC 1122, 3.2.1.3, 3.2.2 and 3.3.6), and how often.

use smoltcp::wire::{ArpOperation, Icmpv4Message, Icmpv4Packet, IpProtocol, Ipv4Packet};

use super::frames::{arp, echo_request, fragments, ipv4, udp};
use super::ip::introduce;
use super::*;

/// Returns a SYN to the port.
fn syn(port: u16) -> Vec<u8> {
    let mut segment = std::vec![0x0f, 0xa0];
    segment.extend(port.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]);
    ipv4(B, IpProtocol::Tcp, &segment)
}

/// Returns the frame with other addresses and correct checksums.
fn moved(mut frame: Vec<u8>, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    let mut packet = Ipv4Packet::new_unchecked(&mut frame[14..]);
    packet.set_src_addr(from);
    packet.set_dst_addr(to);
    packet.fill_checksum();
    let protocol = packet.next_header();
    let addresses = (from.into(), to.into());
    let payload = packet.payload_mut();
    match protocol {
        IpProtocol::Udp => smoltcp::wire::UdpPacket::new_unchecked(payload)
            .fill_checksum(&addresses.0, &addresses.1),
        IpProtocol::Tcp => smoltcp::wire::TcpPacket::new_unchecked(payload)
            .fill_checksum(&addresses.0, &addresses.1),
        _ => {}
    }
    frame
}

/// Returns one example of each packet that is answered if it comes from a single machine.
fn questions() -> [Vec<u8>; 5] {
    let unknown = ipv4(B, IpProtocol::Unknown(99), b"what?");
    [
        udp(B, 4000, 9, b"hello"),
        syn(80),
        syn(81),
        echo_request(b"hello"),
        unknown,
    ]
}

fn machine() -> (Machine, super::super::TcpListener) {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    introduce(&mut machine);
    let listener = machine.net.tcp_listen(80).unwrap();
    (machine, listener)
}

#[test]
fn packets_from_a_single_machine_are_answered() {
    let (mut machine, _listener) = machine();
    for question in questions() {
        assert_eq!(machine.answer(moved(question, B, A)).len(), 1);
    }
}

#[test]
fn packets_from_an_impossible_address_are_not_answered() {
    let (mut machine, _listener) = machine();
    let sources = [
        "10.0.2.15",
        "10.0.2.255",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
    ];
    for source in sources {
        for question in questions() {
            let question = moved(question, source.parse().unwrap(), A);
            assert!(machine.answer(question.clone()).is_empty(), "{source}");
            for piece in fragments(&question, 8) {
                machine.card.received.push_back(piece);
            }
            assert!(
                machine.answers(MILLISECOND).is_empty(),
                "{source} in fragments"
            );
        }
    }
    assert!(machine.stack.statistics().forged_source > 50);
}

#[test]
fn broadcast_packets_are_not_answered() {
    let (mut machine, _listener) = machine();
    for to in [
        "10.0.2.15",
        "10.0.2.255",
        "255.255.255.255",
        "224.0.0.1",
        "127.0.0.1",
    ] {
        for question in questions() {
            let mut question = moved(question, B, to.parse().unwrap());
            if to != "10.0.2.15" {
                // In a frame to this machine only, which no correct host would send.
                assert!(machine.answer(question.clone()).is_empty(), "{to}");
            }
            question[..6].fill(0xff);
            assert!(
                machine.answer(question.clone()).is_empty(),
                "{to}, broadcast"
            );
            question[..6].copy_from_slice(&[1, 0, 0x5e, 0, 0, 1]);
            assert!(machine.answer(question).is_empty(), "{to}, multicast");
        }
    }
}

#[test]
fn a_broadcast_datagram_is_received_and_can_be_replied_to() {
    let (mut machine, _listener) = machine();
    let socket = machine.net.udp(7).unwrap();
    for to in ["10.0.2.255", "255.255.255.255"] {
        let mut question = moved(udp(B, 4000, 7, b"hello"), B, to.parse().unwrap());
        question[..6].fill(0xff);
        machine.answer(question);
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            panic!("nothing")
        };
        assert_eq!(poll_once(socket.send_back(datagram)), Poll::Ready(Ok(())));
        let sent = machine.answers(MILLISECOND);
        assert_eq!(sent.len(), 1);
        let packet = Ipv4Packet::new_checked(&sent[0][14..]).unwrap();
        assert_eq!((packet.src_addr(), packet.dst_addr()), (A, B));
    }
}

#[test]
fn an_icmp_error_quotes_28_bytes_with_right_checksums() {
    let (mut machine, _listener) = machine();
    for length in [0, 1, 100, 1400] {
        let question = udp(B, 4000, 9, &std::vec![7; length]);
        let answers = machine.answer(question.clone());
        assert_eq!((answers.len(), answers[0].len()), (1, 14 + 20 + 8 + 28));
        let packet = Ipv4Packet::new_checked(&answers[0][14..]).unwrap();
        assert!(packet.verify_checksum());
        let message = Icmpv4Packet::new_checked(packet.payload()).unwrap();
        assert!(message.verify_checksum());
        assert_eq!(message.msg_type(), Icmpv4Message::DstUnreachable);
        assert_eq!(message.data(), &question[14..42]);
    }
}

#[test]
fn errors_are_limited_and_the_rest_is_counted() {
    let (mut machine, _listener) = machine();
    let mut errors = 0;
    let datagrams = if cfg!(miri) { 120 } else { 1000 };
    for second in 1..=3 {
        for _ in 0..datagrams {
            machine.card.received.push_back(udp(B, 4000, 9, b"x"));
            errors += machine.answers(second * SECOND).len();
        }
    }
    assert_eq!(errors, 300);
    let suppressed = machine.stack.statistics().icmp_errors_suppressed;
    assert_eq!(suppressed, 3 * datagrams - 300);
    // Echo requests are still answered.
    assert_eq!(machine.answer(echo_request(b"still?")).len(), 1);
}

#[test]
fn an_error_is_not_answered() {
    let (mut machine, _listener) = machine();
    let answers = machine.answer(udp(B, 4000, 9, b"hello"));
    let error = answers[0][34..].to_vec();
    assert!(machine.answer(ipv4(B, IpProtocol::Icmp, &error)).is_empty());
}

#[test]
fn incomplete_datagrams_are_dropped_and_counted() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let pieces = |identification: u16, payload: u8| {
        let mut pieces = fragments(&udp(B, 4000, 7, &[payload; 2000]), 1480);
        for piece in &mut pieces {
            let mut packet = Ipv4Packet::new_unchecked(&mut piece[14..]);
            packet.set_ident(identification);
            packet.fill_checksum();
        }
        pieces
    };
    let socket = machine.net.udp(7).unwrap();
    for identification in 0..4 {
        machine.answer(pieces(identification, 1)[0].clone());
    }
    // The oldest datagram is dropped; the newest ones stay.
    for piece in pieces(9, 2)
        .into_iter()
        .chain(pieces(3, 1).into_iter().skip(1))
    {
        machine.card.received.push_back(piece);
    }
    machine.answers(MILLISECOND);
    for last in [2, 1] {
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            panic!("nothing")
        };
        assert!(datagram.payload() == [last; 2000]);
    }
    assert_eq!(machine.stack.statistics().fragments_dropped, 1);
    // The remaining ones are dropped when a fragment arrives after a minute.
    machine.card.received.push_back(pieces(20, 1)[0].clone());
    machine.answers(70 * SECOND);
    assert!(machine.stack.statistics().fragments_dropped >= 3);
}

#[test]
fn a_packet_with_options_is_handled_like_one_without() {
    let (mut machine, _listener) = machine();
    let socket = machine.net.udp(7).unwrap();
    for question in [udp(B, 4000, 7, b"hello"), echo_request(b"hello"), syn(80)] {
        let mut frame = question[..34].to_vec();
        frame.extend([1, 1, 1, 0]);
        frame.extend(&question[34..]);
        frame[14] = 0x46;
        let mut packet = Ipv4Packet::new_unchecked(&mut frame[14..]);
        packet.set_total_len(question.len() as u16 - 14 + 4);
        packet.fill_checksum();
        let frame = moved(frame, B, A);
        machine.card.received.push_back(frame);
        let answered = machine.answers(MILLISECOND).len();
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            assert_eq!(answered, 1);
            continue;
        };
        assert_eq!(datagram.payload(), b"hello");
    }
}

#[test]
fn an_address_conflict_does_not_end_service() {
    let (mut machine, _listener) = machine();
    for _ in 0..10 {
        machine.answer(arp(ArpOperation::Reply, A, B));
    }
    assert_eq!(machine.answer(echo_request(b"still?")).len(), 1);
}

#[test]
fn routers_may_cut_long_answers_and_need_not_cut_short_ones() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    let mut identifications = Vec::new();
    for length in [64, 548, 549, 1400, 1400] {
        let request = udp(B, 4000, 7, &std::vec![1; length]);
        assert!(machine.answer(request).is_empty());
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            panic!("nothing arrived");
        };
        assert!(poll_once(socket.send_back(datagram)).is_ready());
        let mut answers = machine.answers(MILLISECOND);
        answers.extend(machine.answer(echo_request(&std::vec![1; length])));
        assert_eq!(answers.len(), 2);
        for answer in answers {
            let packet = Ipv4Packet::new_checked(&answer[14..]).unwrap();
            assert!(packet.verify_checksum());
            assert_eq!(packet.dont_frag(), length <= 548, "{length}");
            assert!(!packet.more_frags() && packet.frag_offset() == 0);
            if length > 548 {
                identifications.push(packet.ident());
            }
        }
    }
    let count = identifications.len();
    identifications.sort_unstable();
    identifications.dedup();
    assert_eq!(identifications.len(), count);
}
