//! The task that waits at a queue.

use core::task::Waker;

/// The task that waits at a queue, if one does.
///
/// Its waker stays: a server is the same task each time.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Option<Waker>,
    asleep: bool,
}

impl Sleeper {
    #[inline]
    pub(super) fn sleep(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
        self.asleep = true;
    }

    #[inline]
    pub(super) fn wake(&mut self) {
        if self.asleep {
            self.asleep = false;
            if let Some(waker) = &self.waker {
                waker.wake_by_ref();
            }
        }
    }
}
