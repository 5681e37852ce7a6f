//! Tests of half-open connections, and floods of them (RFC 4987).

use super::super::super::SOCKETS;
use super::*;

/// Requests from unreachable addresses and ports, all in one turn or a few.
fn flood(machine: &mut Machine, requests: u32, now: u64) -> usize {
    for number in 0..requests {
        let mut peer = Peer::new(1024 + (number % 50_000) as u16);
        peer.address = Ipv4Addr::from_bits(0xc000_0200 + number);
        peer.sequence = number.wrapping_mul(77_777);
        let frame = ipv4(peer.address, IpProtocol::Tcp, &peer.packet(SYN, b""));
        machine.card.received.push_back(frame);
    }
    let answers = machine.answers(now);
    answers.iter().filter(|frame| said(frame).is_some()).count()
}

/// How many requests a flood has before and after that of each client.
const FLOOD: u32 = if cfg!(miri) { 50 } else { 500 };

#[test]
fn a_syn_flood_blocks_no_client_and_takes_no_memory() {
    for backlog in [1, 4, TCP_BACKLOG] {
        let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
        let listener = machine.net.tcp_listen_with(PORT, backlog).unwrap();

        for (opened, port) in (6000..6010).enumerate() {
            let mut peer = Peer::new(port);
            peer.now = (u64::from(port) - 5999) * SECOND;
            flood(&mut machine, FLOOD, peer.now);
            let answers = peer.say(&mut machine, SYN, b"");
            assert_eq!(answers.len(), 1, "each request is answered");
            flood(&mut machine, FLOOD, peer.now);
            {
                let connections = &machine.stack.inner.borrow().connections;
                assert_eq!(connections.memory(), opened * 2 * TCP_QUEUE);
                assert!(connections.count() <= SOCKETS);
            }
            peer.sequence += 1;
            peer.acknowledgement = answers[0].sequence.wrapping_add(1);
            peer.window = 500;
            assert_eq!(peer.say(&mut machine, ACK, b""), []);
            peer.tell(&mut machine, b"hello");
            let mut stream = accepted(&listener);
            assert_eq!(read(&mut stream), Poll::Ready(Ok(b"hello".to_vec())));
            // The peer's window and its longest segment are known.
            write(&mut stream, &[1; 1000]);
            let said = peer.hear(&mut machine);
            assert_eq!((said.len(), said[0].payload.len()), (1, 500));
            core::mem::forget(stream);
        }
        let statistics = machine.net.tcp_statistics();
        assert_eq!(statistics.cookies_accepted, 10);
        let requests = u64::from(10 * 2 * FLOOD);
        assert!(
            statistics.cookies_sent > requests / 10 * 9,
            "{statistics:?}"
        );
        // Only a peer that answers takes the room of a half-open connection.
        assert!(statistics.half_open_evicted <= 10, "{statistics:?}");
        assert_eq!(machine.stack.statistics().backlog_full, 0);
    }
}

#[test]
fn data_restores_an_evicted_connection_whose_acknowledgement_was_lost() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let listener = machine.net.tcp_listen_with(PORT, 1).unwrap();
    let mut peer = Peer::new(6000);
    let answer = peer.say(&mut machine, SYN, b"").remove(0);
    flood(&mut machine, 3, peer.now);
    peer.sequence += 1;
    peer.acknowledgement = answer.sequence.wrapping_add(1);
    peer.tell(&mut machine, b"hello");
    assert_eq!(
        read(&mut accepted(&listener)),
        Poll::Ready(Ok(b"hello".to_vec()))
    );
}

#[test]
fn a_guessed_cookie_opens_no_connection() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let listener = machine.net.tcp_listen_with(PORT, 1).unwrap();
    flood(&mut machine, 2, MILLISECOND);
    let mut peer = Peer::new(6000);
    peer.acknowledgement = 12345;
    let answers = peer.say(&mut machine, ACK, b"");
    assert_eq!((answers.len(), answers[0].flags), (1, RST));
    assert!(poll_once(listener.accept()).is_pending());
    // If nothing was evicted for long, no cookie is accepted.
    let answer = peer.say(&mut machine, SYN, b"").remove(0);
    let mut old = peer.clone();
    old.sequence += 1;
    old.acknowledgement = answer.sequence.wrapping_add(1);
    flood(&mut machine, 2, MILLISECOND);
    peer.wait(&mut machine, 200 * SECOND);
    old.now = 200 * SECOND;
    assert_eq!(old.say(&mut machine, ACK, b"")[0].flags, RST);
    assert!(poll_once(listener.accept()).is_pending());
}

#[test]
fn a_reset_request_leaves_room_for_another() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let _listener = machine.net.tcp_listen_with(PORT, 1).unwrap();
    let mut peer = Peer::new(5000);
    assert_eq!(peer.say(&mut machine, SYN, b"").len(), 1);
    peer.sequence += 1;
    assert!(peer.say(&mut machine, RST, b"").is_empty());
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    Peer::new(5001).open(&mut machine);
    assert_eq!(machine.net.tcp_statistics().half_open_evicted, 0);
}

#[test]
fn a_connection_that_breaks_before_it_is_accepted_frees_its_place_at_once() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen_with(PORT, 2).unwrap();
    for port in 5000..if cfg!(miri) { 5005 } else { 5020 } {
        let mut peer = Peer::new(port);
        peer.open(&mut machine);
        peer.say(&mut machine, RST, b"");
    }
    assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
    assert_eq!(machine.stack.inner.borrow().connections.memory(), 0);
    let mut peer = Peer::new(6000);
    peer.open(&mut machine);
    assert_eq!(accepted(&listener).peer(), Some(at(B, 6000)));
    assert!(poll_once(listener.accept()).is_pending());
    assert_eq!(machine.stack.statistics().backlog_full, 0);
}

#[test]
fn the_connections_of_a_browser_are_not_lost() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen(PORT).unwrap();
    let mut peers: Vec<_> = (5000..5024).map(Peer::new).collect();
    for peer in &mut peers {
        peer.open(&mut machine);
    }
    for peer in &peers {
        assert_eq!(accepted(&listener).peer(), Some(at(B, peer.port)));
    }
    assert_eq!(machine.net.tcp_statistics().half_open_evicted, 0);
    assert_eq!(machine.stack.statistics().backlog_full, 0);
}

#[test]
fn a_full_backlog_of_established_connections_is_not_evicted() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let listener = machine.net.tcp_listen_with(PORT, 2).unwrap();
    for port in [5000, 5001] {
        Peer::new(port).open(&mut machine);
    }
    assert_eq!(Peer::new(5002).say(&mut machine, SYN, b""), []);
    assert_eq!(machine.stack.statistics().backlog_full, 1);
    assert_eq!(accepted(&listener).peer(), Some(at(B, 5000)));
    assert_eq!(accepted(&listener).peer(), Some(at(B, 5001)));
}

#[test]
fn half_open_connections_are_evicted_for_an_outgoing_one() {
    let mut machine = Machine::new(1, "10.0.2.15/24,10.0.2.2");
    let _listener = machine.net.tcp_listen_with(PORT, 2 * SOCKETS).unwrap();
    flood(&mut machine, 2 * SOCKETS as u32, MILLISECOND);
    assert_eq!(machine.stack.inner.borrow().connections.count(), SOCKETS);
    let net = machine.net;
    let mut connecting = pin!(net.tcp_connect(at(B, 80)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    assert_eq!(machine.stack.inner.borrow().connections.count(), SOCKETS);
}
