//! Tests of addresses that another machine claims.

use crate::net::Event;

use super::addresses::probed;
use super::*;

#[test]
fn an_address_that_another_machine_has_on_the_new_link_is_given_up() {
    let mut machine = Machine::routed();
    let address = own("2001:db8::", 1);
    machine.stack.link(false);
    machine.stack.link(true);
    let mut asked = Vec::new();
    while !asked.contains(&address) {
        let end = CLOCK.get() + SECOND / 10;
        asked = probed(&machine.until(end));
    }
    let mut events = machine.net.events();
    while poll_once(events.next()).is_ready() {}
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(flag.clone());
    let waits = pin!(events.next()).poll(&mut Context::from_waker(&waker));
    assert!(waits.is_pending());
    machine.hears(neighbour(OTHER, ALL_NODES, address, 0x20, THEIR_MAC));
    assert_eq!(machine.addresses(), [own("fe80::", 1)]);
    assert!(flag.0.load(Ordering::Relaxed), "nobody learns of the loss");
    let Poll::Ready(Event::Ipv6(left)) = poll_once(events.next()) else {
        panic!("no event")
    };
    assert_eq!(left.global(), None);
    assert_eq!(machine.net.ipv6_statistics().duplicates, 1);
    // Once it was checked, a claim on it changes nothing.
    machine.until(CLOCK.get() + 3 * SECOND);
    machine.hears(neighbour(
        OTHER,
        ALL_NODES,
        own("fe80::", 1),
        0x20,
        THEIR_MAC,
    ));
    assert_eq!(machine.addresses()[0], own("fe80::", 1));
    assert!(!machine.addresses().contains(&address));
    assert_eq!(machine.net.ipv6_statistics().conflicts, 1);
}

/// An answer of another machine to the check of an address.
fn forged(address: Ipv6Addr) -> Vec<u8> {
    neighbour(address, ALL_NODES, address, 0x20, THEIR_MAC)
}

#[test]
fn a_forged_answer_to_the_check_makes_the_machine_take_another_address() {
    let mut machine = Machine::sixth(Ip6::Auto);
    machine.until(SECOND);
    machine.hears(forged(own("fe80::", 1)));
    assert!(machine.addresses().is_empty());
    let sent = machine.until(5 * SECOND);
    let [address] = machine.addresses()[..] else {
        panic!("{:?}", machine.addresses())
    };
    assert!(address.is_unicast_link_local() && address != own("fe80::", 1));
    assert_eq!(probed(&sent), [address], "it is checked before it is used");
    assert_eq!(machine.net.ipv6_statistics().duplicates, 1);
    // The same for an address with a router's prefix, which the router then keeps alive.
    let option = prefix("2001:db8::", 3 * 3600, 3600);
    machine.hears(advertise(1800, &[&option]));
    machine.hears(forged(own("2001:db8::", 1)));
    machine.until(10 * SECOND);
    let [_, global] = machine.addresses()[..] else {
        panic!("{:?}", machine.addresses())
    };
    assert_eq!(global.octets()[..8], own("2001:db8::", 1).octets()[..8]);
    machine.until(2 * 3600 * SECOND);
    machine.hears(advertise(1800, &[&option]));
    machine.until(4 * 3600 * SECOND);
    assert_eq!(machine.addresses(), [address, global]);
}

#[test]
fn a_machine_that_claims_every_address_is_asked_ever_more_seldom_and_locks_out_nobody() {
    let mut machine = Machine::sixth(Ip6::Auto);
    let mut checks = 0;
    let seconds = if cfg!(miri) { 300 } else { 3600 };
    for second in 1..=seconds {
        let sent = machine.until(second * SECOND);
        for address in probed(&sent) {
            checks += 1;
            machine.hears(forged(address));
        }
        assert!(machine.addresses().is_empty());
    }
    assert!((10..=10 + seconds / 60).contains(&checks), "{checks}");
    machine.until((seconds + 70) * SECOND);
    assert_eq!(machine.addresses().len(), 1);
}

#[test]
fn a_static_address_of_another_machine_is_not_replaced() {
    let address = ip("2001:db8::7");
    let mut machine = Machine::sixth(Ip6::Static {
        address,
        prefix_len: 64,
        gateway: None,
        dns: [None; 3],
    });
    machine.until(SECOND);
    machine.hears(forged(address));
    machine.until(100 * SECOND);
    assert_eq!(machine.addresses(), [own("fe80::", 1)]);
}
