//! Floods of forged advertisements of routers.

use super::addresses::probed;
use super::*;

/// Advertises 40 routers that do not exist, each with a network and a name server.
fn flood(machine: &mut Machine) {
    for number in 0..40_u8 {
        let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, number.into());
        let option = prefix(&std::format!("2001:db8:{number:x}::"), u32::MAX, u32::MAX);
        let mut server = std::vec![25, 3, 0, 0, 0xff, 0xff, 0xff, 0xff];
        server.extend(router.octets());
        let mac = mac_option(1, [4, 0, 0, 0, 1, number]);
        let message = advertisement(u16::MAX, &[&option, &server, &mac]);
        machine.hears(icmp(router, ALL_NODES, 255, &message));
    }
}

#[test]
fn a_flood_of_advertisements_does_not_keep_the_real_router_out() {
    let mut machine = Machine::ready();
    flood(&mut machine);
    let far = core::net::SocketAddr::from((ip("2001:db9::1"), 7));
    let option = prefix("2001:db8:ff::", 86400, 86400);
    let mut server = std::vec![25, 3, 0, 0, 0, 0, 0xff, 0xff];
    server.extend(ip("2001:db8:ff::53").octets());
    let mac = mac_option(1, THEIR_MAC);
    let mut arrived = 0;
    let seconds = if cfg!(miri) { 45 } else { 180 };
    for second in 4..4 + seconds {
        // The real router: it advertises itself every 10 s, and answers.
        if second % 10 == 0 {
            machine.hears(advertise(1800, &[&option, &server, &mac]));
        }
        let socket = machine.net.udp(0).unwrap();
        let _ = poll_once(socket.send_to_any(b"x", far));
        for frame in machine.until(second * SECOND) {
            arrived += usize::from(frame[..6] == THEIR_MAC && datagram(&frame).is_some());
            if let Some(NdiscRepr::NeighborSolicit {
                target_addr: ROUTER,
                ..
            }) = discovery(&frame)
            {
                let asker = packet(&frame).unwrap().src_addr();
                machine.hears(neighbour(ROUTER, asker, ROUTER, 0xe0, THEIR_MAC));
            }
        }
    }
    // The machine needs half a minute to find out which of the routers answers.
    assert!(arrived as u64 + 40 > seconds, "{arrived}");
    let now = machine.net.ipv6_configuration();
    assert_eq!(now.gateway(), Some(ROUTER));
    assert!(now.dns().any(|server| server == ip("2001:db8:ff::53")));
    assert!(machine.addresses().contains(&own("2001:db8:ff::", 1)));
}

#[test]
fn advertisements_make_a_machine_check_no_more_than_one_address_in_ten_seconds() {
    let mut machine = Machine::ready();
    flood(&mut machine);
    let before = probed(&machine.until(10 * SECOND)).len();
    assert!(before <= 8);
    let mut probes = 0;
    for _ in 0..if cfg!(miri) { 2 } else { 100 } {
        flood(&mut machine);
        let end = CLOCK.get() + SECOND;
        probes += probed(&machine.until(end)).len();
    }
    assert!(probes <= 11, "{probes}");
    assert_eq!(machine.addresses().len(), 8);
}

#[test]
fn addresses_that_last_for_a_second_are_counted_and_never_used() {
    let mut machine = Machine::ready();
    for _ in 0..60 {
        let option = prefix("2001:db8::", 1, 1);
        machine.hears(advertise(1, &[&option]));
        let end = CLOCK.get() + 2 * SECOND;
        machine.until(end);
    }
    let counts = machine.net.ipv6_statistics();
    let expired = counts.expired;
    assert!((1..=60).contains(&expired), "{expired}");
    assert_eq!(counts.gained, 1, "the link-local one");
}
