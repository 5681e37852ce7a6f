//! Tests of when each side notifies the other.

use super::*;

/// The rule in the wording of 2.7.13.4: a notification is due if the index `event` is one of those
/// published just now.
fn specification(event: u16, new: u16, old: u16) -> bool {
    let mut index = old;
    while index != new {
        if index == event {
            return true;
        }
        index = index.wrapping_add(1);
    }
    false
}

#[test]
fn a_notification_is_due_as_in_the_specification() {
    // Only distances matter, so one of the three can be fixed, at values around the wrap.
    let (events, batches): (Vec<u16>, u16) = if cfg!(miri) {
        ((0..=u16::MAX).step_by(4099).collect(), 3)
    } else {
        ((0..=u16::MAX).collect(), 40)
    };
    for old in [0_u16, 1, 0x7fff, 0x8000, 0xfffe, 0xffff] {
        for batch in (1..=batches).chain([255, 256]) {
            let new = old.wrapping_add(batch);
            for &event in &events {
                assert_eq!(must_notify(event, new, old), specification(event, new, old));
            }
        }
    }
}

#[test]
fn without_the_event_index_the_flag_decides() {
    let buffer = buffer();
    let (mut queue, ring) = queue(8, NONE, 0);
    let segment = Segment::writable(buffer.address(), 1);
    ring.set_available_event(1000);
    for (flags, kick) in [(0, true), (1, false), (0xfffe, true), (0xffff, false)] {
        ring.set_used_flags(flags);
        queue.lend_one(segment, 0);
        assert_eq!(queue.publish(), kick, "flags {flags:#x}");
    }
    assert!(!queue.publish(), "nothing new, no kick");
    assert_eq!(
        (
            queue.statistics().kicks,
            queue.statistics().kicks_suppressed
        ),
        (2, 2)
    );
}

#[test]
fn with_the_event_index_the_flag_does_not_matter() {
    let buffer = buffer();
    let (mut queue, ring) = queue(8, EVENT, 0);
    ring.set_used_flags(1);
    ring.set_available_event(0);
    queue.lend_one(Segment::writable(buffer.address(), 1), 0);
    assert!(queue.publish());
    queue.lend_one(Segment::writable(buffer.address(), 1), 0);
    assert!(!queue.publish());
}

#[test]
fn a_disarmed_queue_asks_for_no_interrupt() {
    for features in [NONE, EVENT] {
        let buffer = buffer();
        let (mut queue, mut ring) = queue(8, features, 0);
        queue.disarm();
        for _ in 0..20 {
            let head = queue
                .lend_one(Segment::writable(buffer.address(), 1), 0)
                .expect("room");
            queue.publish();
            assert!(!ring.give_back(u32::from(head), 0));
            let used = queue.take().expect("given back");
            queue.free(used.head);
        }
    }
}

#[test]
fn an_armed_queue_is_notified_of_the_next_completion_or_sees_it() {
    for features in [NONE, EVENT] {
        let buffer = buffer();
        let (mut queue, mut ring) = queue(8, features, 0);
        let mut round = |before: bool| {
            let head = queue
                .lend_one(Segment::writable(buffer.address(), 1), 0)
                .expect("room");
            queue.publish();
            queue.disarm();
            let mut interrupted = before && ring.give_back(u32::from(head), 0);
            let seen = queue.arm(0);
            interrupted |= !before && ring.give_back(u32::from(head), 0);
            let used = queue.take().expect("given back");
            queue.free(used.head);
            (interrupted, seen)
        };
        for _ in 0..3 {
            assert_eq!(round(false), (true, false));
            assert_eq!(round(true), (false, true));
        }
    }
}

#[test]
fn arming_for_later_skips_some_completions() {
    let buffer = buffer();
    let (mut queue, mut ring) = queue(8, EVENT, 0);
    let heads: Vec<_> = (0..4)
        .flat_map(|owner| queue.lend_one(Segment::writable(buffer.address(), 1), owner))
        .collect();
    queue.publish();
    assert!(!queue.arm(2));
    let interrupts: Vec<_> = heads
        .iter()
        .map(|head| ring.give_back(u32::from(*head), 0))
        .collect();
    assert_eq!(interrupts, [false, false, true, false]);
    assert!(queue.arm(2));
}

/// A device that sleeps until it is notified, and a driver that sleeps until it is interrupted:
/// with any batch size, over the whole range of 16-bit indices, neither may sleep forever.
#[test]
fn neither_side_sleeps_forever_while_the_indices_wrap() {
    let size = 16;
    let rounds = if cfg!(miri) { 40 } else { 70_000 };
    let buffer = buffer();
    for features in [NONE, EVENT] {
        for batch in 1..=size {
            let (mut queue, mut ring) = queue(size, features, 0);
            let mut total = 0_u32;
            while total < rounds {
                for owner in 0..batch {
                    queue
                        .lend_one(Segment::writable(buffer.address(), 8), owner)
                        .expect("room");
                }
                let kicked = queue.publish();
                assert!(kicked, "the device asked for exactly this and sleeps");
                assert!(!queue.arm(0));
                let mut interrupted = false;
                while let Some(chain) = ring.pop() {
                    interrupted |= ring.give_back(u32::from(chain.head), 8);
                }
                ring.set_available_event(ring.next());
                assert!(interrupted, "the driver asked for exactly this and sleeps");
                for _ in 0..batch {
                    let used = queue.take().expect("each chain was returned");
                    queue.free(used.head);
                }
                total += u32::from(batch);
            }
            assert_eq!(queue.statistics().completed, u64::from(total));
            assert_eq!(queue.statistics().high_water, batch);
        }
    }
}
