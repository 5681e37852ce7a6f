//! Tests of how a connection recovers from lost segments, and from too short a timeout.

use super::*;

/// Sends data in segments of 300 bytes, and returns what was sent.
fn write_apart(machine: &mut Machine, stream: &mut TcpStream, peer: &Peer, count: usize) -> usize {
    (0..count)
        .map(|_| {
            write(stream, &[7; 300]);
            peer.hear(machine).len()
        })
        .sum()
}

#[test]
fn acknowledgements_that_arrive_at_once_after_a_recovery_are_not_answered() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.set_no_delay(true);
    assert_eq!(write_apart(&mut machine, &mut stream, &peer, 4), 4);
    for _ in 0..3 {
        peer.say(&mut machine, ACK, b"");
    }
    assert_eq!(write_apart(&mut machine, &mut stream, &peer, 1), 1);
    for acknowledged in [600, 600, 300] {
        peer.acknowledgement += acknowledged;
        let frame = ipv4(B, IpProtocol::Tcp, &peer.packet(ACK, b""));
        machine.card.received.push_back(frame);
    }
    assert_eq!(peer.hear(&mut machine), []);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn the_timeout_adapts_to_a_path_that_became_slower_than_it() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let mut repetitions = 0;
    for round in 0..20 {
        write(&mut stream, b"hello");
        // The answer takes 700 ms, and the first timeouts are 200 ms.
        let until = peer.now + 700 * MILLISECOND;
        let sent = peer.wait(&mut machine, until).len();
        if round >= 10 {
            repetitions += sent - 1;
        }
        peer.acknowledgement += 5;
        peer.say(&mut machine, ACK, b"");
    }
    assert_eq!(repetitions, 0);
}

#[test]
fn after_a_request_that_was_sent_twice_one_duplicate_is_no_loss() {
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
    assert_eq!(peer.wait(&mut machine, 1500 * MILLISECOND).len(), 1);
    peer.acknowledgement = asked.sequence.wrapping_add(1);
    assert_eq!(peer.say(&mut machine, SYN | ACK, b"").len(), 1);
    peer.sequence += 1;
    let Poll::Ready(Ok(mut stream)) = connecting.as_mut().poll(&mut context) else {
        panic!("no connection");
    };
    write(&mut stream, &[9; 4 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 4);
    assert_eq!(peer.say(&mut machine, ACK, b""), []);
}

#[test]
fn writing_after_an_orderly_end_is_no_reset() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    assert_eq!(peer.say(&mut machine, FIN | ACK, b"").len(), 1);
    peer.sequence += 1;
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    assert_eq!(peer.say(&mut machine, ACK, b""), []);
    assert_eq!(
        poll_once(stream.write(b"more")),
        Poll::Ready(Err(TcpError::ShutDown))
    );
}

#[test]
fn a_request_with_data_is_answered_like_one_without() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let peer = Peer::new(5000);
    let first = peer.say(&mut machine, SYN, b"early");
    let again = peer.say(&mut machine, SYN, b"early");
    let flags = |said: &[Said]| said.iter().map(|said| said.flags).collect::<Vec<_>>();
    assert_eq!(flags(&first), [SYN | ACK]);
    assert_eq!(flags(&again), [SYN | ACK]);
    assert_eq!(machine.net.tcp_statistics().challenges, 0);
}
