//! The queue of deadlines: a binary heap in which each task has one entry at the most.
//!
//! Inserting, moving and taking a deadline costs the logarithm of the number of tasks that wait. A
//! task that polls several timers at once keeps the earliest: when that one fires, the task is
//! polled and asks again for the others. Without this, a server that puts a timeout around each
//! datagram would leave one stale entry behind for every datagram.
//!
//! Where a task's entry stands is kept in the task itself, in the room that embassy-executor sets
//! aside for timer queues. Wakers of other executors have no such room and are simply entered.

use alloc::vec::Vec;
use core::task::Waker;

use embassy_executor_timer_queue::TimerQueueItem;

struct Entry {
    deadline: u64,
    waker: Waker,
}

/// Deadlines and the wakers to call when they pass.
pub(crate) struct DeadlineQueue {
    /// A binary min-heap on `deadline`.
    heap: Vec<Entry>,
}

impl DeadlineQueue {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new() }
    }

    /// Calls `waker` once `deadline` has passed, or earlier where its task waits for an earlier one.
    pub(crate) fn insert(&mut self, deadline: u64, waker: &Waker) {
        match place_of(waker).and_then(|place| place.checked_sub(1)) {
            Some(index) => {
                if deadline < self.heap[index].deadline {
                    self.heap[index].deadline = deadline;
                    self.sift_up(index);
                }
            }
            None => {
                self.heap.push(Entry {
                    deadline,
                    waker: waker.clone(),
                });
                self.sift_up(self.heap.len() - 1);
            }
        }
    }

    /// Takes one entry whose deadline is not after `now`, and returns the waker to call.
    pub(crate) fn take_expired(&mut self, now: u64) -> Option<Waker> {
        if self.next()? > now {
            return None;
        }
        let entry = self.heap.swap_remove(0);
        set_place(&entry.waker, 0);
        if !self.heap.is_empty() {
            self.sift_down(0);
        }
        Some(entry.waker)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.deadline)
    }

    fn sift_up(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if self.heap[parent].deadline <= self.heap[index].deadline {
                break;
            }
            self.heap.swap(parent, index);
            self.note_place(index);
            index = parent;
        }
        self.note_place(index);
    }

    fn sift_down(&mut self, mut index: usize) {
        loop {
            let left = 2 * index + 1;
            let Some(first) = self.heap.get(left) else {
                break;
            };
            let earlier = match self.heap.get(left + 1) {
                Some(second) if second.deadline < first.deadline => left + 1,
                _ => left,
            };
            if self.heap[index].deadline <= self.heap[earlier].deadline {
                break;
            }
            self.heap.swap(index, earlier);
            self.note_place(index);
            index = earlier;
        }
        self.note_place(index);
    }

    fn note_place(&self, index: usize) {
        set_place(&self.heap[index].waker, index + 1);
    }
}

/// Where a task's entry stands, counted from 1; 0 where it has none, as in a task that is new.
#[repr(transparent)]
struct Place(usize);

/// The place kept in the task that `waker` wakes, or `None` where it is no task of ours.
fn place_of(waker: &Waker) -> Option<usize> {
    // SAFETY: only this queue uses the item, it holds nothing but a `Place`, and the reference ends
    // with this expression.
    unsafe { item(waker)?.as_ref::<Place>() }.0.into()
}

fn set_place(waker: &Waker, place: usize) {
    if let Some(item) = item(waker) {
        // SAFETY: as above, and the queue is borrowed mutably by whoever moves an entry.
        unsafe { item.as_mut::<Place>() }.0 = place;
    }
}

fn item(waker: &Waker) -> Option<&'static TimerQueueItem> {
    unsafe extern "Rust" {
        // Defined by embassy-executor, which keeps it for timer queues that also see the wakers
        // of other executors.
        fn __try_embassy_time_queue_item_from_waker(
            waker: &Waker,
        ) -> Option<&'static mut TimerQueueItem>;
    }
    // SAFETY: the signature is the one that embassy-executor defines; the mutable reference is
    // turned into a shared one at once, and this queue makes no other.
    unsafe { __try_embassy_time_queue_item_from_waker(waker) }.map(|item| &*item)
}

#[cfg(test)]
mod tests;
