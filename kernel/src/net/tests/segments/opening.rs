//! Tests of how a connection is established.

use super::*;

#[test]
fn a_segment_without_a_connection_is_answered_by_a_reset_but_a_reset_is_not() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let mut peer = Peer::new(5000);
    peer.acknowledgement = 77;
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].flags, answers[0].acknowledgement),
        (RST | ACK, 1001)
    );
    let answers = peer.say(&mut machine, ACK, b"data");
    assert_eq!((answers[0].flags, answers[0].sequence), (RST, 77));
    for flags in [RST, RST | ACK, RST | SYN] {
        assert!(peer.say(&mut machine, flags, b"").is_empty());
    }
}

#[test]
fn a_repeated_request_for_an_open_connection_opens_no_second_one() {
    let (mut machine, listener, mut stream, mut peer) = connected();
    let right = peer.sequence;
    peer.sequence += 10;
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].flags, answers[0].acknowledgement), (ACK, right));
    // At most ten answers in five seconds to unacceptable segments.
    for _ in 1..10 {
        assert_eq!(peer.say(&mut machine, SYN, b"").len(), 1);
    }
    assert!(peer.say(&mut machine, SYN, b"").is_empty());
    peer.now += 5 * SECOND;
    assert_eq!(peer.say(&mut machine, SYN, b"").len(), 1);
    let statistics = machine.net.tcp_statistics();
    assert_eq!(
        (statistics.challenges, statistics.challenges_withheld),
        (11, 1)
    );
    assert!(poll_once(listener.accept()).is_pending());
    peer.sequence = right;
    peer.tell(&mut machine, b"still there");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"still there".to_vec())));
}

#[test]
fn a_repeated_request_is_answered_again() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let peer = Peer::new(5000);
    let first = peer.say(&mut machine, SYN, b"");
    let second = peer.say(&mut machine, SYN, b"");
    assert_eq!(first, second);
}

#[test]
fn a_connection_that_is_never_completed_is_removed_in_time() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.say(&mut machine, SYN, b"");
    let said = peer.wait(&mut machine, 60 * SECOND);
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!(said.last().unwrap().1.flags, RST | ACK);
    assert!(said.last().unwrap().0 <= 11 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_peer_may_reuse_the_port_of_a_connection_in_time_wait() {
    let (mut machine, listener, stream, mut peer) = connected();
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    peer.say(&mut machine, FIN | ACK, b"");
    drop(stream);
    peer.hear(&mut machine);
    // An old request is ignored; one that continues after the old connection is accepted.
    peer.sequence -= 100;
    let answers = peer.say(&mut machine, SYN, b"");
    assert!(answers.iter().all(|answer| answer.flags == ACK));
    peer.sequence += 10_000;
    // The numbers of this side go on behind those of the old connection too (RFC 9293, 3.10.7.4).
    let used = peer.acknowledgement;
    let answer = peer.open(&mut machine);
    assert!((answer.sequence.wrapping_sub(used) as i32) > 0);
    let mut stream = accepted(&listener);
    peer.tell(&mut machine, b"again");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"again".to_vec())));
}

#[test]
fn a_connection_to_another_network_uses_the_router() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let far = at(Ipv4Addr::new(192, 0, 2, 1), 80);
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(far));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    let question = &machine.answers(MILLISECOND)[0];
    assert_eq!(question[38..42], B.octets());
}

#[test]
fn a_closed_connection_does_not_block_a_new_one() {
    let (mut machine, listener, mut old, mut peer) = connected();
    peer.say(&mut machine, RST, b"");
    peer.open(&mut machine);
    let mut stream = accepted(&listener);
    assert_eq!(read(&mut old), Poll::Ready(Err(TcpError::Reset)));
    drop(old);
    peer.hear(&mut machine);
    peer.tell(&mut machine, b"new");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"new".to_vec())));
}

#[test]
fn a_failed_attempt_uses_no_memory_until_its_task_polls() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(at(B, 80)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    // Nobody answers with the peer's hardware address.
    Peer::new(80).wait(&mut machine, 5 * SECOND);
    assert!(machine.stack.next_deadline() > Some(5 * SECOND));
    // By then the last question for it has no answer either.
    Peer::new(80).wait(&mut machine, 20 * SECOND);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_simultaneous_open_is_connected() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(at(B, 5000)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    machine.answers(MILLISECOND);
    machine
        .card
        .received
        .push_back(arp(ArpOperation::Reply, B, A));
    let frames = machine.answers(MILLISECOND);
    let asked = said(&frames[0]).unwrap();
    let mut peer = Peer::new(5000);
    peer.to = u16::from_be_bytes([frames[0][34], frames[0][35]]);
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].flags, answers[0].sequence),
        (SYN | ACK, asked.sequence)
    );
    // The peer sends the same (RFC 9293, figure 7), and gets no repeated answer.
    peer.acknowledgement = asked.sequence.wrapping_add(1);
    let answers = peer.say(&mut machine, SYN | ACK, b"");
    assert!(
        answers.iter().all(|answer| answer.flags == ACK),
        "{answers:?}"
    );
    assert!(connecting.as_mut().poll(&mut context).is_ready());
}

#[test]
fn the_key_decides_sequence_numbers_ports_and_the_numbers_of_questions() {
    let numbers = |key: u128| {
        // All of them have the same clock and hardware address.
        let mut machine = Machine::new(1, "10.0.2.15/24");
        machine.stack.reseed(key);
        let _listener = machine.net.tcp_listen(PORT).unwrap();
        let answers = Peer::new(5000).say(&mut machine, SYN, b"");
        let port = machine.net.udp(0).unwrap().port();
        (answers[0].sequence, port, machine.stack.number())
    };
    let first = numbers(1);
    assert_eq!(numbers(1), first);
    for key in [2, 1 << 64, u128::MAX] {
        let others = numbers(key);
        assert_ne!(others.0, first.0);
        assert_ne!(others.1, first.1);
        assert_ne!(others.2, first.2);
    }
}
