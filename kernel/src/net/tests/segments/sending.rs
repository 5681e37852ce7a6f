//! Tests of the segments that a connection sends, and their times.

use super::*;

#[test]
fn unacknowledged_data_is_retransmitted_with_growing_pauses() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    let said = peer.wait(&mut machine, 40 * SECOND);
    let times: Vec<_> = said.iter().map(|(at, _)| at / MILLISECOND).collect();
    assert!(said.iter().all(|(_, said)| said.payload == b"hello"));
    assert_eq!(times.len(), 8, "{times:?}");
    for (index, pair) in times.windows(2).enumerate() {
        assert_eq!(pair[1] - pair[0], 200 << index, "{times:?}");
    }
    peer.acknowledgement += 5;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn three_duplicate_acknowledgements_retransmit_the_first_segment() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 30_000;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, &[9; 5 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 5);
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].sequence, peer.acknowledgement);
    assert_eq!(answers[0].payload.len(), 1460);
    peer.acknowledgement += 5 * 1460;
    assert!(peer.say(&mut machine, ACK, b"").is_empty());
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn a_closed_window_is_probed_and_data_continues_after_the_probe() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    let said = peer.wait(&mut machine, 10 * SECOND);
    assert!((3..6).contains(&said.len()), "{said:?}");
    for (_, probe) in &said {
        assert_eq!(probe.payload, b"h");
        assert!(peer.say(&mut machine, ACK, b"").is_empty());
    }
    peer.window = 100;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].sequence, &answers[0].payload[..]),
        (peer.acknowledgement, &b"hello"[..])
    );
    peer.acknowledgement += 5;
    peer.say(&mut machine, ACK, b"");
    // The peer's hardware address was asked for again, and nobody answers.
    let until = peer.now + 4 * SECOND;
    assert_eq!(peer.wait(&mut machine, until), []);
    assert_eq!(machine.stack.next_deadline(), None);
}

#[test]
fn an_acknowledged_probe_is_not_sent_twice() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    assert_eq!(peer.wait(&mut machine, 2 * SECOND)[0].1.payload, b"h");
    peer.window = 100;
    peer.acknowledgement += 1;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!(answers[0].payload, b"ello");
}

#[test]
fn data_in_flight_never_exceeds_the_peers_window() {
    for (shift, window) in [(None, 2000), (Some(2), 500), (Some(14), 0)] {
        let mut machine = Machine::new(1, "10.0.2.15/24");
        let listener = machine.net.tcp_listen(PORT).unwrap();
        let mut peer = Peer::new(5000);
        peer.shift = shift;
        peer.open(&mut machine);
        peer.window = window;
        peer.say(&mut machine, ACK, b"");
        write(&mut accepted(&listener), &[1; 5000]);
        let sent: usize = peer
            .hear(&mut machine)
            .iter()
            .map(|said| said.payload.len())
            .sum();
        let room = usize::from(window) << shift.unwrap_or(0);
        // A partial segment waits until it is all that is left.
        assert!(sent <= room && sent + 1460 > room, "{sent} of {room}");
    }
}

#[test]
fn small_segments_wait_while_others_are_in_flight() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"a");
    assert_eq!(peer.hear(&mut machine)[0].payload, b"a");
    write(&mut stream, b"b");
    write(&mut stream, b"c");
    assert!(peer.hear(&mut machine).is_empty());
    peer.acknowledgement += 1;
    assert_eq!(peer.say(&mut machine, ACK, b"")[0].payload, b"bc");
}

#[test]
fn a_device_without_room_loses_no_segment() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    machine.card.room = Some(2);
    write(&mut stream, &[1; 4 * 1460]);
    assert_eq!(peer.hear(&mut machine).len(), 2);
    let retry = machine.stack.next_deadline().unwrap();
    assert!(retry > peer.now && retry < peer.now + 10 * MILLISECOND);
    machine.card.room = None;
    let said = peer.wait(&mut machine, retry);
    assert_eq!(said.len(), 2);
    assert_eq!(machine.stack.statistics().device_full, 1);
}

#[test]
fn connections_take_turns_when_there_is_more_to_send_than_a_turn_allows() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut streams = Vec::new();
    for port in [5000, 5001] {
        let mut peer = Peer::new(port);
        peer.window = 60_000;
        peer.open(&mut machine);
        // Several round trips, so that the congestion window grows.
        let mut stream = accepted(&listener);
        for _ in 0..5 {
            write(&mut stream, &[1; 20 * 1460]);
            for said in peer.hear(&mut machine) {
                peer.acknowledgement += said.payload.len() as u32;
            }
            for said in peer.say(&mut machine, ACK, b"") {
                peer.acknowledgement += said.payload.len() as u32;
            }
            peer.say(&mut machine, ACK, b"");
        }
        streams.push(stream);
    }
    for stream in &mut streams {
        write(stream, &[1; 20 * 1460]);
    }
    let mut turn = || {
        machine.stack.egress(&mut machine.card, SECOND, BUDGET);
        let sent: Vec<_> = machine.card.sent.drain(..).collect();
        assert!(sent.len() <= BUDGET);
        u16::from_be_bytes([sent[0][36], sent[0][37]])
    };
    let first = turn();
    assert_ne!(first, turn());
}

#[test]
fn a_connection_follows_its_peer_to_another_hardware_address() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    write(&mut stream, b"hello");
    peer.hear(&mut machine);
    // After a long silence, the address is asked for again.
    let mut asked = false;
    while peer.now < 60 * SECOND && !asked {
        peer.now = machine.stack.next_deadline().unwrap().max(peer.now + 1000);
        asked = machine
            .answers(peer.now)
            .iter()
            .any(|frame| frame[12..14] == [8, 6]);
    }
    assert!(asked);
    let mut reply = arp(ArpOperation::Reply, B, A);
    let card = [2, 0, 0, 0, 0, 8];
    reply[22..28].copy_from_slice(&card);
    machine.answer(reply);
    peer.now = machine.stack.next_deadline().unwrap();
    let again = &machine.answers(peer.now)[0];
    assert_eq!(said(again).unwrap().payload, b"hello");
    assert_eq!(again[..6], card);
}

#[test]
fn acknowledged_probes_do_not_shorten_the_probe_interval() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    assert_eq!(peer.wait(&mut machine, 2 * SECOND)[0].1.payload, b"h");
    peer.acknowledgement += 1;
    assert_eq!(peer.say(&mut machine, ACK, b""), []);
    let until = peer.now + 5 * SECOND;
    let said = peer.wait(&mut machine, until);
    assert_eq!(said[0].1.payload, b"e");
}

#[test]
fn data_from_a_peer_with_a_closed_window_is_acknowledged() {
    let (mut machine, _listener, mut stream, mut peer) = connected();
    peer.window = 0;
    peer.say(&mut machine, ACK, b"");
    write(&mut stream, b"hello");
    assert_eq!(peer.wait(&mut machine, 2 * SECOND)[0].1.payload, b"h");
    // It did not accept the probe, so it ignores everything after it.
    peer.tell(&mut machine, &[1; 1460]);
    let answers = peer.tell(&mut machine, &[1; 1460]);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].acknowledgement, peer.sequence);
    assert_eq!(answers[0].sequence, peer.acknowledgement);
}

/// Tiny segments would cost this machine a hundred times what they cost the peer.
#[test]
fn a_peer_that_asks_for_tiny_segments_gets_48_bytes_in_each() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peer = Peer::new(5000);
    peer.longest = 1;
    peer.open(&mut machine);
    let mut stream = accepted(&listener);
    write(&mut stream, &[9; 480]);
    let said = peer.hear(&mut machine);
    assert_eq!(said.len(), 10);
    assert!(said.iter().all(|said| said.payload.len() == 48));
}
