use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use smoltcp::wire::Ipv4Packet;

use super::super::UDP_PAYLOAD;
use super::frames::udp;
use super::ip::introduce;
use super::*;

/// Echoes everything that arrives at port 7.
async fn echo(net: Net) {
    let socket = net.udp(7).unwrap();
    loop {
        let datagram = socket.receive().await.unwrap();
        socket.reply(&datagram, datagram.payload()).await.unwrap();
    }
}

/// Runs `client` on machine B while machine A echoes.
fn against_echo<T>(cable: &mut Cable, client: impl AsyncFnOnce(Net) -> T) -> T {
    let (a, b) = (cable.a.net, cable.b.net);
    match cable.block_on(select(echo(a), client(b))) {
        Either::First(()) => unreachable!("the server has no end"),
        Either::Second(result) => result,
    }
}

#[test]
fn a_datagram_is_echoed() {
    let mut cable = Cable::new();
    against_echo(&mut cable, async |net| {
        let socket = net.udp(0).unwrap();
        socket.send_to(b"hello", at(A, 7)).await.unwrap();
        let reply = socket.receive().await.unwrap();
        assert_eq!((reply.payload(), reply.source()), (&b"hello"[..], at(A, 7)));
    });
}

#[test]
fn an_empty_datagram_is_echoed() {
    let mut cable = Cable::new();
    against_echo(&mut cable, async |net| {
        let socket = net.udp(0).unwrap();
        socket.send_to(b"", at(A, 7)).await.unwrap();
        assert_eq!(socket.receive().await.unwrap().payload(), b"");
    });
}

#[test]
fn several_long_datagrams_in_a_row_arrive_whole() {
    let mut cable = Cable::new();
    against_echo(&mut cable, async |net| {
        let socket = net.udp(0).unwrap();
        let other = net.udp(0).unwrap();
        for fill in 1..=4 {
            socket
                .send_to(&[fill; UDP_PAYLOAD], at(A, 7))
                .await
                .unwrap();
            other
                .send_to(&[fill + 100; UDP_PAYLOAD - 1], at(A, 7))
                .await
                .unwrap();
        }
        for fill in 1..=4 {
            let received = socket.receive().await.unwrap();
            assert!(received.payload() == [fill; UDP_PAYLOAD]);
            let received = other.receive().await.unwrap();
            assert!(received.payload() == [fill + 100; UDP_PAYLOAD - 1]);
        }
    });
    cable.turn();
    assert_eq!(cable.a.stack.next_deadline(), None);
}

/// The last fragment may be shorter than the headers of a datagram.
#[test]
fn a_datagram_just_longer_than_a_frame_arrives_whole() {
    let mut cable = Cable::new();
    against_echo(&mut cable, async |net| {
        let socket = net.udp(0).unwrap();
        for length in 1472..=1490 {
            let payload = std::vec![length as u8; length];
            socket.send_to(&payload, at(A, 7)).await.unwrap();
            assert!(socket.receive().await.unwrap().payload() == payload);
        }
    });
}

#[test]
fn after_a_burst_of_any_size_the_next_datagram_is_answered() {
    for burst in [1, 2, 32, if cfg!(miri) { 200 } else { 1000 }] {
        let mut cable = Cable::new();
        against_echo(&mut cable, async |net| {
            let socket = net.udp(0).unwrap();
            let answers = async {
                for _ in 0..burst {
                    socket.receive().await.unwrap();
                }
            };
            let burst = async {
                for n in 0..burst {
                    socket.send_to(&[n as u8; 64], at(A, 7)).await.unwrap();
                }
            };
            join(burst, answers).await;
            socket.send_to(b"next", at(A, 7)).await.unwrap();
            assert_eq!(socket.receive().await.unwrap().payload(), b"next");
        });
    }
}

#[test]
fn a_datagram_without_a_reply_port_gets_no_reply_and_is_no_error() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    for (source, port) in [(B, 0), (Ipv4Addr::UNSPECIFIED, 4000)] {
        machine.answer(udp(source, port, 7, b"hello"));
        let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
            panic!("nothing")
        };
        assert_eq!(
            poll_once(socket.reply(&datagram, b"hello")),
            Poll::Ready(Ok(()))
        );
        assert_eq!(poll_once(socket.send_back(datagram)), Poll::Ready(Ok(())));
    }
    assert!(machine.answers(MILLISECOND).is_empty());
    assert_eq!(machine.stack.statistics().unanswerable, 4);
}

#[test]
fn a_destination_that_does_not_exist_blocks_the_queue_for_seconds_only() {
    let mut cable = Cable::new();
    let nobody = at(Ipv4Addr::new(10, 0, 2, 99), 9);
    let socket = cable.a.net.udp(7).unwrap();
    socket.try_send_to(b"lost", nobody).unwrap();
    cable.run(5 * SECOND);
    assert_eq!(cable.a.stack.statistics().unreachable, 1);
    assert_eq!(cable.a.stack.next_deadline(), None);
    let there = cable.b.net.udp(9).unwrap();
    cable.block_on(async {
        socket.send_to(b"hello", at(B, 9)).await.unwrap();
        assert_eq!(there.receive().await.unwrap().payload(), b"hello");
    });
}

#[test]
fn received_datagrams_outlive_a_removed_address() {
    let mut cable = Cable::new();
    let socket = cable.a.net.udp(7).unwrap();
    let there = cable.b.net.udp(9).unwrap();
    socket
        .try_send_to(b"lost", at(Ipv4Addr::new(10, 0, 2, 99), 9))
        .unwrap();
    there.try_send_to(b"kept", at(A, 7)).unwrap();
    cable.run(5 * SECOND);
    let Poll::Ready(Ok(kept)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert_eq!((kept.payload(), kept.source()), (&b"kept"[..], at(B, 9)));
}

#[test]
fn a_datagram_has_a_right_checksum() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    socket.try_send_to(&[9; 77], at(B, 9)).unwrap();
    let frame = machine.answers(MILLISECOND).remove(0);
    let packet = Ipv4Packet::new_checked(&frame[14..]).unwrap();
    assert!(packet.verify_checksum());
    let datagram = smoltcp::wire::UdpPacket::new_checked(packet.payload()).unwrap();
    assert!(datagram.verify_checksum(&A.into(), &B.into()));
}

#[test]
fn a_reply_needs_no_arp_request() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    machine.answer(udp(B, 4000, 7, b"hello"));
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert!(poll_once(socket.reply(&datagram, b"hello")).is_ready());
    let sent = machine.answers(MILLISECOND);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0][..6], frames::STRANGER.0);
    assert_eq!(sent[0][42..], *b"hello");
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_destination_that_does_not_exist_blocks_no_reply() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    socket
        .try_send_to(b"lost", at(Ipv4Addr::new(10, 0, 2, 99), 9))
        .unwrap();
    machine.answers(MILLISECOND);
    machine.answer(udp(B, 4000, 7, b"hello"));
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert!(poll_once(socket.send_back(datagram)).is_ready());
    assert_eq!(machine.answers(MILLISECOND).len(), 1);
}

#[test]
fn a_datagram_sent_back_has_its_changes() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net.udp(7).unwrap(), cable.b.net.udp(9).unwrap());
    cable.block_on(async {
        b.send_to(b"hello world", at(A, 7)).await.unwrap();
        let mut datagram = a.receive().await.unwrap();
        datagram.payload_mut()[0] = b'J';
        datagram.truncate(5);
        a.send_back(datagram).await.unwrap();
        assert_eq!(b.receive().await.unwrap().payload(), b"Jello");
    });
}
