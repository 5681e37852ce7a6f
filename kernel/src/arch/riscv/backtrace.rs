//! Who called whom.

use core::arch::asm;
use core::ptr::with_exposed_provenance;

use crate::image;

use super::super::frames::{self, Layout};

/// The record is just below where a frame pointer points (RISC-V ELF psABI 1.1, section 3.2), and
/// the shortest call has two bytes.
const LAYOUT: Layout = Layout {
    below: 2 * size_of::<usize>(),
    ..Layout::record_at_frame_pointer(16, 2)
};

/// The frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mv {0}, s0", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Visits the addresses of the calls that led to the frame at `from`, innermost first. Never
/// faults: a frame that is not on a stack, or not above the one before, ends the walk.
pub fn backtrace(from: usize, visit: impl FnMut(usize)) {
    let stacks = [image::stack(), image::emergency_stack()];
    // A frame pointer is just above its record, so it may be the end of the stack.
    let holds = |stack: &core::ops::Range<usize>| stack.start < from && from <= stack.end;
    let Some(stack) = stacks.into_iter().find(holds) else {
        return;
    };
    let read = |address: usize| {
        // SAFETY: the walk reads aligned words on the stack, which is always mapped.
        unsafe { with_exposed_provenance::<usize>(address).read_volatile() }
    };
    frames::walk(LAYOUT, from, &stack, read, visit);
}
