//! Tests of a machine with two networks, each a cable to another machine.

#[cfg(feature = "edge-nal")]
mod adapters;
mod names;
#[cfg(feature = "raw")]
mod raw;
mod routes;
mod sockets;

use core::time::Duration;

use smoltcp::wire::ArpOperation;

use super::*;
use crate::net::{Event, Network, Networks};

/// The machine's addresses on both cables, and those of the machines at their other ends.
const OWN: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 2, 15), Ipv4Addr::new(192, 168, 7, 15)];
const PEERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 2, 2), Ipv4Addr::new(192, 168, 7, 2)];

/// A machine with two network devices, which are the `a` of two cables.
struct Wires {
    cables: [Cable; 2],
    networks: Networks,
}

impl Wires {
    /// Connects the machine, whose addresses come from `sources`, to peers at [`PEERS`].
    fn new(sources: [&str; 2]) -> Self {
        Self::with(sources, ["10.0.2.2/24", "192.168.7.2/24"], [0, 0])
    }

    fn with(sources: [&str; 2], peers: [&str; 2], metrics: [u16; 2]) -> Self {
        let cable = |index: usize| Cable {
            a: Machine::new(10 + index as u8, sources[index]),
            b: Machine::new(20 + index as u8, peers[index]),
            now: MILLISECOND,
            cut: false,
            harm: 0,
        };
        let cables = [cable(0), cable(1)];
        let network = |index: usize| {
            let name = ["wan", "lan"][index];
            Network::new(index as u32 + 1, name, metrics[index], cables[index].a.net)
        };
        let all: &'static [_] = Box::leak(Box::new([network(0), network(1)]));
        Self {
            networks: Networks::new(all),
            cables,
        }
    }

    /// The machine with an address and no gateway on each network.
    fn fixed() -> Self {
        Self::new(["10.0.2.15/24", "192.168.7.15/24"])
    }

    fn peer(&self, index: usize) -> Net {
        self.cables[index].b.net
    }

    fn turn(&mut self) -> bool {
        let [one, other] = &mut self.cables;
        other.now = one.now;
        one.turn() | other.turn()
    }

    /// Runs a task, as [`Cable::block_on`] does.
    fn block_on<F: Future>(&mut self, task: F) -> F::Output {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        let mut task = pin!(task);
        for _ in 0..1_000_000 {
            if flag.0.swap(false, Ordering::Relaxed)
                && let Poll::Ready(output) = task.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return output;
            }
            if !self.turn() && !flag.0.load(Ordering::Relaxed) {
                let deadlines = self.cables.iter().filter_map(Cable::deadline);
                let deadline = deadlines.min().expect("no event can wake the task");
                self.cables[0].now = deadline.max(self.cables[0].now + 1000);
            }
        }
        panic!("the task never ends");
    }

    /// Runs turns while anything happens.
    fn settle(&mut self) {
        while self.turn() {}
    }
}

#[test]
fn networks_are_found_by_name() {
    let wires = Wires::fixed();
    let names: Vec<_> = wires
        .networks
        .iter()
        .map(|network| network.name())
        .collect();
    assert_eq!(names, ["wan", "lan"]);
    let lan = wires.networks.by_name("lan").unwrap();
    assert_eq!(lan.net().configuration().unwrap().address.address(), OWN[1]);
    assert!(wires.networks.by_name("la").is_err());
}

#[test]
fn each_network_has_counts_of_its_own() {
    let mut wires = Wires::fixed();
    let (networks, peer) = (wires.networks, wires.peer(1));
    wires.block_on(async {
        peer.ping(OWN[1], Duration::from_secs(1)).await.unwrap();
    });
    let sent = |name| networks.by_name(name).unwrap().statistics().net.frames_sent;
    assert!(sent("lan") > sent("wan"), "{} {}", sent("lan"), sent("wan"));
    assert_eq!(networks.by_name("lan").unwrap().statistics().name, "lan");
}

#[test]
fn a_key_gives_each_network_other_numbers() {
    let wires = Wires::with(["dhcp", "dhcp"], ["dhcp", "dhcp"], [0, 0]);
    let all: Vec<_> = wires.networks.iter().collect();
    Network::reseed(all.iter(), 7);
    let [one, other] = [0, 1].map(|index: usize| wires.cables[index].a.stack.number());
    assert_ne!(one, other);
}

#[test]
fn changes_name_their_network() {
    let mut wires = Wires::new(["10.0.2.15/24", "dhcp"]);
    let networks = wires.networks;
    let mut events = networks.events();
    let mut next = |wires: &mut Wires| {
        let (network, event) = wires.block_on(events.next());
        (network.name(), event)
    };
    assert_eq!(next(&mut wires), ("wan", Event::LinkUp));
    assert!(matches!(next(&mut wires), ("wan", Event::Gained(_))));
    // IPv6 is off.
    assert_eq!(next(&mut wires), ("lan", Event::LinkUp));
    wires.cables[1].a.stack.link(false);
    assert_eq!(next(&mut wires), ("lan", Event::LinkDown));
    let lan = networks.by_name("lan").unwrap().net();
    lan.configure("192.168.7.15/24".parse().unwrap());
    assert!(matches!(next(&mut wires), ("lan", Event::Gained(_))));
}

#[test]
fn frames_are_answered_while_a_task_does_not_await() {
    let mut wires = Wires::fixed();
    let Machine { stack, net, card } = &mut wires.cables[0].a;
    let mut frame = frames::arp(ArpOperation::Request, PEERS[0], OWN[0]);
    frame[..6].copy_from_slice(&net.hardware_address().0);
    card.received.push_back(frame);
    // A task has borrowed what the protocols need.
    let borrowed = stack.inner.borrow();
    stack.serve_without_tasks(card, BUDGET);
    drop(borrowed);
    assert_eq!((card.received.len(), card.sent.len()), (1, 0));
    stack.serve_without_tasks(card, BUDGET);
    assert_eq!((card.received.len(), card.sent.len()), (0, 1));
}

#[test]
fn the_first_network_with_an_address_counts_as_configured() {
    let mut wires = Wires::new(["dhcp", "192.168.7.15/24"]);
    let networks = wires.networks;
    let network = wires.block_on(networks.configured());
    assert_eq!(network.name(), "lan");
}
