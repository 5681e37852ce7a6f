//! Tests of hardware addresses: which ones are accepted, how long they are valid, and when they are
//! requested.

use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};

use super::super::{PingError, SendError};
use super::frames::{STRANGER, arp, ethernet, udp};
use super::ip::introduce;
use super::*;

/// Returns another machine that claims the same IPv4 address.
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0x77];

/// Returns an ARP message broadcast by the machine with this hardware address.
fn broadcast(operation: ArpOperation, mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let message = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: EthernetAddress(mac),
        source_protocol_addr: sender,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    let mut bytes = std::vec![0; message.buffer_len()];
    message.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    let mut frame = ethernet(EthernetProtocol::Arp, &bytes);
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&mac);
    frame
}

fn read(frame: &[u8]) -> Option<ArpRepr> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()
}

fn to(frame: &[u8]) -> [u8; 6] {
    *frame.first_chunk().unwrap()
}

/// Sends a datagram to B, and returns the frames sent.
fn send(machine: &mut Machine, socket: &super::super::UdpSocket, now: u64) -> Vec<Vec<u8>> {
    CLOCK.set(now);
    machine.stack.begin_turn(now);
    socket.try_send_to(b"hello", at(B, 9)).unwrap();
    machine.answers(now)
}

#[test]
fn a_gratuitous_arp_message_redirects_datagrams() {
    for operation in [ArpOperation::Request, ArpOperation::Reply] {
        let mut machine = Machine::new(1, "10.0.2.15/24");
        introduce(&mut machine);
        let socket = machine.net.udp(7).unwrap();
        assert_eq!(to(&send(&mut machine, &socket, MILLISECOND)[0]), STRANGER.0);
        assert!(machine.answer(broadcast(operation, OTHER, B, B)).is_empty());
        assert_eq!(to(&send(&mut machine, &socket, MILLISECOND)[0]), OTHER);
    }
}

#[test]
fn a_gratuitous_arp_message_redirects_a_connection() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(at(B, 80)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    assert_eq!(to(&machine.answers(MILLISECOND)[0]), STRANGER.0);
    machine.answer(broadcast(ArpOperation::Request, OTHER, B, B));
    // The SYN is sent again.
    let again = machine.answers(4 * SECOND);
    assert_eq!(to(&again[0]), OTHER);
}

#[test]
fn a_group_hardware_address_is_neither_recorded_nor_answered() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    for mac in [[0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
        for operation in [ArpOperation::Reply, ArpOperation::Request] {
            let mut claim = broadcast(operation, mac, B, A);
            claim[6..12].copy_from_slice(&OTHER);
            assert!(machine.answer(claim).is_empty());
            assert_eq!(to(&send(&mut machine, &socket, MILLISECOND)[0]), STRANGER.0);
        }
    }
}

#[test]
fn a_machine_at_the_broadcast_address_is_never_recorded() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let everybody = Ipv4Addr::new(10, 0, 2, 255);
    machine.answer(broadcast(ArpOperation::Request, OTHER, everybody, A));
    let socket = machine.net.udp(7).unwrap();
    socket.try_send_to(b"hello", at(everybody, 9)).unwrap();
    assert_eq!(to(&machine.answers(MILLISECOND)[0]), [0xff; 6]);
}

#[test]
fn a_message_about_an_unknown_machine_is_not_recorded() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    machine.answer(broadcast(ArpOperation::Request, OTHER, B, B));
    let sent = send(&mut machine, &socket, MILLISECOND);
    assert!(read(&sent[0]).is_some(), "it is not asked for");
}

#[test]
fn an_address_probe_is_answered_and_not_recorded() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let probe = broadcast(ArpOperation::Request, OTHER, Ipv4Addr::UNSPECIFIED, A);
    let answers = machine.answer(probe);
    assert_eq!((answers.len(), to(&answers[0])), (1, OTHER));
    let Some(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        ..
    }) = read(&answers[0])
    else {
        panic!("no reply");
    };
    assert_eq!(operation, ArpOperation::Reply);
    assert_eq!(source_hardware_addr.0, machine.card.mac);
    assert_eq!(source_protocol_addr, A);
}

#[test]
fn a_claim_on_our_address_is_counted_and_answered_once_in_ten_seconds() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let mut defences = 0;
    for second in 1..=25 {
        for operation in [ArpOperation::Request, ArpOperation::Reply] {
            machine
                .card
                .received
                .push_back(broadcast(operation, OTHER, A, A));
            for frame in machine.answers(second * SECOND) {
                let Some(ArpRepr::EthernetIpv4 {
                    operation: ArpOperation::Request,
                    source_hardware_addr,
                    source_protocol_addr,
                    target_protocol_addr,
                    ..
                }) = read(&frame)
                else {
                    panic!("no announcement");
                };
                assert_eq!(to(&frame), [0xff; 6]);
                assert_eq!(source_hardware_addr.0, machine.card.mac);
                assert_eq!((source_protocol_addr, target_protocol_addr), (A, A));
                defences += 1;
            }
        }
    }
    assert_eq!(defences, 3);
    assert_eq!(machine.stack.statistics().address_conflicts, 50);
    assert!(machine.net.configuration().is_some());
}

#[test]
fn an_expired_address_is_requested_while_used_and_removed_without_an_answer() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    assert_eq!(send(&mut machine, &socket, 29 * SECOND).len(), 1);
    // A known address is used until there is no answer.
    let sent = send(&mut machine, &socket, 31 * SECOND);
    let (questions, datagrams): (Vec<_>, Vec<_>) =
        sent.iter().partition(|frame| read(frame).is_some());
    assert_eq!((questions.len(), datagrams.len()), (1, 1));
    for second in 32..34 {
        assert_eq!(machine.answers(second * SECOND).len(), 1, "{second}");
    }
    assert!(machine.answers(34 * SECOND).is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
    let sent = send(&mut machine, &socket, 35 * SECOND);
    assert!(
        sent.iter().all(|frame| read(frame).is_some()),
        "the frame is not sent"
    );
    // It exists after all.
    machine
        .card
        .received
        .push_back(arp(ArpOperation::Reply, B, A));
    let waited = machine.answers(35 * SECOND);
    assert_eq!((waited.len(), to(&waited[0])), (1, STRANGER.0));
}

#[test]
fn an_address_that_is_used_and_confirmed_stays() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net.udp(7).unwrap(), cable.b.net.udp(9).unwrap());
    for _ in 0..200 {
        cable.block_on(async {
            a.send_to(b"hello", at(B, 9)).await.unwrap();
            b.receive().await.unwrap();
        });
        cable.run(cable.now + SECOND);
    }
    assert_eq!(cable.a.stack.statistics().unreachable, 0);
}

#[test]
fn without_a_route_there_is_an_error_at_once() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let socket = net.udp(7).unwrap();
    let away = Ipv4Addr::new(8, 8, 8, 8);
    let error = Err(SendError::NoRoute(at(away, 53)));
    assert_eq!(
        poll_once(socket.send_to(b"x", at(away, 53))),
        Poll::Ready(error)
    );
    let error = Err(PingError::NoRoute(away));
    let second = core::time::Duration::from_secs(1);
    assert_eq!(poll_once(net.ping(away, second)), Poll::Ready(error));
}

#[test]
fn nothing_is_sent_to_an_address_that_no_other_machine_has() {
    let net = Machine::new(1, "10.0.2.15/24,10.0.2.2").net;
    let socket = net.udp(7).unwrap();
    for nobody in ["10.0.2.15", "127.0.0.1", "0.0.0.0", "0.1.2.3", "240.0.0.1"] {
        let to = at(nobody.parse().unwrap(), 9);
        let error = Err(SendError::Unaddressable(to));
        assert_eq!(socket.try_send_to(b"x", to), error, "{nobody}");
    }
}

#[test]
fn packets_to_other_networks_go_to_the_gateway() {
    for ip in ["10.0.2.15/24,10.0.2.2", "10.0.2.15/32,10.0.2.2"] {
        let mut machine = Machine::new(1, ip);
        let socket = machine.net.udp(7).unwrap();
        let away = at(Ipv4Addr::new(8, 8, 8, 8), 53);
        socket.try_send_to(b"x", away).unwrap();
        let asked = machine.answers(MILLISECOND);
        let Some(ArpRepr::EthernetIpv4 {
            target_protocol_addr,
            ..
        }) = read(&asked[0])
        else {
            panic!("nothing is asked");
        };
        assert_eq!(target_protocol_addr, B, "{ip}");
        let sent = machine.answer(arp(ArpOperation::Reply, B, A));
        assert_eq!((sent.len(), to(&sent[0])), (1, STRANGER.0), "{ip}");
    }
}

#[test]
fn machines_that_only_ask_do_not_replace_those_in_use() {
    let mut machine = Machine::new(1, "10.0.0.1/8");
    let own = Ipv4Addr::new(10, 0, 0, 1);
    let peer = Ipv4Addr::new(10, 0, 0, 2);
    let socket = machine.net.udp(7).unwrap();
    socket.try_send_to(b"x", at(peer, 9)).unwrap();
    machine.answers(MILLISECOND);
    machine.answer(arp(ArpOperation::Reply, peer, own));
    for stranger in 0..if cfg!(miri) { 200 } else { 5000_u32 } {
        let sender = Ipv4Addr::from_bits(0x0a01_0000 + stranger);
        machine.answer(broadcast(ArpOperation::Request, OTHER, sender, own));
    }
    socket.try_send_to(b"x", at(peer, 9)).unwrap();
    let sent = machine.answers(MILLISECOND);
    assert_eq!((sent.len(), to(&sent[0])), (1, STRANGER.0));
}

#[test]
fn a_destination_takes_the_place_of_the_oldest_neighbour_of_its_row() {
    let mut machine = Machine::new(1, "10.0.0.1/8");
    let own = Ipv4Addr::new(10, 0, 0, 1);
    let socket = machine.net.udp(7).unwrap();
    let peers = [0, 1, 2, 3, 4].map(|number| Ipv4Addr::new(10, 0, 0, 2 + 16 * number));
    for (peer, now) in peers
        .into_iter()
        .zip((1..).map(|times| times * MILLISECOND))
    {
        CLOCK.set(now);
        machine.stack.begin_turn(now);
        socket.try_send_to(b"x", at(peer, 9)).unwrap();
        machine.answers(now);
        machine
            .card
            .received
            .push_back(arp(ArpOperation::Reply, peer, own));
        assert_eq!(to(&machine.answers(now)[0]), STRANGER.0, "{peer}");
    }
    // Only the first one has to be asked for again.
    for (peer, asks) in [(peers[1], false), (peers[4], false), (peers[0], true)] {
        socket.try_send_to(b"x", at(peer, 9)).unwrap();
        let sent = machine.answers(5 * MILLISECOND);
        assert_eq!(read(&sent[0]).is_some(), asks, "{peer}");
    }
}

#[test]
fn connections_of_strangers_push_out_nobody_that_is_sent_to() {
    let mut machine = Machine::new(1, "10.0.0.1/8");
    let own = Ipv4Addr::new(10, 0, 0, 1);
    let peer = Ipv4Addr::new(10, 0, 0, 2);
    let socket = machine.net.udp(7).unwrap();
    socket.try_send_to(b"x", at(peer, 9)).unwrap();
    machine.answers(MILLISECOND);
    machine.answer(arp(ArpOperation::Reply, peer, own));
    // Their addresses are in the same row of the table.
    for stranger in 1..=8 {
        let stranger = Ipv4Addr::new(10, 0, 0, 2 + 16 * stranger);
        machine.stack.neighbours.doubt(stranger, MILLISECOND);
    }
    socket.try_send_to(b"x", at(peer, 9)).unwrap();
    let sent = machine.answers(MILLISECOND);
    let datagrams = sent.iter().filter(|frame| to(frame) == STRANGER.0);
    assert_eq!(datagrams.count(), 1);
}

#[test]
fn many_silent_machines_leave_room_for_one_that_answers() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    for last in 16..230 {
        let nobody = at(Ipv4Addr::new(10, 0, 2, last), 9);
        let _ = socket.try_send_to(b"x", nobody);
    }
    let mut now = MILLISECOND;
    while let Some(next) = machine.stack.next_deadline() {
        now = next.max(now + 1000);
        machine.answers(now);
    }
    assert!((2 * SECOND..5 * SECOND).contains(&now), "{now}");
    let questions = send(&mut machine, &socket, now);
    assert_eq!(questions.len(), 1);
    machine
        .card
        .received
        .push_back(arp(ArpOperation::Reply, B, A));
    assert_eq!(machine.answers(now).len(), 1);
    assert!(machine.stack.statistics().unreachable > 60);
}

#[test]
fn a_reply_uses_the_hardware_address_of_the_request() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    // From another network through a router, and there is no gateway.
    machine.answer(udp(Ipv4Addr::new(8, 8, 8, 8), 53, 7, b"hello"));
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert_eq!(
        poll_once(socket.reply(&datagram, b"x")),
        Poll::Ready(Ok(()))
    );
    assert_eq!(to(&machine.answers(MILLISECOND)[0]), STRANGER.0);
}
