use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Wake;
use std::vec;
use std::vec::Vec;

use embassy_executor::raw::TaskStorage;

use super::*;
use crate::executor::Executor;

/// A waker that belongs to no task: it counts its calls.
#[derive(Default)]
struct Counter(AtomicU64);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `body` once in a task of an executor, with that task's waker.
fn in_a_task(mut body: impl FnMut(&Waker) + 'static) {
    let mut executor = Executor::new();
    let future = core::future::poll_fn(move |cx| {
        body(cx.waker());
        core::task::Poll::Ready(())
    });
    let storage = Box::leak(Box::new(TaskStorage::new()));
    executor
        .spawner()
        .spawn(storage.spawn(|| future).expect("the task is not running"));
    executor.run_ready();
}

fn drain(queue: &mut DeadlineQueue, now: u64) -> usize {
    let mut woken = 0;
    while let Some(waker) = queue.take_expired(now) {
        waker.wake();
        woken += 1;
    }
    woken
}

#[test]
fn deadlines_come_out_in_order() {
    let mut queue = DeadlineQueue::new();
    let waker = Waker::from(Arc::new(Counter::default()));
    for deadline in [50, 10, 40, 20, 30, 20] {
        queue.insert(deadline, &waker);
    }
    let mut order = Vec::new();
    while let Some(next) = queue.next() {
        order.push(next);
        assert!(queue.take_expired(next).is_some());
    }
    assert_eq!(order, vec![10, 20, 20, 30, 40, 50]);
}

#[test]
fn a_deadline_does_not_expire_early() {
    let mut queue = DeadlineQueue::new();
    queue.insert(100, &Waker::from(Arc::new(Counter::default())));
    assert!(queue.take_expired(99).is_none());
    assert!(queue.take_expired(100).is_some());
}

#[test]
fn a_task_has_one_entry_and_keeps_the_earliest() {
    in_a_task(|waker| {
        let mut queue = DeadlineQueue::new();
        for deadline in [300, 100, 200] {
            queue.insert(deadline, waker);
        }
        assert_eq!(queue.heap.len(), 1);
        assert_eq!(queue.next(), Some(100));
        assert_eq!(drain(&mut queue, 100), 1);
        assert_eq!(queue.heap.len(), 0);
    });
}

#[test]
fn a_task_can_wait_again_after_its_deadline_has_passed() {
    in_a_task(|waker| {
        let mut queue = DeadlineQueue::new();
        queue.insert(1, waker);
        assert_eq!(drain(&mut queue, 1), 1);
        queue.insert(2, waker);
        assert_eq!(drain(&mut queue, 2), 1);
    });
}

#[test]
fn the_place_of_a_task_follows_its_entry_through_the_heap() {
    in_a_task(|waker| {
        let mut queue = DeadlineQueue::new();
        let others = Waker::from(Arc::new(Counter::default()));
        queue.insert(500, waker);
        for deadline in 0..100 {
            queue.insert(deadline * 10, &others);
        }
        queue.insert(3, waker);
        assert_eq!(queue.heap.len(), 101);
        assert_eq!(drain(&mut queue, 3), 2);
        assert_eq!(queue.heap.len(), 99);
        drain(&mut queue, 1_000);
        queue.insert(7, waker);
        assert_eq!(queue.next(), Some(7));
    });
}
