//! Tests of multicast groups and of the answers to a router's queries (IGMP).

use smoltcp::wire::Ipv4Packet;

use super::super::UdpSocket;
use super::*;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 2);
/// A query for this address is for all groups, and goes to all machines.
const ALL: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// Returns a router's question for the members of a group (RFC 2236, 2.1).
fn query(group: Ipv4Addr) -> Vec<u8> {
    let [a, b, c, d] = group.octets();
    let to = if group == ALL {
        Ipv4Addr::new(224, 0, 0, 1)
    } else {
        group
    };
    let mut message = [0x11, 100, 0, 0, a, b, c, d];
    smoltcp::wire::IgmpPacket::new_unchecked(&mut message[..]).fill_checksum();
    let router = Ipv4Addr::new(10, 0, 2, 1);
    let mut frame = frames::ipv4(router, smoltcp::wire::IpProtocol::Igmp, &message);
    let [_, b, c, d] = to.octets();
    frame[..6].copy_from_slice(&[0x01, 0x00, 0x5e, b & 0x7f, c, d]);
    let mut packet = Ipv4Packet::new_unchecked(&mut frame[14..]);
    packet.set_dst_addr(to);
    packet.fill_checksum();
    frame
}

#[test]
fn queries_are_answered_ten_times_a_second_at_most() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    machine.net.join(GROUP).unwrap();
    machine.answers(SECOND);
    let mut answers = [0; 3];
    for millisecond in (0..3000).step_by(if cfg!(miri) { 30 } else { 1 }) {
        machine.card.received.push_back(query(GROUP));
        let now = 5 * SECOND + millisecond * MILLISECOND;
        answers[millisecond as usize / 1000] += machine.answers(now).len();
    }
    // The first second has those of the silence before.
    assert!(
        answers[0] <= 21 && answers[1] <= 11 && answers[2] <= 11,
        "{answers:?}"
    );
    machine.card.received.push_back(query(GROUP));
    assert_eq!(machine.answers(9 * SECOND).len(), 1);
}

/// Returns the group of a report.
fn reported(frame: &[u8]) -> Option<Ipv4Addr> {
    let packet = Ipv4Packet::new_checked(&frame[14..]).ok()?;
    let message = packet.payload();
    (message[0] == 0x16).then(|| Ipv4Addr::new(message[4], message[5], message[6], message[7]))
}

#[test]
fn a_membership_is_reported_twice_because_a_report_can_be_lost() {
    let other = Ipv4Addr::new(239, 1, 1, 1);
    let reports =
        |sent: &[Vec<u8>]| -> Vec<_> { sent.iter().filter_map(|frame| reported(frame)).collect() };
    let mut machine = Machine::new(1, "10.0.2.15/24");
    machine.answers(SECOND);
    machine.net.join(GROUP).unwrap();
    assert_eq!(reports(&machine.answers(SECOND)), [GROUP]);
    machine.net.join(other).unwrap();
    assert_eq!(reports(&machine.answers(2 * SECOND)), [other]);
    // Meanwhile, queries are answered.
    machine.card.received.push_back(query(GROUP));
    assert_eq!(reports(&machine.answers(3 * SECOND)), [GROUP]);
    let mut again = Vec::new();
    for second in 4..40 {
        again.extend(reports(&machine.answers(second * SECOND)));
        assert!(
            second < 13 || again == [GROUP, other],
            "{second}: {again:?}"
        );
    }
    // Not if it was left meanwhile, and again once the link is another one.
    machine.net.join(ANOTHER).unwrap();
    machine.net.leave(ANOTHER);
    machine.answers(60 * SECOND);
    machine.stack.link(false);
    machine.stack.link(true);
    let mut again = Vec::new();
    for second in 60..100 {
        again.extend(reports(&machine.answers(second * SECOND)));
    }
    assert_eq!(again, [GROUP, other, GROUP, other]);
}

#[test]
fn queries_for_groups_of_other_machines_keep_no_answer_from_a_router() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    machine.net.join(GROUP).unwrap();
    machine.answers(SECOND);
    let now = 5 * SECOND;
    for last in 0..100 {
        // Both are sent to all machines, so that they get through the filter of the card.
        let mut foreign = query(Ipv4Addr::new(239, 1, 1, last));
        let all = query(ALL);
        foreign[..6].copy_from_slice(&all[..6]);
        foreign[14..34].copy_from_slice(&all[14..34]);
        machine.card.received.push_back(foreign);
        assert!(machine.answers(now).is_empty());
    }
    machine.card.received.push_back(query(ALL));
    let answers = machine.answers(now);
    let reports: Vec<_> = answers.iter().filter_map(|frame| reported(frame)).collect();
    assert_eq!(reports, [GROUP]);
}

#[test]
fn a_query_over_the_limit_is_answered_later() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let other = Ipv4Addr::new(239, 1, 1, 1);
    machine.net.join(GROUP).unwrap();
    machine.net.join(other).unwrap();
    machine.answers(SECOND);
    let now = 5 * SECOND;
    let mut answers = 0;
    for _ in 0..100 {
        machine.card.received.push_back(query(GROUP));
        answers += machine.answers(now).len();
    }
    assert_eq!(answers, 10);
    machine.card.received.push_back(query(ALL));
    assert!(machine.answers(now).is_empty());
    let due = machine.stack.next_deadline().expect("an answer is due");
    assert!((now..=now + SECOND / 10).contains(&due), "{due}");
    let answers = machine.answers(due);
    let reports: Vec<_> = answers.iter().filter_map(|frame| reported(frame)).collect();
    assert_eq!(reports, [GROUP, other]);
    // Each query has had its answer.
    assert!(machine.answers(due + SECOND).is_empty());
    // A group that was left meanwhile is not reported.
    machine.card.received.extend((0..100).map(|_| query(other)));
    machine.answers(due + SECOND);
    machine.net.leave(other);
    machine.answers(due + SECOND);
    let later = machine.answers(due + 2 * SECOND);
    assert!(
        !later
            .iter()
            .filter_map(|frame| reported(frame))
            .any(|group| group == other)
    );
}

#[test]
fn a_member_of_a_group_receives_its_datagrams() {
    let mut cable = Cable::new();
    let socket = cable.b.net.udp(5353).unwrap();
    let sender = cable.a.net.udp(9).unwrap();
    let send = |cable: &mut Cable, text: &[u8]| {
        cable
            .block_on(sender.send_to(text, at(GROUP, 5353)))
            .unwrap();
        cable.run(cable.now + SECOND);
    };
    send(&mut cable, b"before");
    assert!(poll_once(socket.receive()).is_pending());
    assert!(cable.b.net.join(B).is_err());
    cable.b.net.join(GROUP).unwrap();
    cable.b.net.join(GROUP).unwrap();
    // A switch learns of the member once.
    let reports: Vec<_> = cable.b.answers(cable.now);
    assert_eq!(reports.len(), 1, "{reports:?}");
    let packet = Ipv4Packet::new_checked(&reports[0][14..]).unwrap();
    assert!(packet.verify_checksum() && packet.hop_limit() == 1);
    let igmp = smoltcp::wire::IgmpPacket::new_checked(packet.payload()).unwrap();
    let report = smoltcp::wire::IgmpRepr::parse(&igmp).unwrap();
    assert_eq!(
        report,
        smoltcp::wire::IgmpRepr::MembershipReport {
            group_addr: GROUP,
            version: smoltcp::wire::IgmpVersion::Version2,
        }
    );
    // A router asks who is a member.
    let asked = |cable: &mut Cable, about: Ipv4Addr| {
        cable.b.card.received.push_back(query(about));
        cable.b.answers(cable.now)
    };
    assert_eq!(asked(&mut cable, GROUP), reports);
    assert!(asked(&mut cable, Ipv4Addr::new(224, 0, 0, 252)).is_empty());
    send(&mut cable, b"while a member");
    let datagram = cable.block_on(socket.receive()).unwrap();
    assert_eq!(datagram.payload(), b"while a member");
    drop(datagram);
    cable.b.net.leave(GROUP);
    send(&mut cable, b"still one");
    assert!(poll_once(socket.receive()).is_ready());
    cable.b.net.leave(GROUP);
    assert_eq!(cable.b.answers(cable.now).len(), 1);
    send(&mut cable, b"after");
    assert!(poll_once(socket.receive()).is_pending());
}

/// Returns the times to live of the packets, whose headers must be sound.
fn times_to_live(frames: &[Vec<u8>]) -> Vec<u8> {
    let packets = frames
        .iter()
        .map(|frame| Ipv4Packet::new_checked(&frame[14..]).unwrap());
    packets
        .map(|packet| {
            assert!(packet.verify_checksum());
            packet.hop_limit()
        })
        .collect()
}

#[test]
fn datagrams_to_groups_stay_on_the_link() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(9).unwrap();
    // The second takes a routable length, and the third three fragments.
    for length in [5, 1000, 3000] {
        let payload = std::vec![1; length];
        let sent = poll_once(socket.send_to(&payload, at(GROUP, 5353)));
        assert_eq!(sent, Poll::Ready(Ok(())));
    }
    let sent = machine.answers(SECOND);
    assert_eq!(times_to_live(&sent), [1; 5]);
    for frame in &sent[..2] {
        let packet = Ipv4Packet::new_checked(&frame[14..]).unwrap();
        let datagram = smoltcp::wire::UdpPacket::new_checked(packet.payload()).unwrap();
        assert!(datagram.verify_checksum(&packet.src_addr().into(), &GROUP.into()));
    }
    socket.set_multicast_ttl(255);
    let long = [1; 2000];
    let sent = poll_once(socket.send_to(&long, at(GROUP, 5353)));
    assert_eq!(sent, Poll::Ready(Ok(())));
    assert_eq!(times_to_live(&machine.answers(SECOND)), [255; 2]);
    socket.set_multicast_ttl(0);
    let sent = poll_once(socket.send_to(b"x", at(Ipv4Addr::new(239, 255, 255, 255), 9)));
    assert_eq!(sent, Poll::Ready(Ok(())));
    assert_eq!(times_to_live(&machine.answers(SECOND)), [1]);
    let to_all = at(Ipv4Addr::BROADCAST, 9);
    assert_eq!(poll_once(socket.send_to(b"x", to_all)), Poll::Ready(Ok(())));
    assert_eq!(times_to_live(&machine.answers(SECOND)), [64]);
}

#[test]
fn datagrams_to_machines_have_the_time_to_live_of_their_socket() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(9).unwrap();
    let peer = B;
    ip::introduce(&mut machine);
    machine.answer(frames::udp(peer, 4000, 9, b"question"));
    let datagram = |socket: &UdpSocket| {
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            panic!("no datagram")
        };
        datagram
    };
    let question = datagram(&socket);
    for (hops, expected) in [(None, 64), (Some(255), 255), (Some(0), 1), (Some(7), 7)] {
        if let Some(hops) = hops {
            socket.set_ttl(hops);
        }
        // In one frame, and in three fragments.
        for length in [5, 1000, 3000] {
            let payload = std::vec![1; length];
            assert!(poll_once(socket.reply(&question, &payload)).is_ready());
            assert!(poll_once(socket.send_to(&payload, at(peer, 4000))).is_ready());
        }
        let to_all = at(Ipv4Addr::BROADCAST, 9);
        assert!(poll_once(socket.send_to(b"x", to_all)).is_ready());
        machine
            .card
            .received
            .push_back(frames::udp(peer, 4000, 9, b"back"));
        let mut sent = machine.answers(SECOND);
        assert!(poll_once(socket.send_back(datagram(&socket))).is_ready());
        sent.extend(machine.answers(SECOND));
        assert_eq!(times_to_live(&sent), [expected; 12]);
        for frame in sent.iter().filter(|frame| frame.len() < 1100) {
            let packet = Ipv4Packet::new_checked(&frame[14..]).unwrap();
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            if packet.frag_offset() == 0 {
                let datagram = smoltcp::wire::UdpPacket::new_checked(packet.payload()).unwrap();
                assert!(datagram.verify_checksum(&from, &to));
            }
        }
    }
    // Groups have a time to live of their own.
    let sent = poll_once(socket.send_to(b"x", at(GROUP, 5353)));
    assert_eq!(sent, Poll::Ready(Ok(())));
    assert_eq!(times_to_live(&machine.answers(SECOND)), [1]);
}

#[cfg(feature = "raw")]
#[test]
fn raw_packets_to_groups_stay_on_the_link() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.raw(253).unwrap();
    for length in [5, 1000] {
        let payload = std::vec![1; length];
        socket.send_to(&payload, GROUP.into()).unwrap();
    }
    socket.send_to(b"x", Ipv4Addr::BROADCAST.into()).unwrap();
    assert_eq!(times_to_live(&machine.answers(SECOND)), [1, 1, 64]);
    socket.set_multicast_ttl(32);
    socket.send_to(b"x", GROUP.into()).unwrap();
    assert_eq!(times_to_live(&machine.answers(SECOND)), [32]);
}
