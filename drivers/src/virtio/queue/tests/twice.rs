//! Chains that the device gives back a second time, or before it can have had them.

use super::*;
use crate::dma::Frame;

fn frame() -> Frame {
    Frame::new(64).expect("a frame is allocated")
}

/// Takes a chain, and lends it again with the memory of another frame.
fn exchange(queue: &mut Queue) -> Option<Used> {
    let frame = frame();
    let taken = queue.exchange(frame.address(), frame);
    taken.ok().map(|(used, _)| used)
}

#[test]
fn a_chain_given_back_twice_is_refused_although_it_was_lent_again_in_between() {
    let (old, new) = (buffer(), buffer());
    for case in 0..8 {
        let (mut queue, mut ring, heads) = three_in_flight(&old);
        let id = u32::from(heads[0]);
        ring.give_back(id, 64);
        ring.give_back(id, 64);
        assert_eq!(queue.look(), 2);
        let take = |queue: &mut Queue| match case / 2 {
            0 => exchange(queue),
            1 => {
                let segment = Segment::writable(new.address(), 64);
                queue.replace(segment, frame()).ok().map(|(used, _)| used)
            }
            2 => queue.take_seen(),
            _ => queue.reclaim().and(queue.take_seen()),
        };
        let used = queue.take_seen().expect("the first is good");
        queue.lend_again(used.head);
        if case % 2 == 1 {
            // What was found before belongs to the first time.
            queue.publish();
        }
        assert_eq!(take(&mut queue), None, "case {case}");
        assert_eq!(queue.broken(), Some(Refusal::Id(id)), "case {case}");
        assert_eq!(queue.statistics().refused_ids, 1);
    }
}

#[test]
fn a_chain_lent_again_is_refused_until_it_is_published() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    let id = u32::from(heads[0]);
    ring.give_back(id, 64);
    assert_eq!(queue.look(), 1);
    assert!(exchange(&mut queue).is_some());
    ring.give_back(id, 64);
    assert_eq!(queue.look(), 1);
    assert_eq!(exchange(&mut queue), None);
    assert_eq!(queue.broken(), Some(Refusal::Id(id)));
}

#[test]
fn a_chain_that_the_device_keeps_while_others_come_back_is_good() {
    let buffer = buffer();
    let (mut queue, mut ring, heads) = three_in_flight(&buffer);
    // More than the ring's indices can count; Miri would take minutes.
    for _ in 0..if cfg!(miri) { 100 } else { 0x2_0001 } {
        ring.give_back(u32::from(heads[0]), 64);
        assert_eq!(queue.look(), 1);
        assert!(exchange(&mut queue).is_some());
        queue.publish();
    }
    ring.give_back(u32::from(heads[2]), 64);
    assert!(queue.take().is_some());
    assert_eq!(queue.broken(), None);
}
