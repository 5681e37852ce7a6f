//! Tasks that wait for room, when it does not come as usual.

use super::*;
use crate::virtio::fake::Wakes;

#[test]
fn tasks_that_wait_are_woken_for_the_error_if_a_restart_fails() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let (wakes, waker) = Wakes::new();
    let mut ticket = Ticket::none();
    disk.device.0.borrow_mut().resets = false;
    disk.ring.give_back(99, 0);
    blk.complete(8);
    assert!(blk.failure().is_some());
    blk.wait_for_room(&mut ticket, &waker);
    blk.publish();
    assert_eq!(wakes.count(), 0, "it is restarted soon");
    blk.reinitialize()
        .expect_err("it does not finish its reset");
    assert_eq!(wakes.count(), 1);
    assert!(blk.refuses());
    let error = Error::DeviceReset(Failure::Setup(SetupError::ResetTimeout));
    assert_eq!(refused(&mut blk, read(0, 512)), error);
    disk.device.0.borrow_mut().resets = true;
    blk.reinitialize().expect("it does now");
    assert!(!blk.refuses() && blk.has_room());
}

#[test]
fn a_long_request_is_woken_only_when_its_descriptors_are_free() {
    let (mut blk, mut disk) = start(DEFAULT, 0, 8, &config(16, 512), 2);
    let (wakes, waker) = Wakes::new();
    let short = blk.submit(read(0, 512)).expect("room");
    let long = || Operation::Read {
        sector: 0,
        payload: Payload::Many((0..4).map(|_| buffer(512)).collect()),
    };
    let mut ticket = Ticket::none();
    let submit = |blk: &mut Driver, ticket: &mut Ticket| {
        let rejected = blk.submit_for(long(), Consumer::Token, ticket);
        rejected.map_err(|rejected| rejected.error)
    };
    assert_eq!(submit(&mut blk, &mut ticket), Err(Error::Full));
    assert!(!blk.has_room(), "a task that asks again must not go on");
    blk.wait_for_room(&mut ticket, &waker);
    for _ in 0..3 {
        blk.publish();
        assert_eq!(
            wakes.count(),
            0,
            "five descriptors are free, and six needed"
        );
    }
    disk.serve();
    assert_eq!(finish(&mut blk, short).result, Ok(()));
    blk.publish();
    assert_eq!(wakes.count(), 1);
    let long = submit(&mut blk, &mut ticket).expect("its turn, and room");
    blk.publish();
    disk.serve();
    assert_eq!(finish(&mut blk, long).result, Ok(()));
    assert!(blk.submit(read(0, 512)).is_ok());
    assert!(blk.has_room());
}

#[test]
fn a_long_request_that_is_given_up_holds_up_the_others_no_longer_than_those_in_flight() {
    let (mut blk, mut disk) = start(DEFAULT, 0, 8, &config(16, 512), 2);
    let tokens = [0, 1].map(|sector| blk.submit(read(sector, 512)).expect("room"));
    let (wakes, waker) = Wakes::new();
    let (mut gone, mut other) = (Ticket::none(), Ticket::none());
    let payload = Payload::Many((0..4).map(|_| buffer(512)).collect());
    let long = Operation::Read { sector: 0, payload };
    assert!(blk.submit_for(long, Consumer::Token, &mut gone).is_err());
    blk.wait_for_room(&mut gone, Waker::noop());
    blk.wait_for_room(&mut other, &waker);
    blk.leave_line(&mut gone);
    blk.publish();
    disk.serve();
    for token in tokens {
        assert_eq!(finish(&mut blk, token).result, Ok(()));
    }
    blk.publish();
    assert_eq!(wakes.count(), 1);
    let request = (Transfer::Read, 0, buffer(512), Consumer::Token);
    let (transfer, sector, data, consumer) = request;
    assert!(
        blk.submit_one(transfer, sector, data, consumer, &mut other)
            .is_ok()
    );
}
