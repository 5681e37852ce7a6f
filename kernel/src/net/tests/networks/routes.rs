//! Which network leads to an address.

use super::*;
use crate::net::{ConnectError, PingError, SendError};

fn leads(networks: Networks, to: &str) -> Option<&'static str> {
    let network = networks.route(to.parse().unwrap());
    network.map(|network| network.name())
}

#[test]
fn the_longest_prefix_wins_then_the_metric_then_the_order() {
    let gateways = ["10.0.2.15/24,10.0.2.2", "192.168.7.15/24,192.168.7.2"];
    let peers = ["10.0.2.2/24", "192.168.7.2/24"];
    for (metrics, elsewhere) in [([0, 0], "wan"), ([5, 4], "lan"), ([4, 5], "wan")] {
        let networks = Wires::with(gateways, peers, metrics).networks;
        for (to, expected) in [
            ("10.0.2.99", "wan"),
            ("192.168.7.99", "lan"),
            ("198.51.100.1", elsewhere),
            ("224.0.0.251", elsewhere),
            ("255.255.255.255", elsewhere),
        ] {
            assert_eq!(leads(networks, to), Some(expected), "{to} {metrics:?}");
        }
        for to in ["0.0.0.0", "127.0.0.1", "240.0.0.1"] {
            assert_eq!(leads(networks, to), None, "{to}");
        }
    }
}

#[test]
fn a_longer_prefix_beats_a_better_metric() {
    let sources = ["10.0.0.15/8", "10.9.9.15/24"];
    let networks = Wires::with(sources, sources, [0, 7]).networks;
    assert_eq!(leads(networks, "10.9.9.1"), Some("lan"));
    assert_eq!(leads(networks, "10.9.8.1"), Some("wan"));
}

#[test]
fn a_network_without_a_link_is_the_last_resort() {
    let gateways = ["10.0.2.15/24,10.0.2.2", "192.168.7.15/24,192.168.7.2"];
    let wires = Wires::new(gateways);
    let networks = wires.networks;
    wires.cables[0].a.stack.link(false);
    assert_eq!(leads(networks, "198.51.100.1"), Some("lan"));
    assert_eq!(leads(networks, "10.0.2.2"), Some("lan"));
    wires.cables[1].a.stack.link(false);
    assert_eq!(leads(networks, "198.51.100.1"), Some("wan"));
    wires.cables[0].a.stack.link(true);
    assert_eq!(leads(networks, "198.51.100.1"), Some("wan"));
}

#[test]
fn without_a_route_there_is_an_error_at_once() {
    let elsewhere = at(Ipv4Addr::new(198, 51, 100, 1), 80);
    let wires = Wires::fixed();
    let (networks, second) = (wires.networks, Duration::from_secs(1));
    let connected = poll_once(networks.tcp_connect(elsewhere)).map(|it| it.err());
    assert_eq!(
        connected,
        Poll::Ready(Some(ConnectError::NoRoute(elsewhere)))
    );
    let socket = networks.udp(0).unwrap();
    let sent = poll_once(socket.send_to(b"x", elsewhere));
    assert_eq!(sent, Poll::Ready(Err(SendError::NoRoute(elsewhere))));
    assert_eq!(
        socket.try_send_to(b"x", elsewhere),
        Err(SendError::NoRoute(elsewhere))
    );
    let pinged = poll_once(networks.ping(*elsewhere.ip(), second));
    assert_eq!(
        pinged,
        Poll::Ready(Err(PingError::NoRoute(*elsewhere.ip())))
    );
    let nobody = at(Ipv4Addr::new(127, 0, 0, 1), 80);
    let connected = poll_once(networks.tcp_connect(nobody)).map(|it| it.err());
    assert_eq!(
        connected,
        Poll::Ready(Some(ConnectError::Unaddressable(nobody)))
    );
    assert_eq!(
        socket.try_send_to(b"x", nobody),
        Err(SendError::Unaddressable(nobody))
    );
}

#[test]
fn without_an_address_the_error_says_so() {
    let wires = Wires::new(["dhcp", "dhcp"]);
    let (networks, to) = (wires.networks, at(PEERS[0], 7));
    let connected = poll_once(networks.tcp_connect(to)).map(|it| it.err());
    assert_eq!(connected, Poll::Ready(Some(ConnectError::NoAddress)));
    let socket = networks.udp(0).unwrap();
    assert_eq!(socket.try_send_to(b"x", to), Err(SendError::NoAddress));
    let none = Networks::new(&[]);
    let connected = poll_once(none.tcp_connect(to)).map(|it| it.err());
    assert_eq!(connected, Poll::Ready(Some(ConnectError::NoAddress)));
    assert_eq!(none.udp(7).unwrap().port(), 0);
}

#[cfg(feature = "ipv6")]
#[test]
fn the_longest_prefix_of_ipv6_wins() {
    use core::net::SocketAddr;

    use crate::net::{Ip6, Ipv6Error};

    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let to: SocketAddr = "[2001:db8:7::2]:80".parse().unwrap();
    let connected = poll_once(networks.tcp_connect_any(to)).map(|it| it.err());
    assert_eq!(connected, Poll::Ready(Some(Ipv6Error::NoAddress.into())));
    for (cable, own) in wires
        .cables
        .iter()
        .zip(["2001:db8::15/32,fe80::2", "2001:db8:7::15/64"])
    {
        cable.a.net.configure_ipv6(own.parse::<Ip6>().unwrap());
    }
    wires.cables[1]
        .b
        .net
        .configure_ipv6("2001:db8:7::2/64".parse::<Ip6>().unwrap());
    wires.cables[0].run(5 * SECOND);
    wires.cables[1].run(5 * SECOND);
    assert_eq!(leads(networks, "2001:db8:7::2"), Some("lan"));
    assert_eq!(leads(networks, "2001:db8:8::2"), Some("wan"));
    assert_eq!(leads(networks, "2001:db9::2"), Some("wan"));
    let listener = wires.cables[1].b.net.tcp_listen(80).unwrap();
    let name = wires.block_on(async {
        let stream = networks.tcp_connect_any(to).await.unwrap();
        networks.of_stream(&stream).unwrap().name()
    });
    assert_eq!(name, "lan");
    drop(listener);
    let lan = networks.by_name("lan").unwrap().net();
    lan.configure_ipv6(Ip6::Off);
    networks
        .by_name("wan")
        .unwrap()
        .net()
        .configure_ipv6("2001:db8::15/64".parse().unwrap());
    wires.cables[0].run(10 * SECOND);
    let connected = poll_once(networks.tcp_connect_any(to)).map(|it| it.err());
    let core::net::IpAddr::V6(ip) = to.ip() else {
        panic!()
    };
    assert_eq!(connected, Poll::Ready(Some(Ipv6Error::NoRoute(ip).into())));
}
