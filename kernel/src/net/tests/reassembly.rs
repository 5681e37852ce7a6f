//! Tests of datagrams whose fragments contradict each other, or belong to different machines.

use smoltcp::wire::Ipv4Packet;

use super::frames::{fragments, udp};
use super::ip::introduce;
use super::*;
use crate::net::UdpSocket;

const LENGTH: usize = 2000;

fn machine() -> (Machine, UdpSocket) {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    introduce(&mut machine);
    let socket = machine.net.udp(7).unwrap();
    (machine, socket)
}

/// Returns the two fragments of a datagram.
fn pieces(from: Ipv4Addr, payload: u8) -> Vec<Vec<u8>> {
    fragments(&udp(from, 4000, 7, &[payload; LENGTH]), 1480)
}

/// Returns the payloads that have arrived.
fn arrived(machine: &mut Machine, socket: &UdpSocket) -> Vec<Vec<u8>> {
    machine.answers(MILLISECOND);
    let mut payloads = Vec::new();
    while let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) {
        payloads.push(datagram.payload().to_vec());
    }
    payloads
}

/// RFC 791, 3.2: source, destination, protocol and identification together name a datagram.
#[test]
fn fragments_of_two_machines_are_not_mixed() {
    let (mut machine, socket) = machine();
    let other = Ipv4Addr::new(10, 0, 2, 77);
    let (ours, theirs) = (pieces(B, 1), pieces(other, 2));
    for piece in [&ours[0], &theirs[1], &theirs[0], &ours[1]] {
        machine.card.received.push_back(piece.clone());
    }
    let payloads = arrived(&mut machine, &socket);
    assert!(payloads == [std::vec![2; LENGTH], std::vec![1; LENGTH]]);
}

#[test]
fn the_checksum_of_a_reassembled_datagram_is_verified() {
    let (mut machine, socket) = machine();
    let mut pieces = pieces(B, 1);
    let last = pieces[1].len() - 1;
    pieces[1][last] ^= 1;
    machine.card.received.extend(pieces);
    assert!(arrived(&mut machine, &socket).is_empty());
    assert_eq!(machine.stack.statistics().wrong_datagram_checksum, 1);
}

#[test]
fn a_second_end_elsewhere_is_dropped_and_counted() {
    let (mut machine, socket) = machine();
    let pieces = pieces(B, 1);
    // The last fragment again, with a part of its data.
    let mut shorter = pieces[1][..14 + 20 + 8].to_vec();
    let mut packet = Ipv4Packet::new_unchecked(&mut shorter[14..]);
    packet.set_total_len(20 + 8);
    packet.fill_checksum();
    for piece in [&shorter, &pieces[1], &pieces[0]] {
        machine.card.received.push_back(piece.clone());
    }
    let payloads = arrived(&mut machine, &socket);
    assert!(payloads.is_empty(), "{:?}", payloads[0].len());
    assert_eq!(machine.stack.statistics().fragments_dropped, 1);
}

#[test]
fn a_datagram_longer_than_any_is_dropped_and_counted() {
    let (mut machine, socket) = machine();
    let whole = fragments(&udp(B, 4000, 7, &[1; 5000]), 1480);
    for piece in [whole, pieces(B, 2)].concat() {
        machine.card.received.push_back(piece);
    }
    let payloads = arrived(&mut machine, &socket);
    assert!(payloads == [std::vec![2; LENGTH]]);
    assert_eq!(machine.stack.statistics().too_long, 1);
}
