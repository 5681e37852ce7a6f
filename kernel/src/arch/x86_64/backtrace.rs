//! Who called whom.

use core::arch::asm;
use core::ops::Range;
use core::ptr::with_exposed_provenance;

use crate::image;

use super::super::frames::{self, Layout};

/// System V ABI, AMD64 supplement, section 3.2.2: rbp leads to the caller's rbp, with the return
/// address above. A call has no fixed length; the byte before the return address is its last.
const LAYOUT: Layout = Layout::record_at_frame_pointer(8, 1);

/// The frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {0}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Visits the addresses of the calls that led to the frame at `from`, innermost first. Never
/// faults: a frame that is not on a stack, or not above the one before, ends the walk.
pub fn backtrace(from: usize, visit: impl FnMut(usize)) {
    if let Some(stack) = stack_of(from) {
        frames::walk(LAYOUT, from, &stack, read, visit);
    }
}

/// The stack that holds `address`.
fn stack_of(address: usize) -> Option<Range<usize>> {
    let stacks = [image::stack(), image::emergency_stack()];
    stacks.into_iter().find(|stack| stack.contains(&address))
}

/// The word at `address`, where that is on a stack.
pub(super) fn word_on_stack(address: usize) -> Option<usize> {
    let is_word = address.is_multiple_of(size_of::<usize>());
    stack_of(address).filter(|_| is_word)?;
    Some(read(address))
}

fn read(address: usize) -> usize {
    // SAFETY: an aligned word on a stack, which is always mapped.
    unsafe { with_exposed_provenance::<usize>(address).read_volatile() }
}
