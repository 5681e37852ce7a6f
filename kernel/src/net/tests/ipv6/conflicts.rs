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
    assert_eq!(machine.addresses(), [own("fe80::", 1)]);
    assert_eq!(machine.net.ipv6_statistics().conflicts, 1);
}
