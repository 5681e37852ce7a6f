//! How much of the heap a memory balloon may give to the host, and how the heap gets it back.

use vmos_drivers::virtio::balloon::Balloon;

use crate::driver_cell::DriverCell;
use crate::machine::Transport;

/// The driver, shared by the event loop and the handles.
pub(crate) type Shared = DriverCell<Balloon<Transport>>;

#[cfg(target_os = "none")]
pub(super) use on_a_board::{relieve_by, spare};

/// The host never gets one of so many bytes of the heap.
#[cfg(target_os = "none")]
const KEPT_SHARE: usize = 8;

/// The smallest part of the heap that the host never gets, in bytes.
#[cfg(target_os = "none")]
const KEPT_LEAST: usize = 2 << 20;

#[cfg(target_os = "none")]
mod on_a_board {
    use core::cell::Cell;

    use critical_section::Mutex;

    use super::{KEPT_LEAST, KEPT_SHARE, Shared};
    use crate::memory::heap;

    /// The driver, for the heap.
    #[derive(Clone, Copy)]
    struct Reserve(&'static Shared);

    // SAFETY: the kernel runs in one context, which is the only one that uses the driver.
    unsafe impl Send for Reserve {}

    static RESERVE: Mutex<Cell<Option<Reserve>>> = Mutex::new(Cell::new(None));

    /// Returns how many bytes the host can be given now.
    pub(crate) fn spare() -> usize {
        let size = heap::size();
        let kept = (size / KEPT_SHARE).max(KEPT_LEAST);
        size.saturating_sub(heap::usage().bytes)
            .saturating_sub(kept)
    }

    /// Makes the heap take pages back from the balloon when an allocation fails.
    pub(crate) fn relieve_by(driver: &'static Shared) {
        critical_section::with(|cs| RESERVE.borrow(cs).set(Some(Reserve(driver))));
        heap::on_failure(|bytes| {
            let reserve = critical_section::with(|cs| RESERVE.borrow(cs).get());
            let driver = reserve.and_then(|Reserve(driver)| driver.try_borrow_mut());
            driver.is_some_and(|mut driver| driver.relieve(bytes))
        });
    }
}

/// On a host, the heap is that of the process, which the host manages.
#[cfg(not(target_os = "none"))]
pub(super) const fn spare() -> usize {
    0
}

#[cfg(not(target_os = "none"))]
pub(super) const fn relieve_by(_: &'static Shared) {}
