//! The queue of deadlines: a binary heap with at most one entry for each task.
//!
//! Inserting, moving and removing a deadline takes logarithmic time in the number of waiting tasks.
//! A task that polls several timers has one entry, with the earliest deadline: when it fires, the
//! task is polled and inserts the others again. Without this, a server with a timeout around each
//! datagram would leave one stale entry per datagram.
//!
//! The position of a task's entry is stored in the task, in the space that embassy-executor
//! reserves for timer queues. Wakers of other executors have no such space, so they may have
//! several entries.

use alloc::vec::Vec;
use core::task::Waker;

use embassy_executor_timer_queue::TimerQueueItem;

struct Entry {
    deadline: u64,
    waker: Waker,
}

/// Deadlines, and the wakers to call when they expire.
pub(crate) struct DeadlineQueue {
    /// A binary min-heap on `deadline`.
    heap: Vec<Entry>,
}

impl DeadlineQueue {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new() }
    }

    /// Calls `waker` once `deadline` has passed, or earlier if its task has an earlier deadline.
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

    /// Removes one entry whose deadline is not after `now`, and returns the waker to call.
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

    /// Returns the earliest deadline.
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

/// The position of a task's entry, counted from 1; 0 if it has none, as in a new task.
#[repr(transparent)]
struct Place(usize);

/// Returns the position stored in the task of `waker`; `None` if the waker is not a task of
/// embassy's executor.
fn place_of(waker: &Waker) -> Option<usize> {
    // SAFETY: only this queue uses the item, which contains nothing but a `Place`, and the
    // reference is dropped at the end of this expression.
    unsafe { item(waker)?.as_ref::<Place>() }.0.into()
}

fn set_place(waker: &Waker, place: usize) {
    if let Some(item) = item(waker) {
        // SAFETY: as above, and the caller borrows the queue mutably.
        unsafe { item.as_mut::<Place>() }.0 = place;
    }
}

fn item(waker: &Waker) -> Option<&'static TimerQueueItem> {
    unsafe extern "Rust" {
        // Defined by embassy-executor for timer queues that also handle wakers of other executors.
        fn __try_embassy_time_queue_item_from_waker(
            waker: &Waker,
        ) -> Option<&'static mut TimerQueueItem>;
    }
    // SAFETY: the signature is that of embassy-executor. The mutable reference is immediately
    // converted to a shared one, and this queue creates no other.
    unsafe { __try_embassy_time_queue_item_from_waker(waker) }.map(|item| &*item)
}

#[cfg(test)]
mod tests;
