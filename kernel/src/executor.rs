//! Tasks: embassy's raw executor, polled by the event loop.
//!
//! A wake-up puts a task on the executor's queue and sets one flag. The loop never sleeps while the
//! flag is set, and nothing but the loop and what it calls can set it, so a wake-up cannot be lost
//! between the check and the sleep.

use core::sync::atomic::{AtomicBool, Ordering};

use alloc::boxed::Box;
use embassy_executor::Spawner;
use embassy_executor::raw;

/// Whether a task is ready to run.
static READY: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    READY.store(true, Ordering::Relaxed);
}

/// The executor of the kernel's tasks.
pub(crate) struct Executor {
    raw: &'static raw::Executor,
}

impl Executor {
    /// A new executor, which lives for as long as the kernel.
    pub(crate) fn new() -> Self {
        Self {
            raw: Box::leak(Box::new(raw::Executor::new(core::ptr::null_mut()))),
        }
    }

    pub(crate) fn spawner(&self) -> Spawner {
        self.raw.spawner()
    }

    /// Whether a task is ready to run.
    pub(crate) fn has_ready(&self) -> bool {
        READY.load(Ordering::Relaxed)
    }

    /// Runs each task that is ready now, once. Tasks that become ready meanwhile wait for the next
    /// turn, so that a task which wakes itself shares the loop with everything else.
    pub(crate) fn run_ready(&mut self) -> bool {
        if !READY.load(Ordering::Relaxed) {
            return false;
        }
        READY.store(false, Ordering::Relaxed);
        // SAFETY: only this calls `poll`, and it borrows the executor mutably, so not reentrantly.
        unsafe { self.raw.poll() };
        true
    }
}
