use super::super::{BindError, Queue, ReceiveError, SOCKETS, SendError, UDP_PAYLOAD, UDP_QUEUE};
use super::frames::{echo_request, udp};
use super::ip::introduce;
use super::*;

#[test]
fn a_flood_beyond_the_queue_leaves_the_newest_out_and_the_socket_working() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    let sent = if cfg!(miri) { 100 } else { 1000 };
    for _ in 0..sent {
        machine.card.received.push_back(udp(B, 4000, 7, &[0; 64]));
    }
    machine.answers(MILLISECOND);
    let mut received = 0;
    while poll_once(socket.receive()).is_ready() {
        received += 1;
    }
    assert_eq!(received, UDP_QUEUE.datagrams);
    let dropped = machine.stack.statistics().receive_queue_full;
    assert_eq!(dropped as usize, sent - received);
    machine.answer(udp(B, 4000, 7, b"next"));
    let Poll::Ready(Ok(next)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert_eq!(next.payload(), b"next");
}

#[test]
fn a_port_is_in_use_until_its_socket_is_dropped() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let socket = net.udp(7).unwrap();
    assert_eq!(net.udp(7).err(), Some(BindError::PortTaken(7)));
    drop(socket);
    assert!(net.udp(7).is_ok());
}

#[test]
fn too_many_sockets_are_an_error_until_one_is_dropped() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let mut sockets: Vec<_> = (0..SOCKETS).map(|_| net.udp(0).unwrap()).collect();
    assert_eq!(net.udp(0).err(), Some(BindError::TooManySockets));
    sockets.pop();
    assert!(net.udp(0).is_ok());
}

#[test]
fn free_ports_differ() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let (one, other) = (net.udp(0).unwrap(), net.udp(0).unwrap());
    assert!(one.port() >= 49152 && other.port() >= 49152);
    assert_ne!(one.port(), other.port());
}

#[test]
fn a_full_queue_is_an_error_and_waiting_for_room_ends() {
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
fn a_payload_that_can_never_be_sent_is_rejected() {
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
fn frames_that_the_driver_drops_do_not_count_as_sent() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    let before = machine.stack.statistics().frames_sent;
    machine.card.limit = 100;
    for length in [10, 200, 20] {
        socket.try_send_to(&std::vec![1; length], at(B, 9)).unwrap();
    }
    assert_eq!(machine.answers(MILLISECOND).len(), 2);
    assert_eq!(machine.stack.statistics().frames_sent, before + 2);
    // A segment as well: the request to connect is dropped, and so is each repetition.
    machine.card.limit = 20;
    let net = machine.net;
    let mut connecting = core::pin::pin!(net.tcp_connect(at(B, 80)));
    assert!(poll_once(connecting.as_mut()).is_pending());
    assert_eq!(machine.answers(2 * MILLISECOND).len(), 0);
    assert_eq!(machine.stack.statistics().frames_sent, before + 2);
}

#[test]
fn a_datagram_too_long_for_a_reply_is_not_received() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    for length in [UDP_PAYLOAD + 1, UDP_PAYLOAD] {
        let pieces = frames::fragments(&udp(B, 4000, 7, &std::vec![1; length]), 1480);
        machine.card.received.extend(pieces);
    }
    machine.answers(MILLISECOND);
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    assert_eq!(datagram.payload().len(), UDP_PAYLOAD);
    assert_eq!(machine.stack.statistics().too_long, 1);
}

#[test]
fn without_an_address_nothing_is_sent_and_a_reply_is_no_error() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let socket = machine.net.udp(7).unwrap();
    machine.answer(udp(B, 4000, 7, b"hello"));
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("nothing")
    };
    let stack = &machine.stack;
    let ports = &stack.inner.borrow().ports;
    ports.set_address(None, &stack.outgoing, &stack.frames);
    assert_eq!(
        socket.try_send_to(b"x", at(B, 9)),
        Err(SendError::NoAddress)
    );
    assert_eq!(
        poll_once(socket.reply(&datagram, b"x")),
        Poll::Ready(Ok(()))
    );
    assert_eq!(poll_once(socket.send_back(datagram)), Poll::Ready(Ok(())));
    assert_eq!(machine.stack.statistics().unanswerable, 2);
}

#[test]
fn a_turn_sends_no_more_than_its_budget_and_every_port_gets_its_turn() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let sockets = [7, 8].map(|port| machine.net.udp(port).unwrap());
    for socket in sockets.iter().chain(&sockets) {
        for _ in 0..BUDGET {
            socket.try_send_to(b"x", at(B, 4000)).unwrap();
        }
    }
    let mut turn = || {
        assert!(
            machine
                .stack
                .egress(&mut machine.card, 2 * MILLISECOND, BUDGET)
        );
        let sent: Vec<_> = machine.card.sent.drain(..).map(|frame| frame[35]).collect();
        assert_eq!(sent.len(), BUDGET);
        sent
    };
    assert_eq!(turn(), [7; BUDGET]);
    assert_eq!(turn(), [8; BUDGET]);
    assert_eq!(turn(), [7; BUDGET]);
    assert!(machine.stack.next_deadline().is_some());
}

#[test]
fn waiting_for_room_to_reply_ends() {
    let mut cable = Cable::new();
    let one = Queue {
        datagrams: 1,
        bytes: 100,
    };
    let server = cable.a.net.udp_with(7, UDP_QUEUE, one).unwrap();
    let client = cable.b.net.udp(9).unwrap();
    cable.block_on(async {
        client.send_to(b"question", at(A, 7)).await.unwrap();
        let question = server.receive().await.unwrap();
        for answer in [b"1", b"2", b"3"] {
            server.reply(&question, answer).await.unwrap();
        }
        server.send_back(question).await.unwrap();
        for expected in [&b"1"[..], b"2", b"3", b"question"] {
            assert_eq!(client.receive().await.unwrap().payload(), expected);
        }
    });
}

#[test]
fn a_flood_of_pings_queues_a_bounded_number_of_answers() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    let turns = if cfg!(miri) { 60 } else { 3000 };
    for turn in 0..turns {
        while socket.try_send_to(b"much to say", at(B, 9)).is_ok() {}
        while machine.card.received.len() < BUDGET {
            machine.card.received.push_back(echo_request(&[0; 8]));
        }
        machine.turn(turn * MILLISECOND);
    }
    machine.card.sent.clear();
    machine.card.received.clear();
    let queued = machine.answers(turns * MILLISECOND).len();
    let most = UDP_QUEUE.datagrams + 256;
    assert!(queued <= most, "{queued} frames are queued");
    assert!(machine.stack.statistics().answers_full > 0);
}

#[test]
fn a_network_that_takes_few_frames_gets_every_answer() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let requests = if cfg!(miri) { 150 } else { 3000 };
    for _ in 0..requests {
        machine.card.received.push_back(echo_request(&[0; 8]));
    }
    // The device has room for fewer frames than arrive.
    let mut now = MILLISECOND;
    while !machine.card.received.is_empty() {
        machine.card.room = Some(20);
        machine.turn(now);
        now += MILLISECOND;
    }
    machine.card.room = None;
    machine.turn(now);
    machine.turn(now);
    assert_eq!(machine.stack.statistics().answers_full, 0);
    assert_eq!(machine.answers(now).len(), requests);
}

#[test]
fn a_network_that_takes_no_frames_does_not_stop_input() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    machine.card.room = Some(0);
    let mut longest = 0;
    let mut since = 0;
    for turn in 1..if cfg!(miri) { 60 } else { 1000 } {
        while machine.card.received.len() < BUDGET - 1 {
            machine.card.received.push_back(echo_request(&[0; 8]));
        }
        machine.card.received.push_back(udp(B, 4000, 7, b"heard"));
        machine.turn(turn * MILLISECOND);
        while poll_once(socket.receive()).is_ready() {
            longest = longest.max(turn - since);
            since = turn;
        }
    }
    assert!(longest < 25, "no datagram was received for {longest} ms");
}

#[test]
fn a_socket_that_always_sends_leaves_room_for_a_connection() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    let net = machine.net;
    let other = Ipv4Addr::new(10, 0, 2, 3);
    let mut connecting = pin!(net.tcp_connect(at(other, 80)));
    assert!(
        connecting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    let mut asked = false;
    for turn in 2..20 {
        while socket.try_send_to(b"much to say", at(B, 9)).is_ok() {}
        machine.card.room = Some(1);
        machine.turn(turn * MILLISECOND);
        asked |= machine
            .card
            .sent
            .iter()
            .any(|frame| frame[12..14] == [8, 6]);
    }
    assert!(asked, "no room for the question where the peer is");
}

#[test]
fn one_ephemeral_port_tells_nothing_about_the_next() {
    let machine = Machine::new(1, "10.0.2.15/24");
    let sockets: Vec<_> = (0..8).map(|_| machine.net.udp(0).unwrap()).collect();
    let ports: Vec<_> = sockets.iter().map(super::super::UdpSocket::port).collect();
    let near = |pair: &[u16]| pair[0].abs_diff(pair[1]) < 16;
    let neighbours = ports.windows(2).filter(|pair| near(pair)).count();
    assert!(neighbours < 2, "{ports:?}");
}
