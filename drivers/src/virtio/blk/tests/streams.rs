//! Tests of streams of requests.

use super::super::super::fake::Wakes;
use super::*;

pub(super) fn submit(blk: &mut Driver, stream: StreamId, tag: usize, sector: u64) {
    let consumer = Consumer::Stream(stream, tag);
    let mut ticket = Ticket::none();
    blk.submit_one(Transfer::Read, sector, buffer(512), consumer, &mut ticket)
        .expect("a fine request");
}

/// Returns the tags of the completed requests.
pub(super) fn tags(blk: &mut Driver, stream: StreamId) -> Vec<usize> {
    let mut tags = vec![];
    while let Some(done) = blk.next(stream, None) {
        let buffer = done.result.expect("it succeeds");
        assert_eq!(buffer[0], done.tag as u8, "it is the sector of that number");
        tags.push(done.tag);
    }
    tags
}

/// Makes the device complete what is published, in the order that `order` returns.
fn serve_in_order(disk: &mut Disk, order: impl FnOnce(&mut Vec<Chain>)) {
    let mut chains = vec![];
    while let Some(chain) = disk.ring.pop() {
        chains.push(chain);
    }
    order(&mut chains);
    for chain in &chains {
        let (status, len) = disk.execute(chain);
        disk.answer(chain, status, len);
    }
}

#[test]
fn a_stream_gets_its_requests_in_the_order_of_completion() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    for round in 0..3 {
        for tag in 0..5 {
            submit(&mut blk, stream, tag, tag as u64);
        }
        assert!(blk.next(stream, None).is_none());
        blk.publish();
        serve_in_order(&mut disk, |chains| chains.swap(1, 3));
        // The device may be asked before or after the stream.
        if round > 0 {
            blk.complete(usize::MAX);
        }
        assert_eq!(tags(&mut blk, stream), [0, 3, 2, 1, 4]);
    }
}

#[test]
fn a_waiting_stream_is_woken_once_and_takes_the_rest_itself() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    let (wakes, waker) = Wakes::new();
    for tag in 0..3 {
        submit(&mut blk, stream, tag, tag as u64);
    }
    assert!(blk.next(stream, Some(&waker)).is_none());
    blk.publish();
    assert_eq!((blk.complete(usize::MAX), wakes.count()), (0, 0));
    disk.serve();
    assert_eq!((blk.complete(usize::MAX), wakes.count()), (1, 1));
    assert!(blk.rearm(), "there is more to do than the ring shows");
    assert_eq!(tags(&mut blk, stream), [0, 1, 2]);
    assert!(!blk.rearm());
}

#[test]
fn what_a_woken_stream_does_not_take_is_completed_next_time() {
    for others in 0..2 {
        let (mut blk, mut disk) = disk(DEFAULT);
        let stream = blk.open().expect("the first stream");
        for _ in 0..others {
            blk.open().expect("another one");
        }
        let (wakes, waker) = Wakes::new();
        for tag in 0..3 {
            submit(&mut blk, stream, tag, tag as u64);
        }
        assert!(blk.next(stream, Some(&waker)).is_none());
        blk.publish();
        let first = disk.ring.pop().expect("published");
        let (status, len) = disk.execute(&first);
        disk.answer(&first, status, len);
        assert_eq!(blk.complete(usize::MAX), 1);
        assert!(blk.rearm(), "the first one is still to be taken");
        disk.serve();
        assert_eq!(blk.complete(usize::MAX), 3, "the stream no longer waits");
        assert!(!blk.rearm());
        assert_eq!(tags(&mut blk, stream), [0, 1, 2]);
        assert_eq!(wakes.count(), 1);
    }
}

#[test]
fn a_budget_holds_for_streams_too() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    for tag in 0..5 {
        submit(&mut blk, stream, tag, tag as u64);
    }
    blk.publish();
    disk.serve();
    assert_eq!(blk.complete(2), 2);
    assert!(blk.rearm());
    assert_eq!(tags(&mut blk, stream), [0, 1, 2, 3, 4]);
}

#[test]
fn a_stream_also_completes_the_requests_of_others() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let (first, second) = (blk.open().expect("one"), blk.open().expect("another"));
    let (other, other_waker) = Wakes::new();
    let (alone, alone_waker) = Wakes::new();
    submit(&mut blk, first, 1, 1);
    submit(&mut blk, second, 2, 2);
    let token = blk.submit(read(3, 512)).expect("a fine request");
    submit(&mut blk, first, 4, 4);
    assert!(blk.next(first, Some(Waker::noop())).is_none());
    assert!(blk.next(second, Some(&other_waker)).is_none());
    assert!(blk.poll(token, &alone_waker).is_pending());
    blk.publish();
    disk.serve();
    blk.complete(usize::MAX);
    assert_eq!(tags(&mut blk, first), [1, 4]);
    assert_eq!((other.count(), alone.count()), (1, 1));
    assert_eq!(tags(&mut blk, second), [2]);
    assert_eq!(finish(&mut blk, token).result, Ok(()));
}

#[test]
fn errors_of_a_stream_come_with_tag_and_buffer() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    let outcomes = [
        (1, 512, Error::Io),
        (2, 512, Error::Unsupported),
        (7, 512, Error::Status(7)),
        (0, 100, Error::ShortRead),
    ];
    for asked in [false, true] {
        for (tag, (status, len, error)) in outcomes.into_iter().enumerate() {
            submit(&mut blk, stream, tag, 0);
            blk.publish();
            let chain = disk.ring.pop().expect("published");
            disk.answer(&chain, status, len);
            if asked {
                blk.complete(usize::MAX);
            }
            let done = blk.next(stream, None).expect("the request is done");
            let failed = done.result.expect_err("it failed");
            assert_eq!((done.tag, failed.error()), (tag, error));
            assert_eq!(
                failed.into_buffer().expect("the buffer is returned").len(),
                512
            );
        }
    }
    submit(&mut blk, stream, 5, 5);
    blk.publish();
    disk.serve();
    assert_eq!(tags(&mut blk, stream), [5]);
}

#[test]
fn a_closed_stream_leaves_its_buffers_with_the_device() {
    let (mut blk, mut disk) = start(DEFAULT, 0, 8, &config(16, 512), 2);
    let stream = blk.open().expect("the first stream");
    submit(&mut blk, stream, 0, 0);
    submit(&mut blk, stream, 1, 1);
    blk.publish();
    let (first, second) = (disk.ring.pop().expect("one"), disk.ring.pop().expect("two"));
    disk.answer(&first, 0, 512);
    blk.complete(usize::MAX);
    blk.close(stream);
    assert!(blk.has_room(), "the first one's place is vacant");
    // Miri detects memory that was freed too early.
    let (status, len) = disk.execute(&second);
    disk.answer(&second, status, len);
    blk.complete(usize::MAX);
    let again = blk.open().expect("the number is free again");
    assert_eq!(again, stream);
    assert!(blk.next(again, None).is_none());
    for tag in 0..2 {
        submit(&mut blk, again, tag, tag as u64);
    }
    blk.publish();
    disk.serve();
    assert_eq!(tags(&mut blk, again), [0, 1]);
}

#[test]
fn requests_of_a_stream_fail_with_the_disk() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    let (wakes, waker) = Wakes::new();
    for tag in 0..3 {
        submit(&mut blk, stream, tag, tag as u64);
    }
    assert!(blk.next(stream, Some(&waker)).is_none());
    blk.publish();
    let chain = disk.ring.pop().expect("published");
    let (status, len) = disk.execute(&chain);
    disk.answer(&chain, status, len);
    disk.ring.give_back(200, 0);
    blk.complete(usize::MAX);
    assert_eq!(wakes.count(), 1);
    assert_eq!(blk.next(stream, None).expect("done").tag, 0);
    // The stream finds the chain that was never lent.
    assert!(blk.next(stream, Some(&waker)).is_none());
    assert_eq!(wakes.count(), 2);
    for tag in 1..3 {
        let done = blk.next(stream, Some(&waker)).expect("it failed");
        let failed = done.result.expect_err("it failed");
        assert_eq!(done.tag, tag);
        assert!(matches!(failed.error(), Error::DeviceReset(_)));
        assert!(failed.into_buffer().is_some(), "the device was reset");
    }
    assert_eq!(blk.reinitialize(), Ok(()));
    disk.ring = disk.device.ring(0);
    submit(&mut blk, stream, 9, 9);
    blk.publish();
    disk.serve();
    assert_eq!(tags(&mut blk, stream), [9]);
}

#[test]
fn a_reset_forgets_what_a_stream_was_woken_for() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    submit(&mut blk, stream, 1, 1);
    assert!(blk.next(stream, Some(Waker::noop())).is_none());
    blk.publish();
    disk.serve();
    blk.complete(usize::MAX);
    assert_eq!(blk.reinitialize(), Ok(()));
    let failed = blk.next(stream, None).expect("done").result;
    let error = failed.expect_err("it was in flight").error();
    assert_eq!(error, Error::DeviceReset(Failure::Restarted));
    disk.ring = disk.device.ring(0);
    submit(&mut blk, stream, 2, 2);
    assert!(blk.next(stream, None).is_none());
    blk.publish();
    disk.serve();
    assert_eq!(tags(&mut blk, stream), [2]);
}

#[test]
fn a_cancelled_request_ends_at_once_and_its_buffer_stays_until_the_disk_returns_it() {
    for asked_before_the_disk_answers in [true, false] {
        let (mut blk, mut disk) = disk(DEFAULT);
        let stream = blk.open().expect("a stream");
        submit(&mut blk, stream, 1, 1);
        submit(&mut blk, stream, 2, 2);
        blk.publish();
        assert_eq!((blk.cancel(stream, 1), blk.cancel(stream, 7)), (1, 0));
        if !asked_before_the_disk_answers {
            disk.serve();
            blk.complete(usize::MAX);
        }
        let done = blk.next(stream, None).expect("it was cancelled");
        let failed = done.result.expect_err("it was cancelled");
        assert_eq!((done.tag, failed.error()), (1, Error::Cancelled));
        let has_buffer = failed.into_buffer().is_some();
        assert_eq!(has_buffer, !asked_before_the_disk_answers);
        if asked_before_the_disk_answers {
            disk.serve();
            blk.complete(usize::MAX);
        }
        assert_eq!(tags(&mut blk, stream), [2]);
        // Its request slot is free again.
        for tag in 0..DEPTH {
            submit(&mut blk, stream, tag, 0);
        }
    }
}

#[test]
fn a_stream_that_is_the_only_user_publishes_and_arms_before_it_sleeps() {
    for features in [0, 1 << 29] {
        let (mut blk, mut disk) = start(DEFAULT, INDIRECT | features, QUEUE, &config(16, 512), 2);
        let stream = blk.open().expect("the first stream");
        let (wakes, waker) = Wakes::new();
        for round in 1..=3 {
            submit(&mut blk, stream, 1, 1);
            assert!(blk.next(stream, Some(&waker)).is_none());
            assert!(blk.settle());
            let chain = disk.ring.pop().expect("it was published");
            let (status, len) = disk.execute(&chain);
            let (address, _) = *chain.writable.last().expect("a status");
            super::super::super::fake::write(address, status);
            let interrupts = disk.ring.give_back(u32::from(chain.head), len + 1);
            assert!(interrupts, "an interrupt was asked for");
            blk.acknowledge_interrupt();
            assert!(blk.has_news() && blk.call());
            assert_eq!(wakes.count(), round);
            let done = blk.next(stream, Some(&waker)).expect("it is done");
            assert_eq!(done.tag, 1);
        }
    }
}

#[test]
fn others_that_use_the_disk_are_published_with_a_stream_by_the_loop() {
    let (mut blk, disk) = disk(DEFAULT);
    let (first, second) = (blk.open().expect("one"), blk.open().expect("another"));
    submit(&mut blk, first, 0, 0);
    assert!(blk.next(first, Some(Waker::noop())).is_none());
    assert!(!blk.settle(), "another stream is open");
    blk.close(second);
    assert!(blk.settle());
    let read = Operation::Read {
        sector: 0,
        payload: Payload::One(buffer(512)),
    };
    let token = blk.submit(read).expect("a fine request");
    assert!(!blk.settle(), "a task of its own waits for a request");
    blk.detach(token);
    assert_eq!(disk.device.kicks(), [0]);
}

#[test]
fn a_stream_does_not_sleep_while_its_disk_has_answered_or_fails() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    submit(&mut blk, stream, 0, 0);
    blk.publish();
    disk.serve();
    assert!(!blk.settle(), "there is an answer");
    assert_eq!(tags(&mut blk, stream), [0]);
    // The index of the used ring runs ahead of what was lent, while a request is not published yet.
    let (wakes, waker) = Wakes::new();
    submit(&mut blk, stream, 1, 1);
    disk.ring.give_back(0, 0);
    assert!(blk.next(stream, Some(&waker)).is_none());
    assert!(!blk.settle());
    assert!(matches!(blk.failure(), Some(Failure::Queue { .. })));
    assert_eq!(wakes.count(), 1, "its request failed");
    let done = blk.next(stream, Some(&waker)).expect("a failed request");
    assert!(
        matches!(done.result, Err(failed) if failed.error() == Error::DeviceReset(blk.failure().expect("it failed")))
    );
    assert!(!blk.settle());
}

#[test]
fn a_broken_queue_is_not_published_again_after_the_device_took_its_lie_back() {
    let (mut blk, disk) = disk(DEFAULT);
    let stream = blk.open().expect("the first stream");
    let (wakes, waker) = Wakes::new();
    submit(&mut blk, stream, 0, 0);
    assert!(blk.next(stream, Some(&waker)).is_none());
    assert!(blk.settle());
    // The index claims more than was lent, and then what it was before.
    disk.ring.set_used_index(9);
    assert!(!blk.has_news());
    disk.ring.set_used_index(0);
    assert!(blk.next(stream, Some(&waker)).is_none());
    assert!(!blk.settle());
    assert!(matches!(blk.failure(), Some(Failure::Queue { .. })));
    assert_eq!(wakes.count(), 1, "its request failed");
}
