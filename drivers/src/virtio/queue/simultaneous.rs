//! Tests of a driver and a device that run at the same time: whatever the order of their accesses,
//! they never wait for each other forever. loom tries all orders; a wait that never ends is a
//! failure.

use loom::sync::Arc;
use loom::sync::Notify;
use loom::thread;

use super::*;
use crate::dma::Buffer;

/// The number of chains of a test.
const CHAINS: u16 = 2;

fn both(test: fn(Features)) {
    for features in [Features::empty(), Features::EVENT_IDX] {
        // Every order in which neither side is interrupted more than so often.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || test(features));
    }
}

fn queue(features: Features) -> (Queue, Buffer) {
    let queue = Queue::new(CHAINS, features, 0).expect("the host has memory");
    (queue, Buffer::new(64).expect("the host has 64 bytes"))
}

fn lend(queue: &mut Queue, buffer: &Buffer) {
    let segment = Segment::writable(buffer.address(), 64);
    queue.lend_one(segment, 0).expect("a free descriptor");
}

/// The driver sleeps after it has armed the queue. `skip` is the number of chains that may come
/// back without an interrupt.
fn sleeps_between(features: Features, skip: u16) {
    let (mut queue, buffer) = queue(features);
    (0..CHAINS).for_each(|_| lend(&mut queue, &buffer));
    queue.publish();
    let (mut device, interrupt) = (queue.device(), Arc::new(Notify::new()));
    let raise = Arc::clone(&interrupt);
    let thread = thread::spawn(move || {
        for _ in 0..CHAINS {
            let head = device.take().expect("both were published before");
            if device.give_back(head, 64) {
                raise.notify();
            }
        }
    });
    let mut taken = 0;
    while taken < CHAINS {
        queue.hold();
        while let Some(used) = queue.take() {
            assert_eq!(used.len, 64);
            taken += 1;
        }
        let left = CHAINS - taken;
        if left > 0 && !queue.arm(skip.min(left - 1)) {
            interrupt.wait();
        }
    }
    thread.join().expect("the device ends");
    assert_eq!(queue.broken(), None);
}

#[test]
fn no_interrupt_is_lost() {
    both(|features| sleeps_between(features, 0));
}

#[test]
fn no_interrupt_for_several_chains_is_lost() {
    both(|features| sleeps_between(features, 1));
}

/// The device sleeps after it has asked for a notification.
#[test]
fn no_notification_is_lost() {
    both(|features| {
        let (mut queue, buffer) = queue(features);
        let (mut device, kick) = (queue.device(), Arc::new(Notify::new()));
        let notify = Arc::clone(&kick);
        let thread = thread::spawn(move || {
            let mut taken = 0;
            while taken < CHAINS {
                device.hold();
                while device.take().is_some() {
                    taken += 1;
                }
                if taken < CHAINS && !device.arm() {
                    kick.wait();
                }
            }
        });
        for _ in 0..CHAINS {
            lend(&mut queue, &buffer);
            if queue.publish() {
                notify.notify();
            }
        }
        thread.join().expect("the device gets every chain");
    });
}
