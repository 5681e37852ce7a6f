//! Tests of raw sockets over IPv6.

use core::net::IpAddr;

use super::*;
use crate::net::RawError;

#[test]
fn packets_go_both_ways_and_unknown_protocols_are_refused() {
    let mut cable = Cable::new();
    cable.a.net.configure_ipv6(Ip6::Auto);
    cable.b.net.configure_ipv6(Ip6::Auto);
    cable.run(3 * SECOND);
    let (a, b) = (cable.a.net, cable.b.net);
    let there = IpAddr::V6(own("fe80::", 2));
    cable.block_on(async {
        let (one, other) = (a.raw(253).unwrap(), b.raw(253).unwrap());
        for length in [0, 1, 1460] {
            let payload = std::vec![length as u8; length];
            one.send_to(&payload, there).unwrap();
            let packet = other.receive().await;
            assert_eq!(
                (packet.payload(), packet.destination()),
                (&payload[..], there)
            );
            other.send_to(packet.payload(), packet.source()).unwrap();
            assert_eq!(one.receive().await.source(), there);
        }
        assert!(one.send_to(&[0; 1461], there).is_err());
        let nobody = IpAddr::V6(ip("::1"));
        assert!(one.send_to(&[], nobody).is_err());
    });
}

#[test]
fn a_router_lowers_the_size_of_packets() {
    let mut machine = Machine::routed();
    let (address, far) = (own("2001:db8::", 1), ip("2001:db9::1"));
    let socket = machine.net.raw(253).unwrap();
    let send = |length: usize| socket.send_to(&[0; 1500][..length], IpAddr::V6(far));
    let too_long = |maximum| {
        Err(RawError::TooLong {
            length: 1460,
            maximum,
        })
    };
    assert_eq!(send(1460), Ok(()));
    machine.sends(5 * SECOND);
    let quoted = frame(address, far, 64, 253, &[0; 40], None);
    let mut message = std::vec![2, 0, 0, 0, 0, 0, 5, 0x78];
    message.extend(&quoted[14..]);
    machine.hears(icmp(ROUTER, address, 64, &message));
    assert_eq!(send(1460), too_long(1360));
    assert_eq!(send(1360), Ok(()));
    let mut longest = || {
        let now = CLOCK.get();
        machine.sends(now).iter().map(Vec::len).max()
    };
    assert_eq!(longest(), Some(14 + 40 + 1360));
    // The error names the same size for what is too long for the link, too.
    let (length, maximum) = (1500, 1360);
    assert_eq!(send(1500), Err(RawError::TooLong { length, maximum }));
    // The router's link takes less than the path to the peer.
    let mtu = [5, 1, 0, 0, 0, 0, 5, 0x14];
    machine.hears(advertise(
        1800,
        &[&prefix("2001:db8::", 86400, 14400), &mtu],
    ));
    assert_eq!(send(1460), too_long(1260));
    assert_eq!(send(1260), Ok(()));
    let now = CLOCK.get();
    let longest = machine.sends(now).iter().map(Vec::len).max();
    assert_eq!(longest, Some(14 + 40 + 1260));
    let all = IpAddr::V6(ip("ff02::1"));
    assert_eq!(socket.send_to(&[0; 1460], all), too_long(1260));
}
