//! Tests of chains that stay with their request slots, and of waiting for a request slot.

use super::super::super::fake::Wakes;
use super::streams::{submit, tags};
use super::*;

/// Reads a sector, in any request slot and chain.
fn read_one(blk: &mut Driver, disk: &mut Disk, sector: u64) -> Result<Buffer, Failed<Buffer>> {
    let mut ticket = Ticket::none();
    let token = blk
        .submit_one(
            Transfer::Read,
            sector,
            buffer(512),
            Consumer::Token,
            &mut ticket,
        )
        .expect("a fine request");
    blk.publish();
    disk.serve();
    blk.complete(usize::MAX);
    match blk.poll_one(token, Waker::noop()) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the request is not done"),
    }
}

#[test]
fn a_chain_is_reused_for_either_direction() {
    for &version in versions() {
        for common in [0, INDIRECT] {
            // With indirect tables, only the first of four requests uses the queue itself.
            let (mut blk, mut disk) = start(DEFAULT, common, 8, &config(16, 512), version);
            let depth = if common == 0 { 2 } else { 4 };
            for round in 0..3_u8 {
                let mut tokens = vec![];
                for number in 0..depth {
                    let sector = u64::from(number);
                    let (transfer, mut data) = (Transfer::Write, buffer(512));
                    data.fill(16 * round + number);
                    let (consumer, mut ticket) = (Consumer::Token, Ticket::none());
                    let token = blk.submit_one(transfer, sector, data, consumer, &mut ticket);
                    tokens.push(token.expect("there is room in the queue"));
                }
                blk.publish();
                assert_eq!(disk.serve(), usize::from(depth));
                for token in tokens {
                    assert_eq!(finish(&mut blk, token).result, Ok(()));
                }
                for number in 0..depth {
                    let data = read_one(&mut blk, &mut disk, u64::from(number));
                    let data = data.expect("it is read");
                    assert!(data.iter().all(|byte| *byte == 16 * round + number));
                }
            }
        }
    }
}

/// 5.2.5: whatever the size of a block is, addresses count sectors of 512 bytes.
#[test]
fn a_request_is_addressed_in_sectors_for_any_block_size() {
    for block_size in [512, 1024, 4096] {
        let (mut blk, mut disk) = start(DEFAULT, INDIRECT, QUEUE, &config(16, block_size), 2);
        let first = run(&mut blk, &mut disk, read(8, 4096)).payload;
        assert!(first.expect("the memory").buffers()[0][..512] == [8; 512]);
        // In a kept chain.
        let (consumer, mut ticket) = (Consumer::Token, Ticket::none());
        for _ in 0..2 {
            let token = blk
                .submit_one(Transfer::Read, 8, buffer(4096), consumer, &mut ticket)
                .expect("a fine request");
            blk.publish();
            disk.serve();
            let payload = finish(&mut blk, token).payload.expect("the memory");
            assert!(payload.buffers()[0][..512] == [8; 512], "{block_size}");
        }
    }
}

#[test]
fn a_kept_chain_that_is_not_lent_cannot_be_returned() {
    let (mut blk, mut disk) = disk(DEFAULT);
    let token = blk.submit(read(0, 512)).expect("a fine request");
    blk.publish();
    let chain = disk.ring.pop().expect("published");
    disk.answer(&chain, 0, 512);
    assert_eq!(finish(&mut blk, token).result, Ok(()));
    disk.ring.give_back(u32::from(chain.head), 513);
    blk.complete(usize::MAX);
    assert!(matches!(blk.failure(), Some(Failure::Queue { .. })));
}

#[test]
fn kept_chains_are_freed_for_longer_requests() {
    let (mut blk, mut disk) = start(DEFAULT, 0, 8, &config(16, 512), 2);
    for round in 0..3 {
        let stream = blk.open().expect("one at a time");
        for tag in 0..2 {
            submit(&mut blk, stream, tag, tag as u64);
        }
        blk.publish();
        disk.serve();
        assert_eq!(tags(&mut blk, stream), [0, 1], "round {round}");
        blk.close(stream);
        let payload = Payload::Many((0..6).map(|_| buffer(512)).collect());
        let completion = run(&mut blk, &mut disk, Operation::Read { sector: 1, payload });
        let payload = completion.payload.expect("the buffer is returned");
        let first: Vec<_> = payload.buffers().iter().map(|piece| piece[0]).collect();
        assert_eq!(first, [1, 2, 3, 4, 5, 6], "round {round}");
    }
}

#[test]
fn queues_of_every_size_are_filled_and_emptied_again_and_again() {
    for common in [0, INDIRECT] {
        // Miri takes long for large queues.
        let sizes = [2, 4, 8, 64, 256, 1024];
        for size in sizes.into_iter().filter(|&size| size <= 4 * QUEUE) {
            if common == 0 && size == 2 {
                continue;
            }
            let (mut blk, mut disk) = start(DEFAULT, common, size, &config(16, 512), 2);
            let stream = blk.open().expect("the first stream");
            let mut depth = None;
            for _ in 0..3 {
                let mut count = 0;
                while blk.has_room() {
                    submit(&mut blk, stream, count % 16, count as u64 % 16);
                    count += 1;
                }
                assert_eq!(*depth.get_or_insert(count), count, "a queue of {size}");
                blk.publish();
                assert_eq!(disk.serve(), count);
                assert_eq!(tags(&mut blk, stream).len(), count);
            }
        }
    }
}

#[test]
fn waiting_tasks_get_room_in_order() {
    let (mut blk, mut disk) = start(DEFAULT, 0, 4, &config(16, 512), 2);
    let (first, first_waker) = Wakes::new();
    let (second, second_waker) = Wakes::new();
    let (mut a, mut b, mut newcomer) = (Ticket::none(), Ticket::none(), Ticket::none());
    let take = |blk: &mut Driver, ticket: &mut Ticket| {
        let (transfer, consumer) = (Transfer::Read, Consumer::Token);
        blk.submit_one(transfer, 0, buffer(512), consumer, ticket)
            .map_err(|refused| refused.error)
    };
    let token = take(&mut blk, &mut newcomer).expect("there is room in the queue");
    assert_eq!(take(&mut blk, &mut a), Err(Error::Full));
    blk.wait_for_room(&mut a, &first_waker);
    blk.wait_for_room(&mut b, &second_waker);
    blk.publish();
    assert_eq!((first.count(), second.count()), (0, 0));
    disk.serve();
    assert_eq!(finish(&mut blk, token).result, Ok(()));
    // The request slot is free because its result was taken.
    blk.publish();
    assert_eq!((first.count(), second.count()), (1, 0));
    assert_eq!(take(&mut blk, &mut newcomer), Err(Error::Full));
    assert!(!blk.has_room_for(&b));
    let token = take(&mut blk, &mut a).expect("it is its turn");
    blk.publish();
    disk.serve();
    assert_eq!(finish(&mut blk, token).result, Ok(()));
    blk.publish();
    assert_eq!((first.count(), second.count()), (1, 1));
    // A woken task that does not run blocks no other.
    blk.publish();
    assert!(take(&mut blk, &mut newcomer).is_ok());
}

/// Returns the error of a transfer for which there is a kept chain.
fn refusal(blk: &mut Driver, transfer: Transfer, sector: u64, len: usize) -> Error {
    let (consumer, mut ticket) = (Consumer::Token, Ticket::none());
    let refused = blk.submit_one(transfer, sector, buffer(len), consumer, &mut ticket);
    let refused = refused.expect_err("nonsense");
    assert_eq!(refused.buffer.len(), len, "the buffer comes back");
    refused.error
}

#[test]
fn a_kept_chain_is_not_lent_for_an_invalid_request() {
    let (mut blk, mut disk) = disk(DEFAULT | Features::RO);
    assert!(read_one(&mut blk, &mut disk, 0).is_ok());
    for (sector, len) in [
        (16, 512),
        (15, 1024),
        (17, 512),
        (u64::MAX, 512),
        (1 << 55, 512),
    ] {
        let (sectors, capacity) = (len as u64 / 512, 16);
        let error = Error::OutOfRange {
            sector,
            sectors,
            capacity,
        };
        assert_eq!(refusal(&mut blk, Transfer::Read, sector, len), error);
    }
    let misaligned = Error::Misaligned { block_size: 512 };
    assert_eq!(refusal(&mut blk, Transfer::Read, 0, 100), misaligned);
    assert_eq!(refusal(&mut blk, Transfer::Read, 0, 0), Error::Empty);
    assert_eq!(refusal(&mut blk, Transfer::Write, 0, 512), Error::ReadOnly);
    assert!(read_one(&mut blk, &mut disk, 15).is_ok());

    let (mut blk, mut disk) = start(DEFAULT, INDIRECT, QUEUE, &config(64, 4096), 2);
    disk.sectors.resize(64 * 512, 9);
    let token = blk.submit(read(8, 4096)).expect("a fine request");
    blk.publish();
    disk.serve();
    assert_eq!(finish(&mut blk, token).result, Ok(()));
    let misaligned = Error::Misaligned { block_size: 4096 };
    assert_eq!(refusal(&mut blk, Transfer::Read, 1, 4096), misaligned);
    assert_eq!(refusal(&mut blk, Transfer::Read, 8, 512), misaligned);
}

#[test]
fn a_buffer_in_several_pieces_gets_a_new_chain() {
    let features = DEFAULT | Features::SIZE_MAX | Features::SEG_MAX;
    let (mut blk, mut disk) = start(features, INDIRECT, QUEUE, &config(64, 512), 2);
    disk.sectors.resize(64 * 512, 9);
    let stream = blk.open().expect("the first stream");
    let consumer = Consumer::Stream(stream, 7);
    for len in [512, 8192, 4096, 6144, 512] {
        let mut ticket = Ticket::none();
        blk.submit_one(Transfer::Read, 16, buffer(len), consumer, &mut ticket)
            .expect("two segments at most");
        blk.publish();
        disk.serve();
        let done = blk.next(stream, None).expect("the request is done");
        let data = done.result.expect("it succeeds");
        assert!(data.len() == len && data.iter().all(|byte| *byte == 9));
    }
}
