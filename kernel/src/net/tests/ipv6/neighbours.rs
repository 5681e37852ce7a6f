use smoltcp::wire::{NdiscNeighborFlags, RawHardwareAddress};

use super::*;

#[test]
fn a_question_for_an_address_is_answered() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    let option = mac_option(1, THEIR_MAC);
    let answers = machine.hears(solicit(OTHER, group(address), address, &option));
    let [answer] = &answers[..] else {
        panic!("{answers:x?}")
    };
    assert_eq!(
        answer[..12],
        [[2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 1]].concat()
    );
    let header = packet(answer).unwrap();
    assert_eq!((header.src_addr(), header.dst_addr()), (address, OTHER));
    assert_eq!(header.hop_limit(), 255);
    let Some(NdiscRepr::NeighborAdvert {
        flags,
        target_addr,
        lladdr,
    }) = discovery(answer)
    else {
        panic!("{answer:x?}")
    };
    let mac = RawHardwareAddress::from_bytes(&[2, 0, 0, 0, 0, 1]);
    assert_eq!((target_addr, lladdr), (address, Some(mac)));
    let both = NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE;
    assert_eq!(flags, both);
    // Another machine checks the address: all hear the answer.
    let answers = machine.hears(solicit(UNSPECIFIED, group(address), address, &[]));
    let header = packet(&answers[0]).unwrap();
    assert_eq!(header.dst_addr(), ALL_NODES);
    assert!(matches!(
        discovery(&answers[0]),
        Some(NdiscRepr::NeighborAdvert { flags, .. }) if flags == NdiscNeighborFlags::OVERRIDE
    ));
}

#[test]
fn a_question_that_breaks_a_rule_is_not_answered() {
    let mut machine = Machine::ready();
    let address = own("fe80::", 1);
    let option = mac_option(1, THEIR_MAC);
    let valid = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &address.octets(), &option].concat();
    let group_asked = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &ALL_NODES.octets()].concat();
    let before = machine.net.ipv6_statistics().invalid_discovery;
    for (name, frame) in [
        ("hop limit", icmp(OTHER, group(address), 254, &valid)),
        ("short", icmp(OTHER, group(address), 255, &valid[..20])),
        ("target", icmp(OTHER, address, 255, &group_asked)),
        (
            "no source, to one",
            solicit(UNSPECIFIED, address, address, &[]),
        ),
        (
            "no source, with option",
            solicit(UNSPECIFIED, group(address), address, &option),
        ),
    ] {
        assert!(machine.hears(frame).is_empty(), "{name}");
    }
    assert_eq!(machine.net.ipv6_statistics().invalid_discovery, before + 5);
    assert!(
        machine
            .hears(solicit(OTHER, group(address), ip("fe80::77"), &option))
            .is_empty()
    );
}

#[test]
fn a_redirect_is_counted_and_changes_nothing() {
    let mut machine = Machine::routed();
    let message = [
        &[137, 0, 0, 0, 0, 0, 0, 0][..],
        &OTHER.octets(),
        &ip("2001:db9::1").octets(),
        &mac_option(2, THEIR_MAC),
    ]
    .concat();
    assert!(
        machine
            .hears(icmp(ROUTER, own("fe80::", 1), 255, &message))
            .is_empty()
    );
    assert_eq!(machine.net.ipv6_statistics().redirects_ignored, 1);
}

#[test]
fn datagrams_wait_for_the_hardware_address_of_the_next_hop() {
    let mut machine = Machine::routed();
    let socket = machine.net.udp(4000).unwrap();
    let send = |to: &str| {
        let to = core::net::SocketAddr::from((ip(to), 7));
        assert_eq!(
            poll_once(socket.send_to_any(b"hello", to)),
            Poll::Ready(Ok(()))
        );
    };
    send("2001:db8::99");
    let asked = machine.sends(5 * SECOND);
    assert_eq!(asked.len(), 1);
    assert!(matches!(
        discovery(&asked[0]),
        Some(NdiscRepr::NeighborSolicit { target_addr, lladdr: Some(_) }) if target_addr == ip("2001:db8::99")
    ));
    let to = own("2001:db8::", 1);
    let sent = machine.hears(neighbour(
        ip("2001:db8::99"),
        to,
        ip("2001:db8::99"),
        0x60,
        [4, 0, 0, 0, 0, 7],
    ));
    assert_eq!(sent[0][..6], [4, 0, 0, 0, 0, 7]);
    assert_eq!(datagram(&sent[0]), Some(([4000, 7], b"hello".to_vec())));
    // Another network is behind the router, whose hardware address its advertisement said.
    send("2001:db9::1");
    let sent = machine.sends(5 * SECOND + 1);
    assert_eq!((sent.len(), &sent[0][..6]), (1, &THEIR_MAC[..]));
    // Nobody answers for an address: the datagram is dropped after three questions.
    send("2001:db8::98");
    let asked = machine.until(10 * SECOND);
    assert_eq!(asked.iter().filter(|frame| discovery(frame).is_some_and(|one| matches!(one, NdiscRepr::NeighborSolicit { target_addr, .. } if target_addr == ip("2001:db8::98")))).count(), 3);
    assert_eq!(machine.net.ipv6_statistics().unreachable, 1);
}

#[test]
fn routers_whose_time_is_over_make_room_for_others() {
    let mut machine = Machine::routed();
    for number in 0..if cfg!(miri) { 20 } else { 100_u16 } {
        let from = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 6, number);
        let mac = mac_option(1, [4, 1, 0, 0, 0, number as u8]);
        let message = advertisement(1, &[&mac]);
        machine.hears(icmp(from, ALL_NODES, 255, &message));
        machine.until((10 + 2 * u64::from(number)) * SECOND);
    }
    let socket = machine.net.udp(4000).unwrap();
    let to = core::net::SocketAddr::from((ip("2001:db8::99"), 7));
    let sent = poll_once(socket.send_to_any(b"hello", to));
    assert_eq!(sent, Poll::Ready(Ok(())));
    let asked = machine.sends(CLOCK.get());
    assert!(matches!(
        discovery(&asked[0]),
        Some(NdiscRepr::NeighborSolicit { target_addr, .. }) if target_addr == ip("2001:db8::99")
    ));
}

#[test]
fn datagrams_that_wait_are_dropped_when_the_link_comes_up_again() {
    let mut machine = Machine::routed();
    let socket = machine.net.udp(4000).unwrap();
    let to = core::net::SocketAddr::from((ip("2001:db8::99"), 7));
    let sent = poll_once(socket.send_to_any(b"hello", to));
    assert_eq!(sent, Poll::Ready(Ok(())));
    machine.sends(5 * SECOND);
    machine.stack.link(false);
    machine.stack.link(true);
    assert_eq!(machine.net.ipv6_statistics().unreachable, 1);
}

#[test]
fn strangers_that_ask_do_not_displace_the_router() {
    let mut machine = Machine::routed();
    let address = own("fe80::", 1);
    for number in 0..if cfg!(miri) { 200 } else { 3000u16 } {
        let from = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 5, number);
        let mac = [4, 0, 0, 0, (number >> 8) as u8, number as u8];
        let option = mac_option(1, mac);
        assert_eq!(
            machine
                .hears(solicit(from, group(address), address, &option))
                .len(),
            1
        );
    }
    let socket = machine.net.udp(4000).unwrap();
    let to = core::net::SocketAddr::from((ip("2001:db9::1"), 7));
    assert_eq!(
        poll_once(socket.send_to_any(b"hello", to)),
        Poll::Ready(Ok(()))
    );
    let sent = machine.sends(5 * SECOND + 1);
    assert_eq!(sent[0][..6], THEIR_MAC);
}

#[test]
fn queries_make_a_machine_report_its_groups_ten_times_a_second_at_most() {
    let mut machine = Machine::ready();
    // A query that asks for an answer at once (RFC 3810, 5.1.3), with "router alert".
    let mut query = std::vec![58, 0, 5, 2, 0, 0, 1, 0];
    let message = [&[130, 0, 0, 0][..], &[0; 24]].concat();
    query.extend(&icmp(ROUTER, ALL_NODES, 1, &message)[54..]);
    let frame = frame(ROUTER, ALL_NODES, 1, 0, &query, None);
    let reports = |sent: &[Vec<u8>]| {
        let reports = sent.iter().filter(|one| one.get(62) == Some(&143));
        reports.count()
    };
    let mut sent = 0;
    let pause = if cfg!(miri) { 20 } else { 1 };
    for _ in 0..1000 / pause {
        sent += reports(&machine.hears(frame.clone()));
        let end = CLOCK.get() + pause * MILLISECOND;
        sent += reports(&machine.until(end));
    }
    assert!((1..=11).contains(&sent), "{sent}");
}

#[test]
fn groups_are_reported_to_switches_and_routers() {
    let mut machine = Machine::sixth(Ip6::Auto);
    let groups = |frame: &Vec<u8>| {
        let packet = packet(frame).filter(|packet| packet.dst_addr() == ip("ff02::16"))?;
        assert_eq!(packet.hop_limit(), 1);
        // Hop-by-hop with "router alert", then the report.
        assert_eq!(packet.payload()[..6], [58, 0, 5, 2, 0, 0]);
        let report = &packet.payload()[8..];
        assert_eq!(report[0], 143);
        assert!(is_sum_right(&packet, report));
        let records = report[8..].chunks(20);
        Some(
            records
                .map(|one| (one[0], one[4..].to_vec()))
                .collect::<Vec<_>>(),
        )
    };
    let own_group = group(own("fe80::", 1)).octets().to_vec();
    let sent = machine.until(3 * SECOND);
    let reports: Vec<_> = sent.iter().filter_map(groups).collect();
    assert_eq!(reports, std::vec![std::vec![(4, own_group.clone())]; 2]);
    // The switch hears of the group before the address is asked for.
    assert!(groups(&sent[0]).is_some() && discovery(&sent[1]).is_some());
    let now = CLOCK.get();
    let mdns = ip("ff02::fb");
    machine.net.join_ipv6(mdns).unwrap();
    let reports: Vec<_> = machine
        .until(now + 2 * SECOND)
        .iter()
        .filter_map(groups)
        .collect();
    assert_eq!(
        reports,
        std::vec![std::vec![(4, mdns.octets().to_vec())]; 2]
    );
    // A router asks within a second; its query has "router alert".
    let mut query = icmp(
        ROUTER,
        ALL_NODES,
        1,
        &[&[130, 0, 0, 0, 3, 232, 0, 0][..], &[0; 20]].concat(),
    );
    query.splice(54..54, [58, 0, 5, 2, 0, 0, 1, 0]);
    query[20] = 0;
    query[19] += 8;
    machine.hears(query.clone());
    let now = CLOCK.get();
    let reports: Vec<_> = machine
        .until(now + 2 * SECOND)
        .iter()
        .filter_map(groups)
        .collect();
    let both = std::vec![(2, own_group), (2, mdns.octets().to_vec())];
    assert_eq!(reports, [both]);
    query[21] = 64;
    machine.hears(query);
    assert!(
        machine
            .until(now + 9 * SECOND)
            .iter()
            .filter_map(groups)
            .next()
            .is_none()
    );
    machine.net.leave_ipv6(mdns);
    let reports: Vec<_> = machine
        .until(now + 12 * SECOND)
        .iter()
        .filter_map(groups)
        .collect();
    assert_eq!(
        reports,
        std::vec![std::vec![(3, mdns.octets().to_vec())]; 2]
    );
}

fn is_sum_right(packet: &Ipv6Packet<&[u8]>, report: &[u8]) -> bool {
    let report = Icmpv6Packet::new_unchecked(report);
    report.verify_checksum(&packet.src_addr(), &packet.dst_addr())
}
