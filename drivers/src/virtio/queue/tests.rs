//! Tests with a correct and with a faulty device.

use alloc::vec::Vec;

use super::super::fake::DeviceRing;
use super::*;
use crate::address::PhysicalAddress;
use crate::dma::Buffer;

mod frames;
mod notifications;
mod twice;

const EVENT: Features = Features::EVENT_IDX;
const NONE: Features = Features::empty();

fn queue(size: u16, features: Features, tables: u16) -> (Queue, DeviceRing) {
    let queue = Queue::new(size, features, tables).expect("memory is allocated");
    let QueueAddresses {
        descriptors,
        available,
        used,
    } = queue.addresses();
    let event = features.contains(Features::EVENT_IDX);
    let ring = DeviceRing::new(descriptors.0, available.0, used.0, queue.size(), event);
    (queue, ring)
}

fn buffer() -> Buffer {
    Buffer::new(64).expect("64 bytes are allocated")
}

/// Returns a queue of 8 with three chains in flight, and the device's side. The first and the third
/// chain have one descriptor of 64 writable bytes, the second has two.
fn three_in_flight(buffer: &Buffer) -> (Queue, DeviceRing, Vec<u16>) {
    let (mut queue, mut ring) = queue(8, NONE, 0);
    let one = Segment::writable(buffer.address(), 64);
    let first = queue.lend_one(one, 1).expect("room");
    let second = queue
        .lend(&[Segment::readable(buffer.address(), 4), one], 2)
        .expect("room");
    let third = queue.lend_one(one, 3).expect("room");
    queue.publish();
    while ring.pop().is_some() {}
    (queue, ring, [first, second, third].to_vec())
}

#[test]
fn a_chain_reaches_the_device_as_it_was_lent() {
    let buffer = buffer();
    let (mut queue, mut ring) = queue(8, NONE, 0);
    let base = buffer.address();
    let segments = [
        Segment::readable(base, 16),
        Segment::writable(PhysicalAddress(base.0 + 16), 32),
        Segment::writable(PhysicalAddress(base.0 + 48), 1),
    ];
    let head = queue.lend(&segments, 7).expect("room");
    assert_eq!(ring.pop(), None, "nothing is seen before it is published");
    assert!(queue.publish());
    let chain = ring.pop().expect("one chain");
    assert_eq!((chain.head, chain.indirect), (head, false));
    assert_eq!(chain.readable, [(base.0, 16)]);
    assert_eq!(chain.writable, [(base.0 + 16, 32), (base.0 + 48, 1)]);
    ring.give_back(u32::from(head), 33);
    assert_eq!(
        queue.take(),
        Some(Used {
            head,
            owner: 7,
            len: 33,
            overlong: false
        })
    );
    assert_eq!(queue.take(), None);
}

#[test]
fn chains_come_back_in_any_order() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    for head in heads.iter().rev() {
        ring.give_back(u32::from(*head), 0);
    }
    let owners: Vec<_> = core::iter::from_fn(|| queue.take())
        .map(|used| used.owner)
        .collect();
    assert_eq!(owners, [3, 2, 1]);
    assert_eq!(queue.broken(), None);
}

#[test]
fn a_freed_chain_gives_back_all_its_descriptors() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    assert_eq!(queue.free_descriptors(), 4);
    for head in heads {
        ring.give_back(u32::from(head), 0);
    }
    while let Some(used) = queue.take() {
        queue.free(used.head);
        queue.free(used.head);
    }
    assert_eq!(queue.free_descriptors(), 8);
    let all: Vec<_> = (0..8)
        .map(|owner| queue.lend_one(Segment::writable(buffer.address(), 1), owner))
        .collect();
    let mut heads: Vec<_> = all.into_iter().flatten().collect();
    heads.sort_unstable();
    assert_eq!(heads, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_chain_uses_any_free_descriptors() {
    let buffer = buffer();
    let (mut queue, mut ring) = queue(4, NONE, 0);
    let one = Segment::writable(buffer.address(), 1);
    let heads: Vec<_> = (0..4)
        .flat_map(|owner| queue.lend_one(one, owner))
        .collect();
    queue.publish();
    for head in [heads[2], heads[0], heads[3]] {
        ring.pop().expect("published");
        ring.give_back(u32::from(head), 0);
        let used = queue.take().expect("given back");
        queue.free(used.head);
    }
    let segments = [1, 2, 3].map(|len| Segment::writable(buffer.address(), len));
    queue.lend(&segments, 9).expect("room");
    queue.publish();
    ring.pop().expect("the fourth");
    let lens: Vec<_> = ring
        .pop()
        .expect("published")
        .writable
        .iter()
        .map(|segment| segment.1)
        .collect();
    assert_eq!(lens, [1, 2, 3]);
}

#[test]
fn a_full_queue_accepts_nothing() {
    let buffer = buffer();
    let (mut queue, _ring) = queue(2, NONE, 0);
    let segment = Segment::readable(buffer.address(), 1);
    assert_eq!(queue.lend(&[segment; 3], 0), None);
    assert!(queue.lend(&[segment; 2], 0).is_some());
    assert_eq!(queue.lend_one(segment, 0), None);
    assert_eq!(queue.lend(&[], 0), None);
    assert!(!queue.has_room(1));
}

#[test]
fn a_chain_longer_than_the_queue_goes_through_a_table() {
    let buffer = buffer();
    let (mut queue, mut ring) = queue(2, Features::INDIRECT_DESC, 5);
    let segment = Segment::writable(buffer.address(), 2);
    let heads = [0, 1].map(|owner| queue.lend(&[segment; 5], owner));
    assert_eq!(queue.lend(&[segment; 5], 0), None);
    assert_eq!(queue.lend(&[segment; 6], 0), None);
    queue.publish();
    for head in heads {
        let chain = ring.pop().expect("two chains");
        assert_eq!((Some(chain.head), chain.indirect), (head, true));
        assert_eq!(chain.writable.len(), 5);
        ring.give_back(u32::from(chain.head), 10);
    }
    assert_eq!(
        queue.take().map(|used| (used.len, used.overlong)),
        Some((10, false))
    );
}

#[test]
fn no_table_is_used_without_the_feature() {
    let buffer = buffer();
    let (mut queue, _ring) = queue(4, NONE, 8);
    assert_eq!(
        queue.lend(&[Segment::readable(buffer.address(), 1); 5], 0),
        None
    );
}

#[test]
fn an_id_beyond_the_queue_is_refused() {
    for id in [8, 0xffff, 0x1_0000, u32::MAX] {
        let buffer = buffer();
        let (mut queue, mut ring, _heads) = three_in_flight(&buffer);
        ring.give_back(id, 0);
        assert_eq!(queue.take(), None);
        assert_eq!(queue.broken(), Some(Refusal::Id(id)));
        assert_eq!(queue.statistics().refused_ids, 1);
    }
}

#[test]
fn an_id_that_was_never_lent_is_refused() {
    let buffer = buffer();
    let (mut queue, mut ring, _heads) = three_in_flight(&buffer);
    ring.give_back(7, 0);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.broken(), Some(Refusal::Id(7)));
}

#[test]
fn an_id_inside_a_chain_is_refused() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    let middle = u32::from(heads[1]) + 1;
    ring.give_back(middle, 0);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.broken(), Some(Refusal::Id(middle)));
}

#[test]
fn a_chain_given_back_twice_is_refused() {
    let buffer = buffer();
    for freed in [false, true] {
        let (mut queue, mut ring, heads) = three_in_flight(&buffer);
        let id = u32::from(heads[0]);
        ring.give_back(id, 0);
        ring.give_back(id, 0);
        let used = queue.take().expect("the first is good");
        if freed {
            queue.free(used.head);
        }
        assert_eq!(queue.take(), None);
        assert_eq!(queue.broken(), Some(Refusal::Id(id)));
    }
}

#[test]
fn an_index_beyond_the_lent_chains_is_refused() {
    for ahead in [4, 9, 0x8000, 0xffff] {
        let buffer = buffer();
        let (mut queue, ring, _heads) = three_in_flight(&buffer);
        ring.set_used_index(ahead);
        assert_eq!(queue.take(), None);
        assert_eq!(queue.broken(), Some(Refusal::Index { ahead, lent: 3 }));
        assert_eq!(queue.statistics().refused_indices, 1);
    }
}

#[test]
fn an_index_of_an_unpublished_chain_is_refused() {
    let buffer = buffer();
    let (mut queue, mut ring) = queue(8, NONE, 0);
    let head = queue
        .lend_one(Segment::writable(buffer.address(), 1), 0)
        .expect("room");
    ring.give_back(u32::from(head), 0);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.broken(), Some(Refusal::Index { ahead: 1, lent: 0 }));
}

#[test]
fn a_length_beyond_the_chain_is_cut_and_counted() {
    for claimed in [65, u32::MAX] {
        let buffer = buffer();
        let (mut queue, mut ring, heads) = three_in_flight(&buffer);
        ring.give_back(u32::from(heads[1]), claimed);
        let used = queue.take().expect("the chain is good");
        assert_eq!((used.len, used.overlong), (64, true));
        assert_eq!(queue.statistics().refused_lengths, 1);
        assert_eq!(queue.broken(), None);
    }
}

#[test]
fn a_length_of_zero_is_accepted() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    ring.give_back(u32::from(heads[0]), 0);
    assert_eq!(
        queue.take().map(|used| (used.len, used.overlong)),
        Some((0, false))
    );
}

#[test]
fn the_pulse_tells_which_chain_the_device_has_had_longest() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    let mut answer = |queue: &mut Queue, head: u16| {
        ring.give_back(u32::from(head), 0);
        let used = queue.take().expect("it was given back");
        queue.lend_again(used.head);
        queue.publish();
        queue.pulse().oldest
    };
    assert_eq!(queue.pulse().oldest, 0);
    // More than the ring's indices can count; Miri would take minutes.
    let others = if cfg!(miri) { 100 } else { 0x1_0001 };
    for _ in 0..others {
        assert_eq!(answer(&mut queue, heads[1]), 0);
    }
    assert_eq!(answer(&mut queue, heads[0]), 2);
    assert_eq!(answer(&mut queue, heads[2]), others + 2);
    queue.restart();
    assert_eq!(queue.pulse().oldest, 0);
}

#[test]
fn only_accepted_chains_count_as_completed() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    for id in [u32::from(heads[0]), 99, u32::from(heads[2])] {
        ring.give_back(id, 0);
    }
    assert_eq!((queue.look(), queue.statistics().completed), (3, 0));
    assert!(queue.take().is_some());
    assert_eq!(queue.statistics().completed, 1);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.statistics().completed, 1);
    queue.restart();
    assert_eq!(queue.statistics().completed, 1);
    queue
        .lend_one(Segment::writable(buffer.address(), 1), 0)
        .expect("room");
    queue.publish();
    let statistics = queue.statistics();
    assert_eq!((statistics.submitted, statistics.completed), (4, 1));
}

#[test]
fn a_broken_queue_returns_nothing_until_it_is_restarted() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    ring.give_back(99, 0);
    ring.give_back(u32::from(heads[0]), 0);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.take(), None);
    assert!(!queue.publish() && !queue.arm(0));
    queue.restart();
    assert_eq!((queue.broken(), queue.free_descriptors()), (None, 8));
    assert_eq!(queue.statistics().resets, 1);
    assert_eq!(queue.take(), None);
}

#[test]
fn a_chain_is_lent_again_without_being_written_again() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    ring.give_back(u32::from(heads[1]), 5);
    let used = queue.take().expect("given back");
    queue.lend_again(used.head);
    queue.lend_again(used.head);
    queue.publish();
    let chain = ring.pop().expect("there again");
    assert_eq!((chain.head, chain.room()), (used.head, 64));
    assert_eq!(ring.pop(), None);
    assert_eq!(queue.in_flight(), 3);
}

#[test]
fn a_size_exceeds_neither_limit() {
    assert_eq!(fitting_size(256, 256), Some(256));
    assert_eq!(fitting_size(1024, 256), Some(256));
    assert_eq!(fitting_size(2, 256), Some(2));
    assert_eq!(fitting_size(100, 256), Some(64));
    assert_eq!(fitting_size(0xffff, 0xffff), Some(0x8000));
    assert_eq!(fitting_size(1, 256), None);
    assert_eq!(fitting_size(0, 256), None);
}

#[test]
fn the_parts_are_aligned_for_a_legacy_device() {
    // Miri takes half an hour for the largest queue.
    let sizes: &[u16] = if cfg!(miri) {
        &[2, 256]
    } else {
        &[2, 256, 0x8000]
    };
    for &size in sizes {
        let (queue, _ring) = queue(size, NONE, 0);
        let QueueAddresses {
            descriptors,
            available,
            used,
        } = queue.addresses();
        let legacy = DeviceRing::legacy(descriptors.0, size, false);
        let modern = DeviceRing::new(descriptors.0, available.0, used.0, size, false);
        assert_eq!(alloc::format!("{legacy:?}"), alloc::format!("{modern:?}"));
        assert_eq!(descriptors.0 % 4096, 0);
    }
}

#[test]
fn free_descriptors_contain_no_address() {
    for segments in [1, 3] {
        let (mut queue, mut ring) = queue(8, Features::empty(), 0);
        let memory = Buffer::new(64).expect("64 bytes are allocated");
        let segment = Segment::writable(memory.address(), 64);
        let head = queue.lend(&[segment; 3][..segments], 0).expect("room");
        queue.publish();
        let chain = ring.pop().expect("published");
        assert_eq!(chain.room(), 64 * segments as u32);
        ring.give_back(u32::from(chain.head), 1);
        let used = queue.take().expect("the chain was returned");
        assert_eq!(used.head, head);
        queue.free(head);
        let again = queue.lend(&[segment; 3][..segments], 0).expect("room");
        queue.publish();
        ring.give_back(u32::from(again), 1);
        assert_eq!(queue.look(), 1);
        assert_eq!(queue.reclaim(), Some(again));
        for index in 0..8 {
            assert_eq!(ring.length_of(index), 0, "descriptor {index}");
        }
    }
}
