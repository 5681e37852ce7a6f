//! The number of buffers that exist, for tests of when memory is freed.

use core::cell::Cell;

std::thread_local! {
    static BUFFERS: Cell<usize> = const { Cell::new(0) };
}

/// Returns the number of buffers that this thread has allocated and not freed.
pub(crate) fn count() -> usize {
    BUFFERS.get()
}

pub(super) fn allocated() {
    BUFFERS.set(BUFFERS.get() + 1);
}

pub(super) fn freed() {
    BUFFERS.set(BUFFERS.get().wrapping_sub(1));
}
