use core::time::Duration;

use embassy_futures::join::join;

use super::super::PingError;
use super::*;

#[test]
fn an_existing_machine_replies() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    let took = cable.block_on(net.ping(B, Duration::from_secs(1))).unwrap();
    assert!(took < Duration::from_millis(10));
}

#[test]
fn a_missing_machine_times_out_and_leaves_no_state() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    let timeout = Duration::from_millis(2500);
    let nobody = Ipv4Addr::new(10, 0, 2, 99);
    cable.run(2 * MILLISECOND);
    let started = cable.now;
    let result = cable.block_on(net.ping(nobody, timeout));
    assert_eq!(
        result,
        Err(PingError::TimedOut {
            address: nobody,
            timeout
        })
    );
    assert!((2500..2600).contains(&((cable.now - started) / MILLISECOND)));
    cable.run(cable.now + SECOND);
    assert_eq!(cable.a.stack.next_deadline(), None);
}

#[test]
fn two_pings_at_a_time_do_not_take_each_others_reply() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    let nobody = Ipv4Addr::new(10, 0, 2, 99);
    let (there, not_there) = cable.block_on(join(
        net.ping(B, Duration::from_secs(3)),
        net.ping(nobody, Duration::from_secs(3)),
    ));
    assert!(there.is_ok() && not_there.is_err());
}

#[test]
fn a_ping_that_is_dropped_leaves_no_deadline() {
    let mut cable = Cable::new();
    let net = cable.a.net;
    cable.run(2 * MILLISECOND);
    assert!(poll_once(net.ping(B, Duration::from_secs(1))).is_pending());
    cable.run(3 * MILLISECOND);
    assert_eq!(cable.a.stack.next_deadline(), None);
}

#[test]
fn no_ping_is_sent_without_an_address_or_to_a_broadcast_address() {
    let net = Machine::new(1, "dhcp").net;
    assert_eq!(
        poll_once(net.ping(B, Duration::ZERO)),
        Poll::Ready(Err(PingError::NoAddress))
    );
    let everybody = Ipv4Addr::BROADCAST;
    let error = Err(PingError::NotUnicast(everybody));
    assert_eq!(
        poll_once(net.ping(everybody, Duration::ZERO)),
        Poll::Ready(error)
    );
}

#[test]
fn a_ping_that_ends_does_not_change_the_timeout_of_another() {
    let mut machine = Machine::new(1, "10.0.2.15/24");
    let net = machine.net;
    let flags = [(); 2].map(|()| Arc::new(Flag(AtomicBool::new(false))));
    let wakers = flags.clone().map(Waker::from);
    let mut pings = [(); 2].map(|()| Box::pin(net.ping(B, Duration::from_secs(1))));
    for (ping, waker) in pings.iter_mut().zip(&wakers) {
        assert!(
            ping.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    let [first, second] = pings;
    drop(second);
    machine.answers(2 * SECOND);
    assert!(
        flags[0].0.load(Ordering::Relaxed),
        "the first task was not woken"
    );
    drop(first);
    assert_eq!(machine.stack.alarm.get(), crate::time::NEVER);
}
