//! The task that waits at a queue.

use core::cell::Cell;
use core::task::Waker;

/// The task that waits at a queue, if one does.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Cell<Option<Waker>>,
}

impl Sleeper {
    /// The task of `waker` waits from now on, and no other.
    #[inline]
    pub(super) fn sleep(&self, waker: &Waker) {
        self.waker.set(Some(waker.clone()));
    }

    /// Wakes who waits.
    #[inline]
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
