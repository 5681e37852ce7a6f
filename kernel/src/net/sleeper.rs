//! The task that waits at a queue.

use core::cell::Cell;
use core::task::Waker;

/// The task that waits at a queue, if one does.
///
/// Its waker stays: a server is the same task each time.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Cell<Option<Waker>>,
    asleep: Cell<bool>,
}

impl Sleeper {
    #[inline]
    pub(super) fn sleep(&self, waker: &Waker) {
        let known = self.waker.take().filter(|known| known.will_wake(waker));
        self.waker.set(known.or_else(|| Some(waker.clone())));
        self.asleep.set(true);
    }

    #[inline]
    pub(super) fn wake(&self) {
        if self.asleep.replace(false)
            && let Some(waker) = self.waker.take()
        {
            waker.wake_by_ref();
            self.waker.set(Some(waker));
        }
    }
}
