//! Walks the chain of calls.

use core::arch::asm;
use core::ptr::with_exposed_provenance;

use crate::image;

use super::super::frames::{self, Layout};

/// The frame record is directly below the frame pointer (RISC-V ELF psABI 1.1, section 3.2), and
/// the shortest call instruction has two bytes.
const LAYOUT: Layout = Layout {
    below: 2 * size_of::<usize>(),
    ..Layout::record_at_frame_pointer(16, 2)
};

/// Returns the frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> usize {
    let pointer: usize;
    // SAFETY: only reads a register.
    unsafe { asm!("mv {0}, s0", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Visits the call addresses that led to the frame at `from`, innermost first. Never faults: the
/// walk ends at a frame that is not on a stack or not above the previous one.
pub fn backtrace(from: usize, visit: impl FnMut(usize)) {
    let stacks = [image::stack(), image::emergency_stack()];
    // A frame pointer is just above its record, so it may equal the end of the stack.
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
