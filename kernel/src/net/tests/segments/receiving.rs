//! Tests of receiving segments.

use core::time::Duration;

use super::*;

#[test]
fn a_connection_announces_its_window_and_receives_data_in_order() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    let answer = peer.open(&mut machine);
    assert_eq!(answer.longest, Some(1460));
    assert_eq!(usize::from(answer.window), TCP_QUEUE - 1);
    let mut stream = accepted(&listener);
    assert_eq!(stream.peer(), Some(at(B, 5000)));
    stream.set_keep_alive(None);
    assert!(read(&mut stream).is_pending());
    // No data accompanies the acknowledgement, so it waits; one covers two segments.
    assert!(peer.tell(&mut machine, b"one").is_empty());
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"one".to_vec())));
    let said = peer.wait(&mut machine, SECOND);
    assert_eq!(said.len(), 1);
    assert!(said[0].0 < SECOND / 2, "it waited for {} ns", said[0].0);
    assert_eq!(said[0].1.acknowledgement, peer.sequence);
    peer.tell(&mut machine, &[2; 1460]);
    let answers = peer.tell(&mut machine, &[3; 1460]);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn out_of_order_data_is_acknowledged_at_once_and_kept() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let first = peer.clone();
    peer.sequence += 3;
    for (text, kept) in [(&b"def"[..], 3), (b"def", 3), (b"defghi", 6)] {
        let answers = peer.say(&mut machine, ACK, text);
        assert_eq!(answers.len(), 1, "a gap is answered");
        assert_eq!(answers[0].acknowledgement, first.sequence);
        peer.sequence += kept - text.len() as u32;
    }
    assert!(read(&mut stream).is_pending());
    let answers = first.say(&mut machine, ACK, b"abc");
    assert_eq!(answers[0].acknowledgement, first.sequence + 9);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"abcdefghi".to_vec())));
}

#[test]
fn an_end_that_arrives_behind_a_gap_counts_once_the_gap_is_filled() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let first = peer.clone();
    peer.sequence += 3;
    peer.say(&mut machine, FIN | ACK, b"def");
    let answers = first.say(&mut machine, ACK, b"abc");
    let last = answers.last().expect("the gap is filled");
    assert_eq!(last.acknowledgement, first.sequence + 7);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"abcdef".to_vec())));
    assert_eq!(read(&mut stream), Poll::Ready(Ok(Vec::new())));
}

#[test]
fn duplicate_data_is_acknowledged_and_not_read_twice() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let first = peer.clone();
    peer.tell(&mut machine, b"abc");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"abc".to_vec())));
    for _ in 0..3 {
        let answers = first.say(&mut machine, ACK, b"abc");
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].acknowledgement, peer.sequence);
    }
    // The new part of a segment that starts with old data is accepted.
    first.say(&mut machine, ACK, b"abcde");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"de".to_vec())));
}

#[test]
fn data_beyond_the_window_is_cut_off_and_an_opening_window_is_announced() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let mut left = TCP_QUEUE;
    while left > 0 {
        let piece = left.min(1460);
        let answers = peer.tell(&mut machine, &std::vec![7; piece]);
        left -= piece;
        for answer in answers {
            assert!(usize::from(answer.window) <= left + 1);
        }
    }
    let answers = peer.say(&mut machine, ACK, b"too much");
    assert_eq!(answers.len(), 1, "a probe is answered");
    assert_eq!(
        (answers[0].window, answers[0].acknowledgement),
        (0, peer.sequence)
    );
    // Room for less than a segment is not announced: the peer would send small segments.
    assert_eq!(poll_once(stream.read(&mut [0; 100])), Poll::Ready(Ok(100)));
    let answers = peer.say(&mut machine, ACK, b"too much");
    assert_eq!(answers[0].window, 0);
    assert_eq!(
        read(&mut stream).map_ok(|bytes| bytes.len()),
        Poll::Ready(Ok(TCP_QUEUE - 100))
    );
    let answers = peer.hear(&mut machine);
    assert_eq!(answers.len(), 1, "the peer hears of the window");
    assert_eq!(usize::from(answers[0].window), TCP_QUEUE - 1);
}

#[test]
fn an_acknowledgement_of_unsent_data_is_answered_and_ignored() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    peer.hear(&mut machine);
    let right = peer.acknowledgement;
    peer.acknowledgement = right + 100;
    let answers = peer.say(&mut machine, ACK, b"x");
    assert_eq!((answers.len(), answers[0].flags), (1, ACK));
    assert!(read(&mut stream).is_pending());
    assert!(poll_once(stream.flush()).is_pending());
    peer.acknowledgement = right + 5;
    peer.say(&mut machine, ACK, b"");
    assert_eq!(poll_once(stream.flush()), Poll::Ready(Ok(())));
}

#[test]
fn a_segment_with_a_wrong_checksum_is_dropped_and_counted() {
    let (mut machine, _listener, mut stream, peer) = connected();
    let mut packet = peer.packet(ACK, b"hello");
    packet[22] ^= 1;
    assert!(machine.answer(ipv4(B, IpProtocol::Tcp, &packet)).is_empty());
    assert!(read(&mut stream).is_pending());
    assert_eq!(machine.stack.statistics().wrong_checksum, 1);
}

#[test]
fn segments_in_fragments_and_after_ip_options_are_received() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let whole = ipv4(B, IpProtocol::Tcp, &peer.packet(ACK, &[5; 400]));
    let mut pieces = fragments(&whole, 200);
    pieces.reverse();
    machine.card.received.extend(pieces);
    peer.hear(&mut machine);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(std::vec![5; 400])));
    peer.sequence += 400;
    let plain = ipv4(B, IpProtocol::Tcp, &peer.packet(ACK, b"options"));
    let mut frame = plain[..34].to_vec();
    frame[14] = 0x46;
    frame.extend([1; 4]);
    frame.extend(&plain[34..]);
    let length = (frame.len() - 14) as u16;
    frame[16..18].copy_from_slice(&length.to_be_bytes());
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    machine.answer(frame);
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"options".to_vec())));
}

#[test]
fn any_segment_is_handled() {
    let mut random = 1u32;
    let mut next = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random >> 8
    };
    let (rounds, steps) = if cfg!(miri) { (2, 30) } else { (40, 200) };
    for round in 0..rounds {
        let (mut machine, listener, mut stream, mut peer) = connected();
        let mut others = Vec::new();
        for step in 0..steps {
            let mut wild = peer.clone();
            let near = |place: u32, random: u32| match random % 4 {
                0 => place,
                1 => place.wrapping_add(random % 3000),
                2 => place.wrapping_sub(random % 3000),
                _ => random.wrapping_mul(77_777),
            };
            wild.sequence = near(wild.sequence, next());
            wild.acknowledgement = near(wild.acknowledgement, next());
            wild.window = next() as u16;
            let mut packet =
                wild.packet((next() & 0x1f) as u8, &std::vec![3; next() as usize % 1400]);
            if next() % 8 == 0 {
                packet[12] = next() as u8;
                let (from, to) = (IpAddress::Ipv4(B), IpAddress::Ipv4(A));
                TcpPacket::new_unchecked(&mut packet[..]).fill_checksum(&from, &to);
            }
            machine
                .card
                .received
                .push_back(ipv4(B, IpProtocol::Tcp, &packet));
            peer.now += u64::from(next() % 100) * MILLISECOND;
            peer.hear(&mut machine);
            match step % 7 {
                0 => drop(poll_once(stream.write(&[1; 3000]))),
                1 => drop(read(&mut stream)),
                2 if round % 2 == 0 => stream.shut_down(),
                3 => {
                    if let Poll::Ready(Ok(other)) = poll_once(listener.accept()) {
                        others.push(other);
                    }
                }
                4 if round % 3 == 0 => {
                    let interval = Duration::from_millis(u64::from(next() % 3000));
                    stream.set_keep_alive(Some(interval));
                }
                _ => {}
            }
        }
        drop((stream, others));
        peer.wait(&mut machine, peer.now + 1000 * SECOND);
        assert_eq!(machine.stack.next_deadline(), None, "round {round}");
        drop(listener);
        peer.wait(&mut machine, peer.now + 1000 * SECOND);
        assert_eq!(
            machine.stack.inner.borrow().connections.count(),
            0,
            "round {round}"
        );
    }
}

#[test]
fn an_acknowledgement_of_very_old_data_is_ignored() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    let right = peer.acknowledgement;
    peer.acknowledgement = right.wrapping_sub(100_000);
    let answers = peer.say(&mut machine, ACK, b"from a stranger");
    assert_eq!((answers.len(), answers[0].flags), (1, ACK));
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert!(read(&mut stream).is_pending());
    peer.acknowledgement = right.wrapping_sub(10_000);
    peer.say(&mut machine, ACK, b"late");
    assert_eq!(read(&mut stream), Poll::Ready(Ok(b"late".to_vec())));
}
