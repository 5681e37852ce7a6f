//! The traits of other crates on all networks.

use core::net::{IpAddr, SocketAddr};

use edge_nal::{
    MulticastV4, MulticastV6, Readable, TcpAccept, TcpBind, UdpBind, UdpConnect, UdpReceive,
    UdpSend, UdpSplit,
};
use embassy_futures::join::join;
use embedded_io_async::{Read, Write};

use super::*;
use crate::net::{BindError, ConnectError, NetError, SendError};

const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

/// Echoes what `count` connections send, one after the other, using only the traits.
async fn serve<N: TcpBind>(net: N, local: SocketAddr, count: usize) -> Vec<SocketAddr> {
    let listener = net.bind(local).await.expect("it listens");
    let mut peers = Vec::new();
    for _ in 0..count {
        let (peer, mut socket) = listener.accept().await.expect("it accepts");
        let mut piece = [0; 64];
        let length = socket.read(&mut piece).await.expect("it reads");
        socket.write_all(&piece[..length]).await.expect("it writes");
        peers.push(peer);
    }
    peers
}

#[test]
fn a_port_bound_by_the_traits_accepts_from_all_networks() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let peers = [0, 1].map(|index: usize| wires.peer(index));
    let calls = async {
        for (peer, own) in peers.into_iter().zip(OWN) {
            let mut stream = peer.tcp_connect(at(own, 80)).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            let mut answer = [0; 5];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"hello");
        }
    };
    let local = SocketAddr::new(ANY, 80);
    let (callers, ()) = wires.block_on(join(serve(networks, local, 2), calls));
    let callers: Vec<_> = callers.iter().map(SocketAddr::ip).collect();
    assert_eq!(callers, PEERS.map(IpAddr::V4));
}

#[test]
fn a_port_bound_to_an_address_is_that_of_its_network() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let local = SocketAddr::new(IpAddr::V4(OWN[1]), 80);
    let (lan, wan) = (wires.peer(1), wires.peer(0));
    let calls = async {
        let refused = wan.tcp_connect(at(OWN[0], 80)).await.err();
        assert_eq!(refused, Some(ConnectError::Refused(at(OWN[0], 80))));
        let mut stream = lan.tcp_connect(at(OWN[1], 80)).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
    };
    wires.block_on(join(serve(networks, local, 1), calls));
    let foreign = SocketAddr::new(IpAddr::V4(PEERS[1]), 80);
    let Poll::Ready(Err(error)) = poll_once(TcpBind::bind(&networks, foreign)) else {
        panic!("it listens at the address of another machine");
    };
    assert_eq!(error, NetError::NotOwn(IpAddr::V4(PEERS[1])));
}

#[test]
fn datagrams_of_all_networks_are_answered_by_the_route() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let peers = [0, 1].map(|index: usize| wires.peer(index).udp(9).unwrap());
    wires.block_on(async {
        let mut socket = UdpBind::bind(&networks, SocketAddr::new(ANY, 7))
            .await
            .unwrap();
        for index in [1, 0] {
            let (peer, own) = (&peers[index], at(OWN[index], 7));
            peer.send_to(b"ping", own).await.unwrap();
            socket.readable().await.unwrap();
            let (mut receiver, mut sender) = socket.split();
            let mut buffer = [0; 16];
            let (length, from) = receiver.receive(&mut buffer).await.unwrap();
            assert_eq!((length, from), (4, at(PEERS[index], 9).into()));
            sender.send(from, b"pong").await.unwrap();
            assert_eq!(peer.receive().await.unwrap().source(), own);
        }
        let nowhere = at(Ipv4Addr::new(198, 51, 100, 1), 9);
        assert_eq!(
            socket.send(nowhere.into(), b"lost").await,
            Err(NetError::Send(SendError::NoRoute(nowhere)))
        );
    });
}

#[test]
fn a_connected_port_is_that_of_the_network_that_leads_there() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let [wan, lan] = [0, 1].map(|index: usize| wires.peer(index).udp(9).unwrap());
    let local = SocketAddr::new(ANY, 7);
    wires.block_on(async {
        let remote = at(PEERS[1], 9).into();
        let mut socket = UdpConnect::connect(&networks, local, remote).await.unwrap();
        let free = networks.by_name("wan").unwrap().net().udp(7);
        assert!(free.is_ok(), "the other network's port is in use");
        let taken = networks.by_name("lan").unwrap().net().udp(7).err();
        assert_eq!(taken, Some(BindError::PortTaken(7)));
        wan.send_to(b"from elsewhere", at(OWN[0], 7)).await.unwrap();
        socket.send(remote, b"ping").await.unwrap();
        lan.send_back(lan.receive().await.unwrap()).await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(socket.receive(&mut buffer).await, Ok((4, remote)));
    });
    let nowhere = at(Ipv4Addr::new(198, 51, 100, 1), 9);
    let Poll::Ready(Err(error)) = poll_once(UdpConnect::connect(&networks, local, nowhere.into()))
    else {
        panic!("it is connected to a machine to which no network leads");
    };
    assert_eq!(error, NetError::Send(SendError::NoRoute(nowhere)));
}

/// Whether a datagram of each network to the group arrives.
fn heard(wires: &mut Wires, socket: &mut impl UdpReceive) -> [bool; 2] {
    [0, 1].map(|index: usize| {
        let sender = wires.peer(index).udp(9).unwrap();
        sender.try_send_to(b"all", at(GROUP, 7)).unwrap();
        wires.settle();
        poll_once(socket.receive(&mut [0; 16])).is_ready()
    })
}

#[test]
fn groups_are_joined_on_all_networks_or_on_one() {
    for (interface, expected) in [
        (Ipv4Addr::UNSPECIFIED, [true, true]),
        (OWN[1], [false, true]),
    ] {
        let mut wires = Wires::fixed();
        let networks = wires.networks;
        let bound = UdpBind::bind(&networks, SocketAddr::new(ANY, 7));
        let mut socket = wires.block_on(bound).unwrap();
        wires.block_on(socket.join_v4(GROUP, interface)).unwrap();
        let foreign = wires.block_on(socket.join_v4(GROUP, PEERS[0]));
        assert_eq!(foreign, Err(NetError::NotOwn(IpAddr::V4(PEERS[0]))));
        assert_eq!(heard(&mut wires, &mut socket), expected, "{interface}");
        wires.block_on(socket.leave_v4(GROUP, interface)).unwrap();
        assert_eq!(heard(&mut wires, &mut socket), [false; 2], "{interface}");
        // By IPv6, a number says which network.
        let unknown = wires.block_on(socket.join_v6("ff02::fb".parse().unwrap(), 3));
        assert!(
            matches!(unknown, Err(NetError::Unsupported(_))),
            "{unknown:?}"
        );
    }
}
