//! The stack's own timeouts, apart from those of its protocols.
//!
//! They are few and short-lived (one for each ping under way), so that a plain list does.

use alloc::vec::Vec;
use core::task::Waker;

use crate::time::NEVER;

/// Times at which somebody wants to be woken.
#[derive(Default)]
pub(super) struct Alarms {
    pending: Vec<(u64, Waker)>,
}

impl Alarms {
    /// Wakes `waker` once `deadline` has come, in nanoseconds. False where memory for that is out.
    #[must_use]
    pub(super) fn set(&mut self, deadline: u64, waker: &Waker) -> bool {
        let known = |(at, kept): &(u64, Waker)| *at == deadline && kept.will_wake(waker);
        if self.pending.iter().any(known) {
            return true;
        }
        if self.pending.try_reserve(1).is_err() {
            return false;
        }
        self.pending.push((deadline, waker.clone()));
        true
    }

    /// Forgets one alarm at `deadline`, so that what ended early leaves no wake-up behind.
    pub(super) fn cancel(&mut self, deadline: u64) {
        if let Some(index) = self.pending.iter().position(|(at, _)| *at == deadline) {
            self.pending.swap_remove(index);
        }
    }

    /// Wakes all whose time has come.
    pub(super) fn expire(&mut self, now: u64) {
        self.pending.retain(|(deadline, waker)| {
            let due = *deadline <= now;
            if due {
                waker.wake_by_ref();
            }
            !due
        });
    }

    /// The earliest deadline, in nanoseconds; [`NEVER`] where there is none.
    pub(super) fn next(&self) -> u64 {
        let deadlines = self.pending.iter().map(|(deadline, _)| *deadline);
        deadlines.min().unwrap_or(NEVER)
    }
}
