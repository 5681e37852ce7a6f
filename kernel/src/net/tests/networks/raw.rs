//! Packets of a protocol on all networks.

use core::net::IpAddr;

use super::*;
use crate::net::RawError;

/// A protocol for experiments (RFC 3692).
const EXPERIMENT: u8 = 253;

#[test]
fn packets_of_all_networks_are_answered_where_they_arrived() {
    let mut wires = Wires::fixed();
    let networks = wires.networks;
    let peers = [0, 1].map(|index: usize| wires.peer(index).raw(EXPERIMENT).unwrap());
    wires.block_on(async {
        let sockets = networks.raw(EXPERIMENT).unwrap();
        for index in [1, 0, 1, 1] {
            let own = IpAddr::V4(OWN[index]);
            peers[index].send_to(b"ping", own).unwrap();
            let (network, packet) = sockets.receive().await;
            assert_eq!(network.name(), ["wan", "lan"][index]);
            assert_eq!(packet.payload(), b"ping");
            sockets
                .send_over(network, b"pong", packet.source())
                .unwrap();
            assert_eq!(peers[index].receive().await.source(), own);
            sockets.send_to(b"pong", packet.source()).unwrap();
            assert_eq!(peers[index].receive().await.source(), own);
        }
        let nowhere = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
        assert_eq!(
            sockets.send_to(b"lost", nowhere),
            Err(RawError::NoRoute(nowhere))
        );
        assert_eq!(sockets.dropped(), 0);
    });
}

#[test]
fn a_protocol_in_use_on_one_network_leaves_none_open() {
    let wires = Wires::fixed();
    let [wan, lan] = [0, 1].map(|index: usize| wires.cables[index].a.net);
    let taken = lan.raw(EXPERIMENT).unwrap();
    assert!(wires.networks.raw(EXPERIMENT).is_err());
    assert!(
        wan.raw(EXPERIMENT).is_ok(),
        "what was opened is closed again"
    );
    drop(taken);
    assert!(wires.networks.raw(EXPERIMENT).is_ok());
}
