//! Tests of which packets are answered: not those from or to an address that no single machine has
//! (RFC 4291, 2.5.2, 2.5.3 and 2.7), and not those in a frame for many machines.

use super::*;

/// Returns one example of each packet that is answered if it comes from a single machine.
fn questions(from: Ipv6Addr, to: Ipv6Addr) -> [Vec<u8>; 3] {
    [
        echo_request(from, to, b"hello"),
        udp(from, to, [4000, 9], b"hello"),
        frame(from, to, 64, 99, b"what?", None),
    ]
}

#[test]
fn packets_from_an_impossible_address_are_not_answered() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    for question in questions(ip("2001:db8::2"), address) {
        assert_eq!(machine.hears(question).len(), 1);
    }
    for from in [
        address,
        own("fe80::", 1),
        UNSPECIFIED,
        ip("::1"),
        ALL_NODES,
        ip("ff0e::1"),
    ] {
        for question in questions(from, address) {
            assert!(machine.hears(question).is_empty(), "{from}");
        }
    }
}

#[test]
fn packets_in_a_frame_for_many_machines_are_not_answered() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    for mac in [[0xff; 6], [0x33, 0x33, 0, 0, 0, 1]] {
        for mut question in questions(ip("2001:db8::2"), address) {
            question[..6].copy_from_slice(&mac);
            assert!(machine.hears(question).is_empty(), "{mac:x?}");
        }
    }
}

#[test]
fn a_datagram_from_nobody_is_not_received() {
    let mut machine = Machine::routed();
    let socket = machine.net.udp(7).unwrap();
    let address = own("2001:db8::", 1);
    for (from, is_received) in [(UNSPECIFIED, false), (ip("2001:db8::2"), true)] {
        machine.hears(udp(from, address, [4000, 7], b"hello"));
        assert_eq!(
            poll_once(socket.receive()).is_ready(),
            is_received,
            "{from}"
        );
    }
}

/// RFC 4861, 7.1.2: the answer to a question goes to the machine that asked.
#[test]
fn an_answer_to_a_question_that_goes_to_all_is_invalid() {
    let mut machine = Machine::routed();
    let before = machine.net.ipv6_statistics().invalid_discovery;
    machine.hears(neighbour(OTHER, ALL_NODES, OTHER, 0x60, THEIR_MAC));
    assert_eq!(machine.net.ipv6_statistics().invalid_discovery, before + 1);
    machine.hears(neighbour(OTHER, ALL_NODES, OTHER, 0x20, THEIR_MAC));
    assert_eq!(machine.net.ipv6_statistics().invalid_discovery, before + 1);
}
