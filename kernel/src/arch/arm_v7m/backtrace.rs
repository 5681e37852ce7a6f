//! Walks the chain of calls.

use core::arch::asm;
use core::ptr::with_exposed_provenance;

use crate::image;

use super::super::frames::{self, Layout};

/// In Thumb code, r7 points to the caller's r7, followed by the return address. Its lowest bit is
/// set for Thumb, and a call instruction has 2 or 4 bytes.
const LAYOUT: Layout = Layout::record_at_frame_pointer(4, 3);

/// Returns the frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> usize {
    let pointer: usize;
    // SAFETY: only reads a register.
    unsafe { asm!("mov {0}, r7", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Visits the call addresses that led to the frame at `from`, innermost first. Never faults: the
/// walk ends at a frame that is not on a stack or not above the previous one.
pub fn backtrace(from: usize, visit: impl FnMut(usize)) {
    let stacks = [image::stack(), image::emergency_stack()];
    let Some(stack) = stacks.into_iter().find(|stack| stack.contains(&from)) else {
        return;
    };
    let read = |address: usize| {
        // SAFETY: the walk reads aligned words on the stack, which is always mapped.
        unsafe { with_exposed_provenance::<usize>(address).read_volatile() }
    };
    frames::walk(LAYOUT, from, &stack, read, visit);
}
