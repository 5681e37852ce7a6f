//! Tests of segments that are old, guessed (RFC 5961), or from impossible addresses.

use super::*;

/// The state of an honest peer and the machine after a few segments each.
fn in_use() -> (Machine, TcpListener, TcpStream, Peer) {
    let (mut machine, listener, mut stream, mut peer) = connected();
    peer.tell(&mut machine, b"question");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"question".to_vec())));
    write(&mut stream, b"answer");
    peer.hear(&mut machine);
    peer.acknowledgement += 6;
    assert_eq!(peer.say(&mut machine, ACK, b""), []);
    (machine, listener, stream, peer)
}

/// Checks that the connection works in both directions.
fn goes_on(machine: &mut Machine, stream: &mut TcpStream, peer: &mut Peer) -> bool {
    peer.tell(machine, b"more");
    let read = read(stream) == Poll::Ready(Ok(b"more".to_vec()));
    write(stream, b"still");
    let said = peer.hear(machine);
    peer.acknowledgement += 5;
    peer.say(machine, ACK, b"");
    read && said.len() == 1 && said[0].payload == b"still"
}

#[test]
fn a_syn_on_an_open_connection_gets_a_challenge_and_opens_nothing() {
    let (mut machine, listener, mut stream, mut peer) = in_use();
    let right = peer.sequence;
    let numbers = [
        0,
        1,
        100,
        65_534,
        65_535,
        1 << 20,
        1 << 31,
        u32::MAX,
        u32::MAX - 8,
    ];
    for (index, offset) in numbers.into_iter().enumerate() {
        for flags in [SYN, SYN | ACK] {
            let mut stranger = peer.clone();
            stranger.sequence = right.wrapping_add(offset);
            stranger.now += index as u64 * 10 * SECOND;
            let answers = stranger.say(&mut machine, flags, b"");
            assert_eq!(answers.len(), 1, "{offset}");
            assert_eq!((answers[0].flags, answers[0].acknowledgement), (ACK, right));
            peer.now = stranger.now;
        }
    }
    assert!(poll_once(listener.accept()).is_pending());
    assert!(goes_on(&mut machine, &mut stream, &mut peer));
    assert_eq!(machine.net.tcp_statistics().challenges, 18);
}

#[test]
fn a_restarted_client_with_the_same_port_is_accepted() {
    let (mut machine, listener, mut stream, old) = in_use();
    let mut peer = Peer::new(5000);
    peer.sequence = 0xdead_beef;
    let answers = peer.say(&mut machine, SYN, b"");
    assert_eq!(
        (answers[0].flags, answers[0].acknowledgement),
        (ACK, old.sequence)
    );
    // It knows no connection that this acknowledges (RFC 9293, 3.5.1, figure 9).
    let mut reset = peer.clone();
    reset.sequence = answers[0].acknowledgement;
    assert_eq!(reset.say(&mut machine, RST, b""), []);
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::Reset)));
    peer.now += SECOND;
    peer.open(&mut machine);
    let mut stream = accepted(&listener);
    assert!(goes_on(&mut machine, &mut stream, &mut peer));
}

#[test]
fn only_a_reset_with_the_expected_number_ends_a_connection() {
    let (mut machine, _listener, mut stream, mut peer) = in_use();
    let right = peer.sequence;
    for (place, answers) in [
        (right - 1, 0),
        (right + 65_536, 0),
        (right + (1 << 31), 0),
        (right + 1, 1),
        (right + 65_000, 1),
    ] {
        let mut stranger = peer.clone();
        stranger.sequence = place;
        let said = stranger.say(&mut machine, RST, b"");
        assert_eq!(said.len(), answers, "{place}");
    }
    assert!(goes_on(&mut machine, &mut stream, &mut peer));
    assert_eq!(machine.net.tcp_statistics().resets_refused, 5);
    assert!(peer.say(&mut machine, RST, b"").is_empty());
    assert_eq!(read(&mut stream), Poll::Ready(Err(TcpError::Reset)));
}

#[test]
fn an_acknowledgement_out_of_range_gets_a_challenge_and_its_data_is_dropped() {
    let (mut machine, _listener, mut stream, mut peer) = in_use();
    let right = peer.acknowledgement;
    for offset in [1, 1000, 1 << 30, 1 << 31, (-70_000_i32) as u32] {
        let mut stranger = peer.clone();
        stranger.acknowledgement = right.wrapping_add(offset);
        let said = stranger.say(&mut machine, ACK, b"injected");
        assert_eq!((said.len(), said[0].flags), (1, ACK), "{offset}");
        assert_eq!(said[0].acknowledgement, peer.sequence);
    }
    assert!(goes_on(&mut machine, &mut stream, &mut peer));
}

#[test]
fn old_data_is_acknowledged_and_changes_nothing() {
    let (mut machine, listener, mut stream, mut peer) = in_use();
    let mut old = peer.clone();
    old.sequence -= 8;
    for flags in [ACK, ACK | PSH, ACK | FIN] {
        let said = old.say(&mut machine, flags, b"QUEST");
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].acknowledgement, peer.sequence);
    }
    assert!(goes_on(&mut machine, &mut stream, &mut peer));
    assert!(poll_once(listener.accept()).is_pending());
}

fn fill(machine: &mut Machine, peer: &mut Peer, mut left: usize) {
    while left > 0 {
        let piece = left.min(1460);
        peer.tell(machine, &std::vec![7; piece]);
        left -= piece;
    }
}

#[test]
fn an_acknowledgement_at_the_edge_of_the_window_counts() {
    let (mut machine, _listener, mut stream, mut peer) = in_use();
    write(&mut stream, b"hello");
    let window = usize::from(peer.hear(&mut machine)[0].window);
    // The peer has filled the window, and its first segment was lost.
    peer.sequence += 1460;
    fill(&mut machine, &mut peer, window - 1460);
    peer.acknowledgement += 5;
    peer.say(&mut machine, ACK, b"");
    assert_eq!(poll_once(stream.flush()), Poll::Ready(Ok(())));
}

#[test]
fn an_acknowledgement_to_a_closed_window_counts() {
    let (mut machine, _listener, mut stream, mut peer) = in_use();
    write(&mut stream, b"hello");
    let window = usize::from(peer.hear(&mut machine)[0].window);
    fill(&mut machine, &mut peer, window);
    peer.acknowledgement += 5;
    peer.say(&mut machine, ACK, b"");
    assert_eq!(poll_once(stream.flush()), Poll::Ready(Ok(())));
    // A reset counts too.
    peer.say(&mut machine, RST, b"");
    assert_eq!(stream.peer(), None);
}

/// Returns a connection that this side closed first, without an owner.
fn remembered() -> (Machine, TcpListener, Peer) {
    let (mut machine, listener, stream, mut peer) = in_use();
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    peer.say(&mut machine, FIN | ACK, b"");
    peer.sequence += 1;
    drop(stream);
    peer.hear(&mut machine);
    (machine, listener, peer)
}

#[test]
fn no_reset_ends_a_connection_in_time_wait() {
    let (mut machine, _listener, mut peer) = remembered();
    let right = peer.sequence;
    for place in [right, right - 1, right + 10] {
        peer.sequence = place;
        assert_eq!(peer.say(&mut machine, RST, b""), []);
        assert_eq!(machine.stack.inner.borrow().connections.count(), 1);
    }
    assert_eq!(machine.net.tcp_statistics().resets_refused, 3);
}

#[test]
fn a_connection_in_time_wait_takes_no_memory_and_is_not_prolonged() {
    let (mut machine, listener, peer) = remembered();
    assert_eq!(machine.stack.inner.borrow().connections.memory(), 0);
    // A restarted client, with a number that does not follow the old ones.
    let mut restarted = peer.clone();
    restarted.sequence = restarted.sequence.wrapping_sub(100_000);
    for _ in 0..12 {
        restarted.say(&mut machine, SYN, b"");
        let until = restarted.now + SECOND;
        restarted.wait(&mut machine, until);
    }
    restarted.open(&mut machine);
    assert_eq!(accepted(&listener).peer(), Some(at(B, 5000)));
}

#[test]
fn a_new_request_replaces_a_connection_in_time_wait_even_with_an_owner() {
    let (mut machine, listener, mut stream, mut peer) = in_use();
    stream.shut_down();
    peer.hear(&mut machine);
    peer.acknowledgement += 1;
    peer.say(&mut machine, FIN | ACK, b"last");
    peer.sequence += 10_000;
    peer.open(&mut machine);
    let mut new = accepted(&listener);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"last".to_vec())));
    assert_eq!(read(&mut stream), Poll::Ready(Ok(Vec::new())));
    drop(stream);
    assert!(goes_on(&mut machine, &mut new, &mut peer));
}

#[test]
fn segments_from_impossible_addresses_are_not_answered() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    for address in [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [127, 0, 0, 1],
        [127, 255, 255, 254],
        [10, 0, 2, 15],
        [10, 0, 2, 255],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ] {
        for (port, flags) in [(PORT, SYN), (PORT, ACK), (81, SYN), (81, ACK)] {
            let mut peer = Peer::new(5000);
            peer.address = address.into();
            peer.to = port;
            assert_eq!(peer.say(&mut machine, flags, b""), [], "{address:?}");
        }
    }
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    assert!(machine.stack.statistics().forged_source > 0);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn broadcast_segments_are_not_answered() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen(PORT).unwrap();
    let peer = Peer::new(5000);
    for port in [PORT, 81] {
        let mut peer = peer.clone();
        peer.to = port;
        let plain = ipv4(B, IpProtocol::Tcp, &peer.packet(SYN, b""));
        let mut with_options = plain[..34].to_vec();
        with_options[14] = 0x46;
        with_options.extend([1; 4]);
        with_options.extend(&plain[34..]);
        with_options[17] += 4;
        Ipv4Packet::new_unchecked(&mut with_options[14..]).fill_checksum();
        assert_eq!(
            machine.answer(with_options.clone()).len(),
            1,
            "one machine is answered"
        );
        for to in [[0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
            for frame in [&plain, &with_options] {
                let mut frame = frame.clone();
                frame[..6].copy_from_slice(&to);
                assert_eq!(machine.answer(frame), Vec::<Vec<u8>>::new());
            }
        }
        // To a multicast address, in a frame for this machine.
        for to in [
            [10, 0, 2, 255],
            [255, 255, 255, 255],
            [224, 0, 0, 1],
            [127, 0, 0, 1],
        ] {
            let mut frame = plain.clone();
            frame[30..34].copy_from_slice(&to);
            Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
            assert_eq!(machine.answer(frame), Vec::<Vec<u8>>::new(), "{to:?}");
        }
    }
}
