//! Walks the chain of calls.

use core::arch::asm;
use core::ops::Range;
use core::ptr::with_exposed_provenance;

use crate::image;

use super::super::frames::{self, Layout};

/// System V ABI, AMD64 supplement, section 3.2.2: rbp points to the caller's rbp, and the return
/// address is above it. Call instructions vary in length; the byte before the return address is
/// always the last one.
const LAYOUT: Layout = Layout::record_at_frame_pointer(8, 1);

/// Returns the frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> usize {
    let pointer: usize;
    // SAFETY: only reads a register.
    unsafe { asm!("mov {0}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Visits the call addresses that led to the frame at `from`, innermost first. Never faults: the
/// walk ends at a frame that is not on a stack or not above the previous one.
pub fn backtrace(from: usize, visit: impl FnMut(usize)) {
    if let Some(stack) = stack_of(from) {
        frames::walk(LAYOUT, from, &stack, read, visit);
    }
}

/// Returns the stack that contains `address`.
fn stack_of(address: usize) -> Option<Range<usize>> {
    let stacks = [image::stack(), image::emergency_stack()];
    stacks.into_iter().find(|stack| stack.contains(&address))
}

/// Reads the word at `address`, if that is on a stack.
pub(super) fn word_on_stack(address: usize) -> Option<usize> {
    let is_word = address.is_multiple_of(size_of::<usize>());
    stack_of(address).filter(|_| is_word)?;
    Some(read(address))
}

fn read(address: usize) -> usize {
    // SAFETY: an aligned word on a stack, which is always mapped.
    unsafe { with_exposed_provenance::<usize>(address).read_volatile() }
}
