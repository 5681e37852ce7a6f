//! Tests of how a connection ends.

use core::time::Duration;

use super::*;

#[test]
fn a_connection_ends_in_order_from_either_side() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let answers = peer.say(&mut machine, FIN | ACK, b"bye");
    peer.sequence += 4;
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"bye".to_vec())));
    assert_eq!(read(&mut stream), Poll::Ready(Ok(Vec::new())));
    write(&mut stream, b"you too");
    drop(stream);
    let answers = peer.hear(&mut machine);
    assert_eq!(answers[0].flags, ACK | PSH | FIN);
    assert_eq!(answers[0].payload, b"you too");
    peer.acknowledgement += 8;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);

    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.shut_down();
    assert_eq!(peer.hear(&mut machine)[0].flags, ACK | FIN);
    peer.acknowledgement += 1;
    peer.say(&mut machine, ACK, b"");
    peer.tell(&mut machine, b"more");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"more".to_vec())));
    let answers = peer.say(&mut machine, FIN | ACK, b"");
    assert_eq!(answers[0].acknowledgement, peer.sequence + 1);
    // A FIN whose acknowledgement was lost is answered again.
    assert_eq!(peer.say(&mut machine, FIN | ACK, b"").len(), 1);
    drop(stream);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 1);
    peer.wait(&mut machine, 30 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn both_ends_may_close_at_the_same_time() {
    let (mut machine, _listener, stream, mut peer) = connected();
    stream.shut_down();
    assert_eq!(peer.hear(&mut machine)[0].flags, ACK | FIN);
    let answers = peer.say(&mut machine, FIN | ACK, b"");
    peer.sequence += 1;
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    peer.acknowledgement += 1;
    peer.say(&mut machine, ACK, b"");
    drop(stream);
    peer.wait(&mut machine, 30 * SECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn data_for_a_closed_connection_resets_it_after_pending_data_arrived() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"answer");
    drop(stream);
    assert_eq!(peer.hear(&mut machine)[0].payload, b"answer");
    // While the answer is in flight, received data is discarded.
    peer.tell(&mut machine, b"question");
    peer.acknowledgement += 7;
    peer.say(&mut machine, ACK, b"");
    let answers = peer.tell(&mut machine, b"hello?");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].flags, RST | ACK);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_silent_peer_is_probed_and_given_up_without_an_answer() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    stream.set_keep_alive(Some(Duration::from_secs(20)));
    for _ in 0..3 {
        let until = peer.now + 21 * SECOND;
        let said = peer.wait(&mut machine, until);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].1.sequence, peer.acknowledgement - 1);
        peer.say(&mut machine, ACK, b"");
    }
    let begun = peer.now;
    let said = peer.wait(&mut machine, begun + 400 * SECOND);
    assert_eq!(said.last().unwrap().1.flags, RST | ACK);
    let took = (said.last().unwrap().0 - begun) / SECOND;
    assert_eq!(took, 100);
    // The probe is repeated, since any of them may be lost.
    assert_eq!(said.len(), 16 + 1);
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::TimedOut)));
}

#[test]
fn a_client_that_vanishes_occupies_neither_a_task_nor_the_backlog() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.open(&mut machine);
    let mut stream = accepted(&listener);
    Peer::new(5001).open(&mut machine);
    peer.wait(&mut machine, 149 * SECOND);
    assert!(read(&mut stream).is_pending());
    assert_eq!(machine.stack.inner.borrow().connections.count(), 2);
    peer.wait(&mut machine, 151 * SECOND);
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::TimedOut)));
    drop(stream);
    peer.hear(&mut machine);
    assert!(poll_once(listener.accept()).is_pending());
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    assert_eq!(machine.net.tcp_statistics().gave_up, 2);
}

/// Returns a connection without an owner that has data for a peer with a closed window.
fn dropped_before_there_was_room() -> (Machine, TcpListener, Peer) {
    let (mut machine, listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"last words");
    drop(stream);
    peer.hear(&mut machine);
    (machine, listener, peer)
}

#[test]
fn data_written_before_a_drop_waits_for_room() {
    let (mut machine, _listener, mut peer) = dropped_before_there_was_room();
    let mut probes = 0;
    while peer.now < 150 * SECOND {
        let until = peer.now + SECOND;
        let said = peer.wait(&mut machine, until);
        probes += said.len();
        if !said.is_empty() {
            peer.say(&mut machine, ACK, b"");
        }
    }
    assert!((10..20).contains(&probes), "{probes}");
    peer.window = 1000;
    let said = peer.say(&mut machine, ACK, b"");
    assert_eq!((said.len(), said[0].flags), (1, ACK | PSH | FIN));
    assert_eq!(said[0].payload, b"last words");
}

#[test]
fn data_that_never_gets_room_is_given_up_in_time() {
    let (mut machine, _listener, mut peer) = dropped_before_there_was_room();
    let said = peer.wait(&mut machine, 400 * SECOND);
    let (end, last) = said.last().unwrap();
    assert_eq!((end / SECOND, last.flags), (60, RST | ACK));
    let (mut machine, _listener, mut peer) = dropped_before_there_was_room();
    let mut end = 0;
    while peer.now < 400 * SECOND && end == 0 {
        let until = peer.now + SECOND;
        for (at, said) in peer.wait(&mut machine, until) {
            peer.say(&mut machine, ACK, b"");
            end = if said.flags & RST == 0 { 0 } else { at };
        }
    }
    assert_eq!(end / SECOND, 180);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_keep_alive_probe_is_answered() {
    let (mut machine, _listener, _stream, mut peer) = connected();
    peer.sequence -= 1;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence + 1);
    let answers = peer.say(&mut machine, ACK, b"\0");
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_removed_address_ends_its_connections() {
    let (mut machine, _listener, mut stream, peer) = connected();
    machine.net.configure("10.0.2.16/24".parse().unwrap());
    peer.hear(&mut machine);
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::AddressLost)));
    drop(stream);
    peer.hear(&mut machine);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn a_closed_connection_sends_no_keep_alive_probe() {
    let (mut machine, _listener, stream, peer) = connected();
    peer.say(&mut machine, RST, b"");
    stream.set_keep_alive(Some(Duration::from_secs(20)));
    peer.hear(&mut machine);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_connection_in_time_wait_ends_without_a_segment() {
    let (mut machine, _listener, stream, mut peer) = connected();
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    peer.say(&mut machine, FIN | ACK, b"");
    drop(stream);
    // The peer repeats its FIN, so that the connection is kept longer.
    peer.wait(&mut machine, 6 * SECOND);
    assert_eq!(peer.say(&mut machine, FIN | ACK, b"").len(), 1);
    assert_eq!(peer.wait(&mut machine, 60 * SECOND), []);
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn keep_alive_probes_are_at_least_a_second_apart() {
    let (mut machine, _listener, stream, mut peer) = connected();
    stream.set_keep_alive(Some(Duration::ZERO));
    let said = peer.wait(&mut machine, 5 * SECOND);
    assert!((4..6).contains(&said.len()), "{}", said.len());
}

#[test]
fn a_fin_needs_no_room_in_the_window() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let mut left = TCP_QUEUE;
    while left > 0 {
        let piece = left.min(1460);
        peer.tell(&mut machine, &std::vec![7; piece]);
        left -= piece;
    }
    let answers = peer.say(&mut machine, FIN | ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence + 1);
    assert!(matches!(read(&mut stream), Poll::Ready(Ok(bytes)) if bytes.len() == TCP_QUEUE));
    assert_eq!(read(&mut stream), Poll::Ready(Ok(Vec::new())));
}
