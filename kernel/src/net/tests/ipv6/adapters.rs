//! The traits of other crates over IPv6.

use core::net::{IpAddr, SocketAddr};

use edge_nal::{
    MulticastV6, TcpAccept, TcpBind, TcpConnect, UdpBind, UdpConnect, UdpReceive, UdpSend,
};
use embassy_futures::join::join;

use super::sockets::{a, cable};
use super::*;
use crate::net::NetError;

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

#[test]
fn the_peer_of_a_connection_is_an_address_of_ipv6() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    let (accepted, connected) = cable.block_on(join(
        async {
            let listener = TcpBind::bind(&server, a(80)).await?;
            let (peer, _) = listener.accept().await?;
            Ok::<_, NetError>(peer.ip())
        },
        async { TcpConnect::connect(&client, a(80)).await.map(|_| ()) },
    ));
    assert_eq!(accepted, Ok(IpAddr::V6(own("fe80::", 2))));
    assert_eq!(connected, Ok(()));
    let foreign = SocketAddr::from((own("fe80::", 2), 80));
    let bound = cable.block_on(async { TcpBind::bind(&server, foreign).await.map(|_| ()) });
    assert_eq!(bound, Err(NetError::NotOwn(foreign.ip())));
}

#[test]
fn a_connected_port_hears_its_peer_of_ipv6() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    let any = SocketAddr::from((UNSPECIFIED, 0));
    cable.block_on(async {
        let mut echo = UdpBind::bind(&server, a(7)).await.unwrap();
        let mut socket = UdpConnect::connect(&client, any, a(7)).await.unwrap();
        socket.send(a(7), b"ping").await.unwrap();
        let mut buffer = [0; 16];
        let (length, from) = echo.receive(&mut buffer).await.unwrap();
        assert_eq!((length, from.ip()), (4, IpAddr::V6(own("fe80::", 2))));
        echo.send(from, b"pong").await.unwrap();
        assert_eq!(socket.receive(&mut buffer).await, Ok((4, a(7))));
    });
}

#[test]
fn groups_of_ipv6_are_joined_and_left() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    let sender = client.udp(9).unwrap();
    let to = SocketAddr::from((GROUP, 7));
    let bound = UdpBind::bind(&server, SocketAddr::from((UNSPECIFIED, 7)));
    let mut socket = cable.block_on(bound).unwrap();
    let hears = |cable: &mut Cable, socket: &mut _| {
        cable.block_on(sender.send_to_any(b"all", to)).unwrap();
        cable.run(cable.now + SECOND);
        poll_once(UdpReceive::receive(socket, &mut [0; 16])).is_ready()
    };
    assert!(!hears(&mut cable, &mut socket));
    cable.block_on(socket.join_v6(GROUP, 0)).unwrap();
    assert!(hears(&mut cable, &mut socket));
    cable.block_on(socket.leave_v6(GROUP, 0)).unwrap();
    assert!(!hears(&mut cable, &mut socket));
    let no_group = cable.block_on(socket.join_v6(own("fe80::", 2), 0));
    assert!(matches!(no_group, Err(NetError::Unsupported(_))));
}

/// Two networks whose machines have the same link-local addresses: the scope says which is meant.
#[cfg(feature = "networks")]
#[test]
fn a_scope_chooses_the_network_of_a_link_local_address() {
    use crate::net::{Network, Networks};

    let mut cables = [cable(), cable()];
    let of = |index: usize| {
        Network::new(
            index as u32 + 1,
            ["wan", "lan"][index],
            0,
            cables[index].a.net,
        )
    };
    let networks = Networks::new(Box::leak(Box::new([of(0), of(1)])));
    let mut socket = match poll_once(UdpBind::bind(&networks, SocketAddr::from((UNSPECIFIED, 7)))) {
        Poll::Ready(bound) => bound.unwrap(),
        Poll::Pending => panic!("it waits"),
    };
    for index in [1, 0, 1] {
        let cable = &mut cables[index];
        let peer = cable.b.net.udp(9).unwrap();
        cable.block_on(async {
            peer.send_to_any(b"ping", a(7)).await.unwrap();
            let (_, from) = socket.receive(&mut [0; 16]).await.unwrap();
            let SocketAddr::V6(scoped) = from else {
                panic!("{from} is no address of IPv6");
            };
            assert_eq!(
                (*scoped.ip(), scoped.scope_id()),
                (own("fe80::", 2), index as u32 + 1)
            );
            socket.send(from, b"pong").await.unwrap();
            assert_eq!(peer.receive().await.unwrap().payload(), b"pong");
        });
    }
}
