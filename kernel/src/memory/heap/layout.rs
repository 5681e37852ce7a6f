//! The layouts that are requested from the allocator, chosen so that a freed block can be allocated
//! again.

use core::alloc::Layout;
use core::ptr::NonNull;

use rlsf::GRANULARITY;

use super::SECOND_LEVEL;

/// The alignment of every block, in bytes, and the size of the header in front of it.
pub(super) const ALIGNMENT: usize = GRANULARITY / 2;

/// Returns a layout large enough to hold `layout` at any alignment of the block, and the block's
/// address in front of it. A layout that needs no larger alignment than the block's own is returned
/// unchanged.
#[inline]
pub(super) fn with_room_to_align(layout: Layout) -> Option<Layout> {
    if layout.align() <= ALIGNMENT {
        return Some(layout);
    }
    let size = layout.size().checked_add(layout.align())?;
    Layout::from_size_align(size, ALIGNMENT).ok()
}

/// Returns a layout that is large enough for `layout` and has the smallest size of its class: at
/// most a sixteenth more.
#[inline]
pub(super) fn rounded(layout: Layout) -> Option<Layout> {
    let needed = layout.size().checked_add(ALIGNMENT)?.max(GRANULARITY);
    // Classes divide the sizes between two powers of two into equal parts, which are powers of two.
    let class = ((1 << needed.ilog2()) / SECOND_LEVEL).max(GRANULARITY);
    let size = (needed.checked_add(class - 1)? & !(class - 1)) - ALIGNMENT;
    Layout::from_size_align(size, ALIGNMENT).ok()
}

/// Returns the address in `block` at which memory of `layout` starts. If that is not the start of
/// the block, stores the block's address in front of it.
///
/// # Safety
///
/// The block must be as large as [`with_room_to_align`] returns, and must not be in use.
#[inline]
pub(super) unsafe fn align(block: NonNull<u8>, layout: Layout) -> NonNull<u8> {
    if layout.align() <= ALIGNMENT {
        return block;
    }
    // Blocks are aligned to more than a pointer, so there is room for one in front.
    let offset = layout.align() - block.addr().get() % layout.align();
    // SAFETY: the offset is at most the alignment, for which there is room.
    let start = unsafe { block.add(offset) };
    // SAFETY: the offset is at least a block's alignment, which is two pointers.
    let place = unsafe { start.cast::<NonNull<u8>>().sub(1) };
    // SAFETY: the block's memory, which is not used.
    unsafe { place.write(block) };
    start
}

/// Returns the block that contains the memory of `layout` at `start`.
///
/// # Safety
///
/// `start` must come from [`align`] with the same layout.
#[inline]
pub(super) unsafe fn unaligned(start: NonNull<u8>, layout: Layout) -> NonNull<u8> {
    if layout.align() <= ALIGNMENT {
        return start;
    }
    // SAFETY: `align` left room for it there.
    let block = unsafe { start.cast::<NonNull<u8>>().sub(1) };
    // SAFETY: `align` has written it.
    unsafe { block.read() }
}
