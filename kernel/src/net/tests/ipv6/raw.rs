//! Tests of raw sockets over IPv6.

use core::net::IpAddr;

use super::*;

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
