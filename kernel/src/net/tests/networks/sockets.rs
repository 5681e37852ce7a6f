//! Sockets on all networks, and on one of them.

use super::*;
use crate::net::BindError;

/// Sends a payload from the peer on a cable, and returns the answer.
async fn ask(wires: (Net, Ipv4Addr), payload: &[u8]) -> Vec<u8> {
    let (peer, own) = wires;
    let socket = peer.udp(0).unwrap();
    socket.send_to(payload, at(own, 7)).await.unwrap();
    let answer = socket.receive().await.unwrap();
    assert_eq!(
        answer.source(),
        at(own, 7),
        "the answer comes from the address that was asked"
    );
    answer.payload().to_vec()
}

#[test]
fn a_port_of_all_networks_answers_on_the_one_that_asked() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let socket = networks.udp(7).unwrap();
    assert_eq!(socket.port(), 7);
    for (index, name) in ["wan", "lan"].into_iter().enumerate() {
        for copied in [false, true] {
            let peer = (wires.peer(index), OWN[index]);
            wires.block_on(embassy_futures::join::join(
                async {
                    assert_eq!(ask(peer, b"hello").await, b"hello");
                },
                async {
                    let datagram = socket.receive().await.unwrap();
                    assert_eq!(networks.of_datagram(&datagram).unwrap().name(), name);
                    if copied {
                        let payload = datagram.payload().to_vec();
                        socket.reply(&datagram, &payload).await.unwrap();
                    } else {
                        socket.send_back(datagram).await.unwrap();
                    }
                },
            ));
        }
    }
}

#[test]
fn two_networks_with_the_same_addresses_stay_apart() {
    let same = ["10.0.2.15/24", "10.0.2.15/24"];
    let mut wires = Wires::with(same, ["10.0.2.2/24", "10.0.2.2/24"], [0, 0]);
    let socket = wires.networks.udp(7).unwrap();
    for index in [1, 0, 1] {
        let peer = (wires.peer(index), OWN[0]);
        wires.block_on(embassy_futures::select::select(
            async {
                assert_eq!(ask(peer, &[index as u8]).await, [index as u8]);
            },
            async {
                loop {
                    socket
                        .send_back(socket.receive().await.unwrap())
                        .await
                        .unwrap();
                }
            },
        ));
    }
}

#[test]
fn a_flood_on_one_network_delays_no_other() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let socket = networks.udp(7).unwrap();
    let senders = [0, 1].map(|index: usize| wires.peer(index).udp(9).unwrap());
    for number in 0..20_u8 {
        senders[0].try_send_to(&[number], at(OWN[0], 7)).unwrap();
    }
    senders[1].try_send_to(b"x", at(OWN[1], 7)).unwrap();
    wires.settle();
    let names = [(); 3].map(|()| {
        let datagram = wires.block_on(socket.receive()).unwrap();
        networks.of_datagram(&datagram).unwrap().name()
    });
    assert_eq!(names, ["wan", "lan", "wan"]);
}

#[test]
fn a_socket_of_one_network_hears_no_other() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let lan = networks.by_name("lan").unwrap().net();
    let socket = lan.udp(7).unwrap();
    assert_eq!(networks.udp(7).err(), Some(BindError::PortTaken(7)));
    // What was opened on the other network is closed again.
    drop(networks.by_name("wan").unwrap().net().udp(7).unwrap());
    let senders = [0, 1].map(|index: usize| wires.peer(index).udp(9).unwrap());
    senders[0].try_send_to(b"no", at(OWN[0], 7)).unwrap();
    senders[1].try_send_to(b"yes", at(OWN[1], 7)).unwrap();
    wires.settle();
    let datagram = wires.block_on(socket.receive()).unwrap();
    assert_eq!(datagram.payload(), b"yes");
    assert!(poll_once(socket.receive()).is_pending());
}

#[test]
fn a_free_port_is_free_on_all_networks() {
    let wires = Wires::fixed();
    let networks = wires.networks;
    let socket = networks.udp(0).unwrap();
    let listeners = networks.tcp_listen(0).unwrap();
    for network in networks.iter() {
        let taken = network.net().udp(socket.port()).err();
        assert_eq!(taken, Some(BindError::PortTaken(socket.port())));
        let taken = network.net().tcp_listen(listeners.port()).err();
        assert_eq!(taken, Some(BindError::PortTaken(listeners.port())));
    }
}

/// The strong model (RFC 1122, 3.3.4.2): an address belongs to its network only.
#[test]
fn an_address_is_answered_on_its_own_network_only() {
    let mut wires = Wires::fixed();
    let socket = wires.networks.udp(7).unwrap();
    // The first peer believes that the second network's address is on its link.
    wires.cables[0]
        .b
        .net
        .configure("192.168.7.2/24".parse().unwrap());
    let peer = wires.peer(0);
    let asking = peer.udp(9).unwrap();
    asking.try_send_to(b"x", at(OWN[1], 7)).unwrap();
    let pinged = wires.block_on(peer.ping(OWN[1], Duration::from_secs(5)));
    assert!(
        pinged.is_err(),
        "it answers ARP for the address of another network"
    );
    // Even if the frame reaches the device, the packet is for nobody.
    let mut frame = frames::udp(PEERS[1], 9, 7, b"x");
    frame[..6].copy_from_slice(
        &wires
            .networks
            .by_name("lan")
            .unwrap()
            .net()
            .hardware_address()
            .0,
    );
    let answers = wires.cables[1].a.answer(frame);
    assert_eq!(answers.len(), 0, "{answers:02x?}");
    assert!(poll_once(socket.receive()).is_pending());
}

#[test]
fn connections_are_accepted_from_all_networks() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let listeners = networks.tcp_listen(80).unwrap();
    let peers = [0, 1].map(|index: usize| wires.peer(index));
    wires.block_on(embassy_futures::join::join(
        async {
            for (peer, own) in peers.into_iter().zip(OWN) {
                let mut stream = peer.tcp_connect(at(own, 80)).await.unwrap();
                let mut name = [0; 3];
                embedded_io_async::Read::read_exact(&mut stream, &mut name)
                    .await
                    .unwrap();
                let expected = networks.iter().find(|network| {
                    network.net().configuration().unwrap().address.address() == own
                });
                assert_eq!(&name, expected.unwrap().name().as_bytes());
            }
        },
        async {
            for _ in PEERS {
                let mut stream = listeners.accept().await.unwrap();
                let name = networks.of_stream(&stream).unwrap().name();
                embedded_io_async::Write::write_all(&mut stream, name.as_bytes())
                    .await
                    .unwrap();
                stream.close().await.unwrap();
            }
        },
    ));
}

#[test]
fn a_connection_leaves_by_the_network_that_leads_to_its_peer() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let listeners = [0, 1].map(|index: usize| wires.peer(index).tcp_listen(80).unwrap());
    for ((index, listener), name) in listeners.iter().enumerate().zip(["wan", "lan"]) {
        let (outgoing, incoming) = wires.block_on(embassy_futures::join::join(
            networks.tcp_connect(at(PEERS[index], 80)),
            listener.accept(),
        ));
        assert_eq!(networks.of_stream(&outgoing.unwrap()).unwrap().name(), name);
        assert_eq!(incoming.unwrap().peer().unwrap().ip(), &OWN[index]);
    }
}
