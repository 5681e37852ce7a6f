//! Simulated harts, some of which relay the interrupts of their sockets.

use core::cell::{Cell, RefCell};
use std::vec::Vec;

use crate::riscv::{Hart, Local, LocalInterrupts, Mode, Pending, Relay};

/// The state of the harts.
#[derive(Default)]
pub(crate) struct Harts {
    pub(crate) pending: Cell<Pending>,
    pub(crate) raised: Cell<bool>,
    pub(crate) started: RefCell<Vec<usize>>,
    pub(crate) rearmed: RefCell<Vec<usize>>,
    pub(crate) external: Cell<bool>,
    /// A hart that cannot be started.
    pub(crate) missing: Cell<Option<usize>>,
    /// The hart that runs the kernel.
    pub(crate) kernel: Cell<usize>,
    /// Whether the kernel runs in M mode, and not in S mode.
    pub(crate) without_firmware: Cell<bool>,
    /// Whether the software interrupt of the kernel's hart is enabled.
    pub(crate) listening: Cell<bool>,
}

std::thread_local! {
    pub(crate) static HARTS: Harts = Harts::default();
}

/// The hart that runs the kernel.
#[derive(Default)]
pub(crate) struct Fake;

impl Hart for Fake {
    fn id(&self) -> usize {
        HARTS.with(|harts| harts.kernel.get())
    }
    fn mode(&self) -> Mode {
        match HARTS.with(|harts| harts.without_firmware.get()) {
            true => Mode::Machine,
            false => Mode::Supervisor,
        }
    }
}

impl LocalInterrupts for Fake {
    fn enable(&mut self, interrupt: Local, on: bool) {
        if interrupt == Local::External {
            HARTS.with(|harts| harts.external.set(on));
        }
    }
    fn pending(&self) -> Pending {
        HARTS.with(|harts| harts.pending.get())
    }
}

impl Relay for Fake {
    fn start(&mut self, hart: usize) -> bool {
        HARTS.with(|harts| {
            harts.started.borrow_mut().push(hart);
            harts.missing.get() != Some(hart)
        })
    }
    fn rearm(&mut self, hart: usize) {
        HARTS.with(|harts| harts.rearmed.borrow_mut().push(hart));
    }
    fn listen(&mut self) {
        HARTS.with(|harts| harts.listening.set(true));
    }
    fn is_raised(&self) -> bool {
        HARTS.with(|harts| harts.raised.get())
    }
    fn clear(&mut self) {
        HARTS.with(|harts| harts.raised.set(false));
    }
}
