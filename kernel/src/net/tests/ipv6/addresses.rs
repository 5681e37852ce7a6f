use crate::net::Event;

use super::*;

#[test]
fn a_link_local_address_is_checked_before_it_is_used() {
    let mut machine = Machine::sixth(Ip6::Auto);
    let address = own("fe80::", 1);
    let sent = machine.until(3 * SECOND);
    let question = sent
        .iter()
        .find_map(|frame| Some((packet(frame)?, discovery(frame)?)));
    let (header, question) = question.expect("a solicitation");
    assert_eq!(header.src_addr(), UNSPECIFIED);
    assert_eq!(header.dst_addr(), group(address));
    assert_eq!(header.hop_limit(), 255);
    assert!(
        matches!(question, NdiscRepr::NeighborSolicit { target_addr, lladdr: None } if target_addr == address)
    );
    assert_eq!(machine.addresses(), [address]);
    // Then routers are asked, from the new address and ever more rarely.
    let mut asked = Vec::new();
    for second in 3..300 {
        let sent = machine.until(second * SECOND);
        asked.extend(sent.iter().filter_map(|frame| {
            let message = discovery(frame)?;
            matches!(message, NdiscRepr::RouterSolicit { .. }).then_some(second)
        }));
    }
    assert!((5..8).contains(&asked.len()), "{asked:?}");
    assert!(
        asked
            .windows(3)
            .all(|three| three[2] - three[1] >= three[1] - three[0])
    );
}

#[test]
fn an_address_that_another_machine_has_or_checks_is_not_used() {
    let address = own("fe80::", 1);
    for conflict in [
        neighbour(address, ALL_NODES, address, 0x20, THEIR_MAC),
        solicit(UNSPECIFIED, group(address), address, &[]),
    ] {
        let mut machine = Machine::sixth(Ip6::Auto);
        machine.until(SECOND);
        machine.hears(conflict);
        let sent = machine.until(20 * SECOND);
        assert!(!machine.addresses().contains(&address));
        assert!(
            !sent
                .iter()
                .any(|frame| packet(frame).is_some_and(|one| one.src_addr() == address))
        );
        assert_eq!(machine.net.ipv6_statistics().duplicates, 1);
    }
}

#[test]
fn a_machine_that_only_asks_for_an_address_is_no_duplicate() {
    let address = own("fe80::", 1);
    let mut machine = Machine::sixth(Ip6::Auto);
    machine.until(SECOND);
    assert!(
        machine
            .hears(solicit(OTHER, group(address), address, &[]))
            .is_empty()
    );
    machine.until(3 * SECOND);
    assert_eq!(machine.addresses(), [address]);
    // An address in use is kept.
    machine.hears(neighbour(address, ALL_NODES, address, 0x20, THEIR_MAC));
    assert_eq!(machine.addresses(), [address]);
    assert_eq!(machine.net.ipv6_statistics().conflicts, 1);
}

#[test]
fn a_router_gives_addresses_a_route_and_name_servers() {
    let mut machine = Machine::ready();
    let mut events = machine.net.events();
    let mut next = || match poll_once(events.next()) {
        Poll::Ready(Event::Ipv6(now)) => Some(now),
        Poll::Ready(_) => None,
        Poll::Pending => panic!("no event"),
    };
    assert!(next().is_none());
    assert_eq!(next().map(|now| now.addresses().count()), Some(1));
    let servers = [
        &[25, 5, 0, 0, 0, 0, 4, 0][..],
        &ip("2001:db8::53").octets(),
        &ip("fe80::53").octets(),
    ]
    .concat();
    let options: [&[u8]; 6] = [
        &prefix("2001:db8:1::", 86400, 14400),
        &prefix("2001:db8:2::", 86400, 14400),
        &[5, 1, 0, 0, 0, 0, 5, 0xdc],
        &mac_option(1, THEIR_MAC),
        &servers,
        &[99, 1, 0, 0, 0, 0, 0, 0],
    ];
    let mut sent = machine.hears(advertise(1800, &options));
    sent.extend(machine.until(5 * SECOND));
    let checked = sent.iter().filter_map(|frame| discovery(frame)).count();
    assert_eq!(checked, 2);
    let addresses = ["fe80::", "2001:db8:1::", "2001:db8:2::"].map(|prefix| own(prefix, 1));
    assert_eq!(machine.addresses(), addresses);
    let now = next().unwrap();
    assert_eq!(now.gateway(), Some(ROUTER));
    assert_eq!(now.global(), Some(addresses[1]));
    assert_eq!(
        now.dns().collect::<Vec<_>>(),
        [ip("2001:db8::53"), ip("fe80::53")]
    );
    // The router says that it is none any more; its prefixes stay.
    machine.hears(advertise(0, &[]));
    assert_eq!(next().unwrap().gateway(), None);
    assert_eq!(machine.addresses(), addresses);
    // Name servers end after their 1024 seconds.
    machine.until(1100 * SECOND);
    assert_eq!(machine.net.ipv6_configuration().dns().count(), 0);
}

#[test]
fn an_advertisement_that_is_not_from_a_router_on_the_link_is_ignored() {
    let option = prefix("2001:db8::", 86400, 14400);
    let valid = advertisement(1800, &[&option]);
    let mut coded = valid.clone();
    coded[1] = 1;
    let no_length = [&valid[..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    let too_long = [&valid[..], &[1, 2, 0, 0, 0, 0, 0, 0]].concat();
    let mut wrong = icmp(ROUTER, ALL_NODES, 255, &valid);
    *wrong.last_mut().unwrap() ^= 1;
    let mut fragment = icmp(ROUTER, ALL_NODES, 255, &valid);
    fragment.splice(54..54, [58, 0, 0, 1, 0, 0, 0, 0]);
    fragment[20] = 44;
    fragment[19] += 8;
    // A whole message, behind a fragment header nevertheless (RFC 6980, 5).
    let mut atomic = fragment.clone();
    atomic[57] = 0;
    for (name, frame) in [
        ("hop limit", icmp(ROUTER, ALL_NODES, 254, &valid)),
        ("source", icmp(ip("2001:db8::1"), ALL_NODES, 255, &valid)),
        ("no source", icmp(UNSPECIFIED, ALL_NODES, 255, &valid)),
        ("code", icmp(ROUTER, ALL_NODES, 255, &coded)),
        ("length", icmp(ROUTER, ALL_NODES, 255, &valid[..12])),
        (
            "option of length 0",
            icmp(ROUTER, ALL_NODES, 255, &no_length),
        ),
        (
            "option beyond the end",
            icmp(ROUTER, ALL_NODES, 255, &too_long),
        ),
        ("checksum", wrong),
        ("fragment", fragment),
        ("fragment header", atomic),
    ] {
        let mut machine = Machine::ready();
        machine.hears(frame);
        machine.until(6 * SECOND);
        assert_eq!(machine.addresses(), [own("fe80::", 1)], "{name}");
        assert_eq!(machine.net.ipv6_configuration().gateway(), None, "{name}");
    }
}

#[test]
fn a_prefix_that_is_not_for_addresses_gives_none() {
    let mut short = prefix("2001:db8::", 86400, 14400);
    short[2] = 63;
    let mut off = prefix("2001:db8::", 86400, 14400);
    off[3] = 0x80;
    for option in [
        short,
        off,
        prefix("2001:db8::", 100, 200),
        prefix("fe80::", 100, 100),
        prefix("ff02::", 100, 100),
        prefix("2001:db8::", 0, 0),
    ] {
        let mut machine = Machine::ready();
        machine.hears(advertise(1800, &[&option]));
        machine.until(6 * SECOND);
        assert_eq!(machine.addresses(), [own("fe80::", 1)]);
        assert_eq!(machine.net.ipv6_configuration().gateway(), Some(ROUTER));
    }
}

#[test]
fn a_forged_advertisement_ends_no_address_within_two_hours() {
    let hour = 3600 * SECOND;
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    assert!(machine.addresses().contains(&address));
    machine.hears(advertise(1800, &[&prefix("2001:db8::", 1, 1)]));
    machine.until(hour);
    assert!(machine.addresses().contains(&address), "two hours remain");
    // With less than two hours left, no advertisement shortens them.
    machine.hears(advertise(1800, &[&prefix("2001:db8::", 0, 0)]));
    machine.until(2 * hour - 10 * SECOND);
    assert!(machine.addresses().contains(&address));
    machine.until(2 * hour + 10 * SECOND);
    assert!(!machine.addresses().contains(&address));
    assert_eq!(machine.net.ipv6_configuration().gateway(), None);
}

#[test]
fn addresses_and_routers_are_bounded() {
    let mut machine = Machine::ready();
    for number in 0..40u16 {
        let network = std::format!("2001:db8:{number:x}::");
        let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, number);
        let message = advertisement(1800, &[&prefix(&network, 86400, 86400)]);
        machine.hears(icmp(router, ALL_NODES, 255, &message));
    }
    machine.until(6 * SECOND);
    assert_eq!(machine.addresses().len(), 8);
    let first = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, 0);
    assert_eq!(machine.net.ipv6_configuration().gateway(), Some(first));
}

#[test]
fn a_fixed_address_needs_no_router_and_hears_none() {
    let ip6 = "2001:db8::15/64,fe80::1,2001:db8::53".parse().unwrap();
    let mut machine = Machine::sixth(ip6);
    let sent = machine.until(5 * SECOND);
    assert!(
        !sent
            .iter()
            .any(|frame| matches!(discovery(frame), Some(NdiscRepr::RouterSolicit { .. })))
    );
    machine.hears(advertise(0, &[&prefix("2001:db8:1::", 86400, 86400)]));
    machine.until(10 * SECOND);
    assert_eq!(machine.addresses(), [own("fe80::", 1), ip("2001:db8::15")]);
    let now = machine.net.ipv6_configuration();
    assert_eq!(now.gateway(), Some(ROUTER));
    assert_eq!(now.dns().collect::<Vec<_>>(), [ip("2001:db8::53")]);
    machine.net.configure_ipv6(Ip6::Off);
    assert!(machine.addresses().is_empty());
    assert!(
        machine
            .hears(echo_request(OTHER, own("fe80::", 1), b"x"))
            .is_empty()
    );
    assert_eq!(machine.stack.next_deadline(), None);
}

/// Returns the addresses that the frames ask for before they are used.
pub(super) fn probed(sent: &[Vec<u8>]) -> Vec<Ipv6Addr> {
    let probes = sent.iter().filter_map(|frame| {
        let from_nobody = packet(frame)?.src_addr().is_unspecified();
        match discovery(frame)? {
            NdiscRepr::NeighborSolicit { target_addr, .. } if from_nobody => Some(target_addr),
            _ => None,
        }
    });
    probes.collect()
}

#[test]
fn addresses_are_checked_again_when_the_link_comes_up_and_are_used_meanwhile() {
    let mut machine = Machine::routed();
    let addresses = machine.addresses();
    assert_eq!(addresses.len(), 2);
    machine.stack.link(false);
    machine.until(30 * SECOND);
    machine.stack.link(true);
    assert_eq!(machine.addresses(), addresses);
    let sent = machine.until(33 * SECOND);
    assert_eq!(probed(&sent), addresses);
    assert!(
        { sent.iter() }.any(|one| matches!(discovery(one), Some(NdiscRepr::RouterSolicit { .. })))
    );
    assert_eq!(machine.addresses(), addresses);
    // An advertisement confirms what the router said before.
    let option = prefix("2001:db8::", 86400, 14400);
    machine.hears(advertise(1800, &[&option]));
    machine.until(60 * SECOND);
    assert_eq!(machine.addresses(), addresses);
    assert_eq!(machine.net.ipv6_configuration().gateway(), Some(ROUTER));
}

#[test]
fn what_no_router_confirms_is_used_for_15_seconds_after_the_link_came_up() {
    let mut machine = Machine::routed();
    let addresses = machine.addresses();
    machine.stack.link(false);
    machine.stack.link(true);
    machine.until((5 + 14) * SECOND);
    assert_eq!(machine.addresses(), addresses);
    machine.until((5 + 16) * SECOND);
    assert_eq!(machine.addresses(), [own("fe80::", 1)]);
    assert_eq!(machine.net.ipv6_configuration().gateway(), None);
}
