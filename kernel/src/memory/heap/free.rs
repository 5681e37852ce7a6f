//! Lists of the free blocks, one for each class of sizes.

use core::ptr::NonNull;

use crate::arch;

/// The unit of memory. A free block describes itself in its first and last granule, which may be
/// the same one.
#[repr(C)]
pub(super) struct Granule {
    next: Option<NonNull<Granule>>,
    previous: Option<NonNull<Granule>>,
    /// The size of the block that starts here, in granules.
    size: usize,
    /// The size of the block that ends here, in granules.
    size_at_end: usize,
}

/// The size of a granule in bytes, and the alignment of every block.
pub(super) const GRANULE: usize = size_of::<Granule>();
/// The binary logarithm of the number of classes between two powers of two. A microcontroller has so
/// little memory that the lists themselves count.
const LOG_PARTS: u32 = if arch::IS_MICROCONTROLLER { 3 } else { 4 };
/// The number of classes: enough for blocks of up to 2^39 bytes on a 64-bit processor, and for all
/// on a 32-bit one. A microcontroller has classes for blocks of up to 15 KiB. Larger blocks are in the last
/// class.
const CLASSES: usize = match usize::BITS {
    _ if arch::IS_MICROCONTROLLER => 64,
    64 => 512,
    _ => 416,
};
const WORD: usize = usize::BITS as usize;

/// Returns the binary logarithm of the size of the classes near `size` granules.
#[inline(never)]
const fn log_part(size: usize) -> u32 {
    (size | 1 << LOG_PARTS).ilog2() - LOG_PARTS
}

/// Returns the class of blocks of `size` granules. Sizes below 32 have a class each; further classes
/// divide the sizes between two powers of two into 16 equal parts. On a microcontroller, these numbers
/// are 16 and 8.
#[inline(never)]
const fn class(size: usize) -> usize {
    let log = log_part(size);
    let class = ((log as usize) << LOG_PARTS) + (size >> log);
    if class < CLASSES { class } else { CLASSES - 1 }
}

/// Returns the smallest size of a class that is at least `size` granules.
pub(super) const fn rounded(size: usize) -> usize {
    let below = (1 << log_part(size)) - 1;
    (size + below) & !below
}

pub(super) struct FreeBlocks {
    first: [Option<NonNull<Granule>>; CLASSES],
    /// A bit for each class, which is set if its list is not empty.
    filled: [usize; CLASSES / WORD],
    /// A bit for each word of `filled`, which is set if the word is not 0.
    words: usize,
}

// SAFETY: the lists own the blocks in them.
unsafe impl Send for FreeBlocks {}

impl FreeBlocks {
    pub(super) const fn new() -> Self {
        Self {
            first: [None; CLASSES],
            filled: [0; CLASSES / WORD],
            words: 0,
        }
    }

    /// Returns the first class from `class` on whose list is not empty.
    fn next_filled(&self, class: usize) -> Option<usize> {
        let mut word = class / WORD;
        let mut bits = self.filled.get(word)? & (usize::MAX << (class % WORD));
        if bits == 0 {
            word = (self.words & (usize::MAX << (word + 1))).trailing_zeros() as usize;
            bits = *self.filled.get(word)?;
        }
        Some(word * WORD + bits.trailing_zeros() as usize)
    }

    /// Returns a block that has `size` granules from a multiple of `align` granules on, and how
    /// many granules are in front of these. Looks at no more than `limit` blocks of each list.
    #[inline(never)]
    pub(super) fn find(
        &self,
        size: usize,
        align: usize,
        limit: usize,
    ) -> Option<(NonNull<Granule>, usize)> {
        let mut from = class(size);
        while let Some(class) = self.next_filled(from) {
            let mut next = self.first[class];
            let mut left = limit;
            while let (Some(block), 1..) = (next, left) {
                let gap = gap(block, align);
                // SAFETY: the lists hold free blocks, which describe themselves.
                let found = unsafe { block.as_ref() };
                if found.size >= gap.saturating_add(size) {
                    return Some((block, gap));
                }
                next = found.next;
                left -= 1;
            }
            from = class + 1;
        }
        None
    }

    /// Adds the `size` granules at `block`.
    ///
    /// # Safety
    ///
    /// The granules must belong to the heap, and must not be in use.
    pub(super) unsafe fn insert(&mut self, block: NonNull<Granule>, size: usize) {
        let class = class(size);
        let next = self.first[class].replace(block);
        self.filled[class / WORD] |= 1 << (class % WORD);
        self.words |= 1 << (class / WORD);
        if let Some(next) = next {
            // SAFETY: the lists hold free blocks.
            unsafe { (*next.as_ptr()).previous = Some(block) };
        }
        let first = Granule {
            next,
            previous: None,
            size,
            size_at_end: size,
        };
        // SAFETY: the caller gives the granules away.
        unsafe { block.write(first) };
        // SAFETY: as above; this is the last of them.
        let last = unsafe { block.add(size - 1) };
        // SAFETY: as above.
        unsafe { (*last.as_ptr()).size_at_end = size };
    }

    /// Removes `block`, and returns its size in granules.
    ///
    /// # Safety
    ///
    /// The block must be in the lists.
    pub(super) unsafe fn remove(&mut self, block: NonNull<Granule>) -> usize {
        // SAFETY: the lists hold free blocks, which describe themselves.
        let Granule {
            next,
            previous,
            size,
            ..
        } = unsafe { block.read() };
        if let Some(next) = next {
            // SAFETY: as above.
            unsafe { (*next.as_ptr()).previous = previous };
        }
        if let Some(previous) = previous {
            // SAFETY: as above.
            unsafe { (*previous.as_ptr()).next = next };
        } else {
            let class = class(size);
            self.first[class] = next;
            if next.is_none() {
                self.filled[class / WORD] &= !(1 << (class % WORD));
                if self.filled[class / WORD] == 0 {
                    self.words &= !(1 << (class / WORD));
                }
            }
        }
        size
    }
}

/// Returns how many granules lie between `block` and the next multiple of `align` granules.
pub(super) fn gap(block: NonNull<Granule>, align: usize) -> usize {
    (block.addr().get() / GRANULE).wrapping_neg() & (align - 1)
}

/// Returns the size in granules of the free block whose last granule is `last`.
///
/// # Safety
///
/// A free block must end there.
pub(super) unsafe fn size_of_block_before(last: NonNull<Granule>) -> usize {
    // SAFETY: the caller's guarantee.
    unsafe { (*last.as_ptr()).size_at_end }
}
