//! Tasks: embassy's raw executor, polled by the event loop.
//!
//! A wake-up puts a task on the executor's run queue and sets a flag. The loop never sleeps while
//! the flag is set. Only the loop and the code it calls can set it, so no wake-up is lost between
//! the check and the sleep.

use core::sync::atomic::Ordering;

#[cfg(not(vmos_loom))]
use core::sync::atomic::AtomicBool;
#[cfg(vmos_loom)]
use loom::sync::atomic::AtomicBool;

use alloc::boxed::Box;
use embassy_executor::Spawner;
use embassy_executor::raw;

/// The function that embassy calls when a task becomes ready.
#[unsafe(export_name = "__pender")]
fn pender(context: *mut ()) {
    // SAFETY: the context of each executor is its flag, which is never freed.
    let ready = unsafe { &*context.cast::<AtomicBool>() };
    ready.store(true, Ordering::Relaxed);
}

/// The executor of the kernel's tasks.
pub(crate) struct Executor {
    raw: &'static raw::Executor,
    /// Returns whether a task is ready to run.
    ready: &'static AtomicBool,
}

impl Executor {
    /// Creates the executor, which exists as long as the kernel.
    pub(crate) fn new() -> Self {
        let ready: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let context = core::ptr::from_ref(ready).cast_mut().cast();
        Self {
            raw: Box::leak(Box::new(raw::Executor::new(context))),
            ready,
        }
    }

    pub(crate) fn spawner(&self) -> Spawner {
        self.raw.spawner()
    }

    /// Returns whether a task is ready to run.
    pub(crate) fn has_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Polls each task that is ready now, once. Tasks that become ready meanwhile wait for the next
    /// turn, so a task that wakes itself does not block the loop.
    pub(crate) fn run_ready(&mut self) {
        self.ready.store(false, Ordering::Relaxed);
        // SAFETY: `poll` is only called here, with a mutable borrow, so it is not reentrant.
        unsafe { self.raw.poll() };
    }
}
