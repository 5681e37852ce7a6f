//! The task that waits at a queue.

use core::cell::Cell;
use core::task::Waker;

/// The waker of the task that waits at a queue, if any.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Cell<Option<Waker>>,
}

impl Sleeper {
    /// Makes the task of `waker` the one that waits.
    #[inline]
    pub(super) fn sleep(&self, waker: &Waker) {
        self.waker.set(Some(waker.clone()));
    }

    /// Wakes the task that waits.
    #[inline]
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
