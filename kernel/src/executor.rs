//! Tasks: embassy's raw executor, polled by the event loop.
//!
//! A wake-up puts a task on the executor's queue and sets one flag. The loop never sleeps while the
//! flag is set, and nothing but the loop and what it calls can set it, so a wake-up cannot be lost
//! between the check and the sleep.

use core::sync::atomic::{AtomicBool, Ordering};

use alloc::boxed::Box;
use embassy_executor::Spawner;
use embassy_executor::raw;

/// Notes that a task is ready to run.
#[unsafe(export_name = "__pender")]
fn pender(context: *mut ()) {
    // SAFETY: the context of each executor is its flag, which lives for ever.
    let ready = unsafe { &*context.cast::<AtomicBool>() };
    ready.store(true, Ordering::Relaxed);
}

/// The executor of the kernel's tasks.
pub(crate) struct Executor {
    raw: &'static raw::Executor,
    /// Whether a task is ready to run.
    ready: &'static AtomicBool,
}

impl Executor {
    /// A new executor, which lives for as long as the kernel.
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

    /// Whether a task is ready to run.
    pub(crate) fn has_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Runs each task that is ready now, once. Tasks that become ready meanwhile wait for the next
    /// turn, so that a task which wakes itself shares the loop with everything else.
    pub(crate) fn run_ready(&mut self) {
        self.ready.store(false, Ordering::Relaxed);
        // SAFETY: only this calls `poll`, and it borrows the executor mutably, so not reentrantly.
        unsafe { self.raw.poll() };
    }
}
