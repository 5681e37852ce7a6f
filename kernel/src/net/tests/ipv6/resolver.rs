//! Names with addresses of both versions, from the name server that a router advertises.

use core::net::IpAddr;

use embassy_futures::select::{Either, select};

use super::*;
use crate::net::ResolveError;

/// Returns two machines: a router gave A an address of 2001:db8::/64, and the link-local address of
/// B as its only name server.
fn cable() -> Cable {
    let mut cable = Cable::new();
    cable.a.net.configure_ipv6(Ip6::Auto);
    cable.b.net.configure_ipv6(Ip6::Auto);
    cable.run(3 * SECOND);
    let mut server = std::vec![25, 3, 0, 0];
    server.extend(600_u32.to_be_bytes());
    server.extend(own("fe80::", 2).octets());
    let heard = advertise(600, &[&prefix("2001:db8::", 7200, 7200), &server]);
    cable.a.card.received.push_back(heard);
    cable.run(6 * SECOND);
    cable
}

/// Runs `task` of A while B answers each question with the records of the asked type, or with an
/// error if there are none.
fn ask<F: Future>(task: impl FnOnce(Net) -> F, records: &[(u16, &[u8])]) -> F::Output {
    let mut cable = cable();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let socket = b.udp(53).unwrap();
        let serving = async {
            loop {
                let question = socket.receive().await.unwrap();
                let mut answer = question.payload().to_vec();
                let asked =
                    u16::from_be_bytes([answer[answer.len() - 4], answer[answer.len() - 3]]);
                answer[2] |= 0x80;
                for (kind, data) in records.iter().filter(|(kind, _)| *kind == asked) {
                    answer[7] += 1;
                    answer.extend([0xc0, 12, 0, *kind as u8, 0, 1, 0, 0, 0, 60]);
                    answer.extend((data.len() as u16).to_be_bytes());
                    answer.extend(*data);
                }
                socket.reply(&question, &answer).await.unwrap();
            }
        };
        match select(task(a), serving).await {
            Either::First(resolved) => resolved,
            Either::Second(never) => never,
        }
    })
}

#[test]
fn addresses_of_both_versions_come_in_the_order_in_which_to_try_them() {
    let global = ip("2001:db8:1::1").octets();
    let records: [(u16, &[u8]); 4] = [
        (1, &[192, 0, 2, 1]),
        (1, &[10, 0, 2, 9]),
        (28, &ip("fd00::1").octets()),
        (28, &global),
    ];
    let found = ask(async |net| net.resolve_any("host.example").await, &records);
    let found: Vec<IpAddr> = found.unwrap().iter().collect();
    // 192.0.2.1 is on another network, to which no router of IPv4 leads.
    let expected = ["2001:db8:1::1", "10.0.2.9", "fd00::1", "192.0.2.1"];
    assert_eq!(found, expected.map(|text| text.parse::<IpAddr>().unwrap()));
}

#[test]
fn one_version_is_enough_and_none_is_an_error() {
    let records: [(u16, &[u8]); 1] = [(28, &ip("2001:db8:1::1").octets())];
    let found = ask(async |net| net.resolve_any("host.example").await, &records);
    assert_eq!(found.unwrap().iter().count(), 1);
    let none = ask(async |net| net.resolve_any("host.example").await, &[]);
    assert_eq!(none, Err(ResolveError::Unknown));
}

#[test]
fn the_advertised_server_is_asked_for_ipv4_addresses_too() {
    let records: [(u16, &[u8]); 1] = [(1, &[192, 0, 2, 1])];
    let found = ask(async |net| net.resolve("host.example").await, &records);
    assert_eq!(found, Ok(Ipv4Addr::new(192, 0, 2, 1)));
}

#[test]
fn an_address_needs_no_server() {
    let machine = Machine::new(1, "10.0.2.15/24");
    let Poll::Ready(found) = poll_once(machine.net.resolve_any("2001:db8::7")) else {
        panic!("it waits");
    };
    assert_eq!(found.unwrap().first(), Some(IpAddr::V6(ip("2001:db8::7"))));
    let unknown = poll_once(machine.net.resolve_any("host.example"));
    assert_eq!(unknown, Poll::Ready(Err(ResolveError::NoServer)));
}

#[cfg(feature = "edge-nal")]
#[test]
fn other_crates_get_the_version_that_they_ask_for() {
    use edge_nal::{AddrType, Dns};
    let address = ip("2001:db8:1::1");
    let records: [(u16, &[u8]); 2] = [(1, &[10, 0, 2, 9]), (28, &address.octets())];
    for (kind, expected) in [
        (AddrType::IPv4, "10.0.2.9"),
        (AddrType::IPv6, "2001:db8:1::1"),
        (AddrType::Either, "2001:db8:1::1"),
    ] {
        let found = ask(
            async |net| net.get_host_by_name("host.example", kind).await,
            &records,
        );
        assert_eq!(found, Ok(expected.parse().unwrap()));
    }
}
