use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::super::{Configuration, Event};
use super::*;

const LEASE: u32 = 1000;

/// A DHCP server at the other end of the wire.
pub(super) struct Server {
    address: Ipv4Addr,
    router: Option<Ipv4Addr>,
    /// The messages that the server received.
    asked: Vec<DhcpMessageType>,
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            address: A,
            router: Some(B),
            asked: Vec::new(),
        }
    }

    /// Runs the machine until `until`, with the server answering its requests.
    pub(super) fn run(&mut self, machine: &mut Machine, mut now: u64, until: u64) {
        loop {
            while machine.turn(now) {
                let sent: Vec<_> = machine.card.sent.drain(..).collect();
                machine
                    .card
                    .received
                    .extend(sent.iter().filter_map(|frame| self.answer(frame)));
            }
            if now >= until {
                return;
            }
            let deadline = machine.stack.next_deadline().unwrap_or(until);
            now = deadline.clamp(now + 1000, until);
        }
    }

    fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() == EthernetProtocol::Arp {
            // The machine asks for the server's hardware address when it renews.
            return Some(frames::arp(
                smoltcp::wire::ArpOperation::Reply,
                B,
                self.address,
            ));
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
        let packet = DhcpPacket::new_checked(datagram.payload()).ok()?;
        let question = DhcpRepr::parse(&packet).ok()?;
        self.asked.push(question.message_type);
        let message_type = match question.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            _ => return None,
        };
        let answer = DhcpRepr {
            message_type,
            your_ip: self.address,
            server_ip: B,
            router: self.router,
            subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            server_identifier: Some(B),
            lease_duration: Some(LEASE),
            dns_servers: Some([Ipv4Addr::new(10, 0, 2, 3)].into_iter().collect()),
            requested_ip: None,
            client_identifier: None,
            parameter_request_list: None,
            max_size: None,
            ..question
        };
        Some(wrap(frame.src_addr(), self.address, &answer))
    }
}

fn wrap(to: EthernetAddress, address: Ipv4Addr, message: &DhcpRepr<'_>) -> Vec<u8> {
    let mut bytes = std::vec![0; 28 + message.buffer_len()];
    let udp = UdpRepr {
        src_port: 67,
        dst_port: 68,
    };
    let ip = Ipv4Repr {
        src_addr: B,
        dst_addr: address,
        next_header: IpProtocol::Udp,
        payload_len: 8 + message.buffer_len(),
        hop_limit: 64,
    };
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.emit(&mut packet, &ChecksumCapabilities::default());
    udp.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &IpAddress::Ipv4(B),
        &IpAddress::Ipv4(address),
        message.buffer_len(),
        |room| message.emit(&mut DhcpPacket::new_unchecked(room)).unwrap(),
        &ChecksumCapabilities::default(),
    );
    let mut frame = frames::ethernet(EthernetProtocol::Ipv4, &bytes);
    frame[..6].copy_from_slice(&to.0);
    frame
}

pub(super) fn configured(machine: &Machine) -> Option<Configuration> {
    machine.net.configuration()
}

#[test]
fn an_address_is_requested_and_used() {
    let mut machine = Machine::new(1, "dhcp");
    let mut server = Server::new();
    assert!(poll_once(machine.net.configured()).is_pending());
    server.run(&mut machine, 0, SECOND);
    let Poll::Ready(configuration) = poll_once(machine.net.configured()) else {
        panic!("no address");
    };
    assert_eq!(configuration.address.address(), A);
    assert_eq!(configuration.address.prefix_len(), 24);
    assert_eq!(configuration.gateway, Some(B));
    assert_eq!(
        configuration.dns().collect::<Vec<_>>(),
        [Ipv4Addr::new(10, 0, 2, 3)]
    );
}

#[test]
fn a_task_that_waits_for_an_address_is_woken() {
    let mut machine = Machine::new(1, "dhcp");
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let net = machine.net;
    let mut waiting = pin!(net.configured());
    assert!(
        waiting
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    Server::new().run(&mut machine, 0, SECOND);
    assert!(flag.0.load(Ordering::Relaxed));
}

#[test]
fn with_a_lease_nothing_is_due_before_half_of_it_is_over() {
    let mut machine = Machine::new(1, "dhcp");
    Server::new().run(&mut machine, 0, SECOND);
    let half = u64::from(LEASE) / 2 * SECOND;
    let deadline = machine.stack.next_deadline().unwrap();
    assert!((half..half + SECOND).contains(&deadline), "{deadline}");
}

#[test]
fn a_lease_is_renewed_for_as_long_as_the_server_answers() {
    let mut machine = Machine::new(1, "dhcp");
    let mut server = Server::new();
    server.run(&mut machine, 0, 5 * u64::from(LEASE) * SECOND);
    assert_eq!(
        server.asked[..2],
        [DhcpMessageType::Discover, DhcpMessageType::Request]
    );
    assert!(
        server.asked[2..]
            .iter()
            .all(|asked| *asked == DhcpMessageType::Request)
    );
    assert!(
        (9..=11).contains(&server.asked[2..].len()),
        "{:?}",
        server.asked
    );
    assert!(configured(&machine).is_some());
}

#[test]
fn the_address_is_removed_when_its_lease_ends() {
    let mut machine = Machine::new(1, "dhcp");
    Server::new().run(&mut machine, 0, SECOND);
    let mut now = SECOND;
    while now < 2 * u64::from(LEASE) * SECOND {
        machine.answers(now);
        now = machine.stack.next_deadline().unwrap().max(now + 1000);
    }
    assert_eq!(configured(&machine), None);
}

#[test]
fn another_address_at_renewal_is_used() {
    let mut machine = Machine::new(1, "dhcp");
    let mut server = Server::new();
    server.run(&mut machine, 0, SECOND);
    server.address = Ipv4Addr::new(10, 0, 2, 16);
    server.run(&mut machine, SECOND, u64::from(LEASE) * SECOND);
    assert_eq!(
        configured(&machine).unwrap().address.address(),
        server.address
    );
}

#[test]
fn a_link_that_comes_back_keeps_the_address_while_it_is_requested_again() {
    let mut machine = Machine::new(1, "dhcp");
    let mut server = Server::new();
    server.run(&mut machine, 0, SECOND);
    let before = configured(&machine);
    machine.stack.link(false);
    machine.answers(SECOND);
    assert_eq!(machine.stack.next_deadline(), None);
    machine.stack.link(true);
    machine.answers(2 * SECOND);
    assert_eq!(configured(&machine), before);
    server.asked.clear();
    server.run(&mut machine, 2 * SECOND, 15 * SECOND);
    assert_eq!(
        server.asked,
        [DhcpMessageType::Discover, DhcpMessageType::Request]
    );
    assert_eq!(configured(&machine), before);
}

#[test]
fn changes_of_the_network_are_reported_in_order() {
    let mut machine = Machine::new(1, "dhcp");
    let mut server = Server::new();
    let mut events = machine.net.events();
    assert_eq!(poll_once(events.next()), Poll::Ready(Event::LinkUp));
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    let woken = || flag.0.swap(false, Ordering::Relaxed);
    let mut next = || pin!(events.next()).poll(&mut context);
    assert_eq!(next(), Poll::Pending);
    server.run(&mut machine, 0, SECOND);
    let first = configured(&machine).unwrap();
    assert!(woken());
    assert_eq!(next(), Poll::Ready(Event::Gained(first)));
    assert_eq!(next(), Poll::Pending);
    machine.stack.link(false);
    assert!(woken());
    assert_eq!(next(), Poll::Ready(Event::LinkDown));
    assert_eq!(next(), Poll::Pending);
    // The network has changed meanwhile.
    server.address = Ipv4Addr::new(10, 0, 2, 77);
    machine.stack.link(true);
    server.run(&mut machine, 2 * SECOND, 60 * SECOND);
    let second = configured(&machine).unwrap();
    assert_ne!(first, second);
    assert!(woken());
    assert_eq!(next(), Poll::Ready(Event::LinkUp));
    assert_eq!(next(), Poll::Ready(Event::Changed(second)));
    assert_eq!(next(), Poll::Pending);
    // No server answers any more.
    machine.stack.link(false);
    machine.stack.link(true);
    let mut now = 60 * SECOND;
    while now < 200 * SECOND {
        machine.answers(now);
        now = machine.stack.next_deadline().unwrap().max(now + 1000);
    }
    assert!(woken());
    assert_eq!(next(), Poll::Ready(Event::Lost));
    assert_eq!(next(), Poll::Pending);
}

#[test]
fn a_link_that_comes_back_without_a_server_loses_the_address() {
    let mut machine = Machine::new(1, "dhcp");
    Server::new().run(&mut machine, 0, SECOND);
    machine.stack.link(false);
    machine.stack.link(true);
    let mut now = SECOND;
    while now < 60 * SECOND {
        machine.answers(now);
        now = machine.stack.next_deadline().unwrap().max(now + 1000);
    }
    assert_eq!(configured(&machine), None);
}

#[test]
fn invalid_answers_of_a_server_are_ignored() {
    for address in [
        "0.0.0.0",
        "255.255.255.255",
        "224.1.2.3",
        "10.0.2.255",
        "127.0.0.1",
    ] {
        let mut machine = Machine::new(1, "dhcp");
        let mut server = Server {
            address: address.parse().unwrap(),
            ..Server::new()
        };
        server.run(&mut machine, 0, SECOND);
        assert_eq!(configured(&machine), None, "{address}");
    }
    for router in [
        "0.0.0.0",
        "255.255.255.255",
        "224.1.2.3",
        "10.0.2.255",
        "127.0.0.1",
    ] {
        let mut machine = Machine::new(1, "dhcp");
        let mut server = Server {
            router: router.parse().ok(),
            ..Server::new()
        };
        server.run(&mut machine, 0, SECOND);
        assert_eq!(configured(&machine).unwrap().gateway, None, "{router}");
    }
}
