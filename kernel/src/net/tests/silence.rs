//! Tests of actions that are due after silence: the time has advanced, but no frame arrived that
//! would have run the stack.

use core::time::Duration;

use super::super::ConnectError;
use super::dhcp::{Server, configured};
use super::ip::introduce;
use super::*;

/// Advances the time without a turn that receives frames.
fn silence(cable: &mut Cable, nanoseconds: u64) {
    cable.run(2 * MILLISECOND);
    cable.now += nanoseconds;
    CLOCK.set(cable.now);
}

#[test]
fn a_ping_has_its_full_timeout() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    silence(&mut cable, 3 * SECOND);
    let started = cable.now;
    let took = cable.block_on(net.ping(B, Duration::from_secs(2)));
    assert!(took.unwrap() < Duration::from_millis(10));
    let nobody = Ipv4Addr::new(10, 0, 2, 99);
    let result = cable.block_on(net.ping(nobody, Duration::from_secs(2)));
    assert!(result.is_err());
    assert!((2000..2100).contains(&((cable.now - started) / MILLISECOND)));
}

#[test]
fn a_rejected_connection_is_not_a_timeout() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    silence(&mut cable, 12 * SECOND);
    let refused = cable.block_on(net.tcp_connect(at(B, 80)));
    assert_eq!(refused.err(), Some(ConnectError::Refused(at(B, 80))));
}

#[test]
fn a_connection_that_is_dropped_still_has_its_time_to_end() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let listener = a.tcp_listen(80).unwrap();
    let stream = cable.block_on(b.tcp_connect(at(A, 80))).unwrap();
    let accepted = cable.block_on(listener.accept()).unwrap();
    silence(&mut cable, 200 * SECOND);
    drop(stream);
    cable.run(cable.now + MILLISECOND);
    assert!(
        cable.b.stack.inner.borrow().connections.count() > 0,
        "it ended before the peer was told"
    );
    drop(accepted);
}

#[test]
fn a_link_that_was_down_for_long_keeps_its_address_for_15_seconds() {
    let mut machine = Machine::new(1, "dhcp");
    Server::new().run(&mut machine, 0, SECOND);
    let before = configured(&machine);
    machine.stack.link(false);
    machine.answers(SECOND);
    CLOCK.set(21 * SECOND);
    machine.stack.link(true);
    for (now, expected) in [(21, before), (35, before), (37, None)] {
        machine.answers(now * SECOND);
        assert_eq!(configured(&machine), expected, "after {now} s");
    }
}

#[test]
fn a_hardware_address_is_valid_for_30_seconds() {
    for (age, is_asked_for) in [(20, false), (31, true)] {
        let mut machine = Machine::new(1, "10.0.2.15/24");
        let socket = machine.net.udp(7).unwrap();
        introduce(&mut machine);
        CLOCK.set(age * SECOND);
        machine.stack.begin_turn(age * SECOND);
        socket.try_send_to(b"hello", at(B, 4000)).unwrap();
        let sent = machine.answers(age * SECOND);
        let asks = |frame: &Vec<u8>| frame[12..14] == [8, 6];
        assert_eq!(sent.iter().any(asks), is_asked_for, "after {age} s");
    }
}
