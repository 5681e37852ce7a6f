//! Data for debuggers: `vmos queues` of `cargo xtask debug` starts here.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::kernel::State;

/// The kernel's state, once it exists.
#[used]
static STATE: AtomicPtr<State> = AtomicPtr::new(ptr::null_mut());

/// Publishes the address of the state for a debugger.
pub(crate) fn show(state: &'static State) {
    STATE.store(ptr::from_ref(state).cast_mut(), Ordering::Relaxed);
}
