//! Names that the servers of one network know, or no server.

use super::*;
use crate::net::ResolveError;

/// Answers each question at a peer: with an address, or that there is no such name.
async fn serve(peer: Net, address: Option<[u8; 4]>) {
    let socket = peer.udp(53).unwrap();
    loop {
        let question = socket.receive().await.unwrap();
        let mut answer = question.payload().to_vec();
        answer[2] |= 0x80;
        match address {
            Some(address) => {
                answer[7] = 1;
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                answer.extend(address);
            }
            None => answer[3] |= 3,
        }
        socket.reply(&question, &answer).await.unwrap();
    }
}

fn resolve(answers: [Option<[u8; 4]>; 2], metrics: [u16; 2]) -> Result<Ipv4Addr, ResolveError> {
    let sources = [
        "10.0.2.15/24,10.0.2.2,10.0.2.2",
        "192.168.7.15/24,192.168.7.2,192.168.7.2",
    ];
    let mut wires = Wires::with(sources, ["10.0.2.2/24", "192.168.7.2/24"], metrics);
    let (networks, peers) = (wires.networks, [0, 1].map(|index: usize| wires.peer(index)));
    wires.block_on(async {
        let serving =
            embassy_futures::join::join(serve(peers[0], answers[0]), serve(peers[1], answers[1]));
        match embassy_futures::select::select(networks.resolve("host.example"), serving).await {
            embassy_futures::select::Either::First(resolved) => resolved,
            embassy_futures::select::Either::Second(_) => panic!("the servers ended"),
        }
    })
}

#[test]
fn the_servers_of_the_smallest_metric_are_asked_first() {
    let both = [Some([192, 0, 2, 1]), Some([192, 0, 2, 2])];
    assert_eq!(resolve(both, [0, 0]), Ok(Ipv4Addr::new(192, 0, 2, 1)));
    assert_eq!(resolve(both, [2, 1]), Ok(Ipv4Addr::new(192, 0, 2, 2)));
}

#[test]
fn a_name_that_only_one_network_knows_is_found() {
    let known = Ok(Ipv4Addr::new(192, 0, 2, 7));
    assert_eq!(resolve([None, Some([192, 0, 2, 7])], [0, 0]), known);
    assert_eq!(resolve([Some([192, 0, 2, 7]), None], [1, 0]), known);
    assert_eq!(resolve([None, None], [0, 0]), Err(ResolveError::Unknown));
}

#[test]
fn without_any_server_the_error_says_so() {
    let wires = Wires::fixed();
    let found = poll_once(wires.networks.resolve("host.example"));
    assert_eq!(found, Poll::Ready(Err(ResolveError::NoServer)));
    let found = poll_once(wires.networks.resolve("192.0.2.1"));
    assert_eq!(found, Poll::Ready(Ok(Ipv4Addr::new(192, 0, 2, 1))));
}

/// The traits of other crates report the same error as [`Networks::resolve`], in whatever order the
/// networks are asked.
#[cfg(feature = "edge-nal")]
#[test]
fn that_a_server_does_not_know_the_name_says_more_than_silence() {
    use edge_nal::{AddrType, Dns};

    use crate::net::NetError;

    for metrics in [[0, 1], [1, 0]] {
        let sources = [
            "10.0.2.15/24,10.0.2.2,10.0.2.2",
            "192.168.7.15/24,192.168.7.2,192.168.7.2",
        ];
        let mut wires = Wires::with(sources, ["10.0.2.2/24", "192.168.7.2/24"], metrics);
        let (networks, peer) = (wires.networks, wires.peer(0));
        let found = wires.block_on(async {
            let resolving = networks.get_host_by_name("host.example", AddrType::IPv4);
            match embassy_futures::select::select(resolving, serve(peer, None)).await {
                embassy_futures::select::Either::First(found) => found,
                embassy_futures::select::Either::Second(()) => panic!("the server ended"),
            }
        });
        assert_eq!(found, Err(NetError::Resolve(ResolveError::Unknown)));
    }
}
