use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use smoltcp::wire::Ipv4Packet;

use super::super::{BindError, Queue, ReceiveError, SOCKETS, SendError, UDP_PAYLOAD, UDP_QUEUE};
use super::frames::udp;
use super::ip::introduce;
use super::*;

/// Answers all that comes to port 7 with itself.
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
            assert_eq!(
                socket.receive().await.unwrap().payload(),
                [fill; UDP_PAYLOAD]
            );
            assert_eq!(
                other.receive().await.unwrap().payload(),
                [fill + 100; UDP_PAYLOAD - 1]
            );
        }
    });
    cable.turn();
    assert_eq!(cable.a.stack.next_deadline(), None);
}

#[test]
fn after_a_burst_of_any_size_the_next_datagram_is_answered() {
    for burst in [1, 2, 32, 1000] {
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
fn a_flood_beyond_the_queue_leaves_the_newest_out_and_the_socket_working() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    for _ in 0..1000 {
        machine.card.received.push_back(udp(B, 4000, 7, &[0; 64]));
    }
    machine.answers(MILLISECOND);
    let mut received = 0;
    while poll_once(socket.receive()).is_ready() {
        received += 1;
    }
    assert_eq!(received, UDP_QUEUE.datagrams);
    machine.answer(udp(B, 4000, 7, b"next"));
    let Poll::Ready(Ok(next)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert_eq!(next.payload(), b"next");
}

#[test]
fn a_port_is_taken_until_its_socket_is_dropped() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let socket = net.udp(7).unwrap();
    assert_eq!(net.udp(7).err(), Some(BindError::PortTaken(7)));
    drop(socket);
    assert!(net.udp(7).is_ok());
}

#[test]
fn sockets_run_out_by_name_and_come_back() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let mut sockets: Vec<_> = (0..SOCKETS).map(|_| net.udp(0).unwrap()).collect();
    assert_eq!(net.udp(0).err(), Some(BindError::TooManySockets));
    sockets.pop();
    assert!(net.udp(0).is_ok());
}

#[test]
fn ports_for_anyone_differ() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let (one, other) = (net.udp(0).unwrap(), net.udp(0).unwrap());
    assert!(one.port() >= 49152 && other.port() >= 49152);
    assert_ne!(one.port(), other.port());
}

#[test]
fn a_full_queue_is_named_and_waiting_for_it_ends() {
    let mut cable = Cable::new();
    let socket = cable
        .a
        .net
        .udp_with(
            7,
            UDP_QUEUE,
            Queue {
                datagrams: 2,
                bytes: 256,
            },
        )
        .unwrap();
    let there = cable.b.net.udp(9).unwrap();
    socket.try_send_to(b"one", at(B, 9)).unwrap();
    socket.try_send_to(b"two", at(B, 9)).unwrap();
    let full = Err(SendError::QueueFull { port: 7 });
    assert_eq!(socket.try_send_to(b"three", at(B, 9)), full);
    cable.block_on(async {
        socket.send_to(b"three", at(B, 9)).await.unwrap();
        for expected in [&b"one"[..], b"two", b"three"] {
            assert_eq!(there.receive().await.unwrap().payload(), expected);
        }
    });
}

#[test]
fn a_payload_that_can_never_be_sent_is_refused() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let socket = net.udp(7).unwrap();
    let error = SendError::TooLong {
        length: UDP_PAYLOAD + 1,
        maximum: UDP_PAYLOAD,
    };
    assert_eq!(
        socket.try_send_to(&[0; UDP_PAYLOAD + 1], at(B, 9)),
        Err(error)
    );
    let small = net
        .udp_with(
            8,
            UDP_QUEUE,
            Queue {
                datagrams: 4,
                bytes: 100,
            },
        )
        .unwrap();
    let error = SendError::TooLong {
        length: 101,
        maximum: 100,
    };
    assert_eq!(small.try_send_to(&[0; 101], at(B, 9)), Err(error));
}

#[test]
fn a_buffer_too_short_for_a_datagram_is_an_error_and_the_next_is_received() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    machine.answer(udp(B, 4000, 7, b"long"));
    machine.answer(udp(B, 4000, 7, b"abc"));
    let mut buffer = [0; 3];
    let truncated = Err(ReceiveError::Truncated { buffer: 3 });
    assert_eq!(
        poll_once(socket.receive_into(&mut buffer)),
        Poll::Ready(truncated)
    );
    let received = poll_once(socket.receive_into(&mut buffer));
    assert_eq!(received, Poll::Ready(Ok((3, at(B, 4000)))));
    assert_eq!(&buffer, b"abc");
}

#[test]
fn a_datagram_that_wants_no_reply_gets_none_and_is_no_error() {
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
    }
    assert!(machine.answers(MILLISECOND).is_empty());
    assert_eq!(machine.stack.statistics().unanswerable, 2);
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
fn what_was_received_outlives_the_queue_that_is_given_up() {
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
fn a_device_without_room_is_tried_again() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    machine.card.room = Some(1);
    socket.try_send_to(b"one", at(B, 9)).unwrap();
    socket.try_send_to(b"two", at(B, 9)).unwrap();
    assert_eq!(machine.answers(MILLISECOND).len(), 1);
    let retry = machine.stack.next_deadline().unwrap();
    assert!(retry > MILLISECOND);
    machine.card.room = None;
    assert_eq!(machine.answers(retry).len(), 1);
    assert_eq!(machine.stack.statistics().device_full, 1);
}

#[test]
fn a_datagram_bears_a_right_checksum() {
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
