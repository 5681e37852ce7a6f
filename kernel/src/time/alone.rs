//! Tests that use the deadlines run one after the other, since all tests of a process share them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{NEVER, set_watch};

static ALONE: Mutex<()> = Mutex::new(());

/// The use of the deadlines by one test. They are as before when it ends.
pub(crate) struct Alone {
    _lock: MutexGuard<'static, ()>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        set_watch(NEVER);
    }
}

/// Waits until no other test uses the deadlines.
pub(crate) fn alone() -> Alone {
    // A test that failed has changed nothing that lasts.
    let lock = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Alone { _lock: lock }
}
