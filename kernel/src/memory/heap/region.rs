//! A range of memory that the heap divides into blocks.

use core::ptr::NonNull;

use vmos_drivers::address::Range;

use super::free::{FreeBlocks, GRANULE, Granule, gap, size_of_block_before};

const WORD: usize = usize::BITS as usize;

/// A range of memory. Its first granules hold this description and a bit for each of the others.
pub(super) struct Region {
    pub(super) next: Option<&'static mut Region>,
    first: NonNull<Granule>,
    /// The number of granules from `first` on.
    size: usize,
    /// The number of granules that belong to blocks, used or free. Those behind have never been
    /// used, or are free again.
    top: usize,
    /// A bit for each granule: whether it is the first or the last one of a free block. The memory
    /// may be large, so a word is initialised once blocks need it.
    edges: NonNull<usize>,
    initialised: usize,
}

// SAFETY: a region owns its memory.
unsafe impl Send for Region {}

impl Region {
    /// Makes a region of `range`; `None` if it is too small.
    ///
    /// # Safety
    ///
    /// `range` must be RAM that nothing else uses, now or later.
    pub(super) unsafe fn new(range: Range) -> Option<&'static mut Self> {
        let start = NonNull::new(range.base.0 as *mut Granule)?;
        let gap = start.addr().get().wrapping_neg() % GRANULE;
        let granules = (range.size as usize).checked_sub(gap)? / GRANULE;
        let edges = size_of::<Self>().div_ceil(GRANULE);
        let first = edges + granules.div_ceil(8 * GRANULE);
        let size = granules.checked_sub(first).filter(|&size| size > 0)?;
        // SAFETY: the range has more granules than `first`.
        let start = unsafe { start.byte_add(gap) };
        let region = Self {
            next: None,
            // SAFETY: as above.
            first: unsafe { start.add(first) },
            size,
            top: 0,
            // SAFETY: as above; `edges` is less than `first`.
            edges: unsafe { start.add(edges) }.cast(),
            initialised: 0,
        };
        let place = start.cast::<Self>();
        // SAFETY: the granules in front of `edges` have room for it, and nothing else uses them.
        unsafe { place.write(region) };
        // SAFETY: it was just written, and this is the only reference to it.
        Some(unsafe { &mut *place.as_ptr() })
    }

    /// Returns the number of bytes of all blocks.
    pub(super) const fn bytes(&self) -> usize {
        self.size * GRANULE
    }

    /// Returns the number of granules in front of `block`, if it belongs to this region.
    pub(super) fn index(&self, block: NonNull<Granule>) -> Option<usize> {
        let offset = block.addr().get().wrapping_sub(self.first.addr().get());
        Some(offset / GRANULE).filter(|&index| index < self.top)
    }

    /// Returns the granule `index`, which must be no greater than the number of granules.
    const fn granule(&self, index: usize) -> NonNull<Granule> {
        // SAFETY: the region has these granules.
        unsafe { self.first.add(index) }
    }

    /// Returns the bits of the granules around `index`, and which of them is its own.
    const fn edge(&self, index: usize) -> (NonNull<usize>, usize) {
        // SAFETY: there is a bit for each granule.
        (unsafe { self.edges.add(index / WORD) }, 1 << (index % WORD))
    }

    fn is_edge(&self, index: usize) -> bool {
        if index >= self.top {
            return false;
        }
        let (word, bit) = self.edge(index);
        // SAFETY: words are initialised up to `top`.
        let edges = unsafe { word.read() };
        edges & bit != 0
    }

    fn toggle_edge(&mut self, index: usize) {
        let (mut word, bit) = self.edge(index);
        // SAFETY: words are initialised up to `top`, and only the region refers to them.
        *unsafe { word.as_mut() } ^= bit;
    }

    /// Toggles whether the first and the last granule of a block are edges.
    #[inline(never)]
    fn toggle(&mut self, index: usize, size: usize) {
        self.toggle_edge(index);
        if size > 1 {
            self.toggle_edge(index + size - 1);
        }
    }

    /// Adds the `size` granules from `index` on to `free`.
    ///
    /// # Safety
    ///
    /// They must be below `top` and not in use.
    #[inline(never)]
    unsafe fn insert(&mut self, free: &mut FreeBlocks, index: usize, size: usize) {
        if size > 0 {
            self.toggle(index, size);
            // SAFETY: the caller's guarantee.
            unsafe { free.insert(self.granule(index), size) };
        }
    }

    /// Removes the block at `index` from `free`, and returns its size in granules.
    ///
    /// # Safety
    ///
    /// A free block must start there.
    #[inline(never)]
    unsafe fn remove(&mut self, free: &mut FreeBlocks, index: usize) -> usize {
        // SAFETY: the caller's guarantee.
        let size = unsafe { free.remove(self.granule(index)) };
        self.toggle(index, size);
        size
    }

    /// Returns `size` granules of the free block at `index`, `gap` granules behind its start. The
    /// rest stays free.
    ///
    /// # Safety
    ///
    /// A free block of at least `gap + size` granules must start there.
    pub(super) unsafe fn take(
        &mut self,
        free: &mut FreeBlocks,
        index: usize,
        gap: usize,
        size: usize,
    ) -> NonNull<Granule> {
        let start = index + gap;
        // SAFETY: the caller's guarantee.
        let all = unsafe { self.remove(free, index) };
        // SAFETY: the block was removed; this is its part in front of `start`.
        unsafe { self.insert(free, index, gap) };
        // SAFETY: as above; this is the part behind.
        unsafe { self.insert(free, start + size, all - gap - size) };
        self.granule(start)
    }

    /// Returns `size` granules at a multiple of `align` granules, from the memory above all blocks.
    pub(super) fn extend(
        &mut self,
        free: &mut FreeBlocks,
        size: usize,
        align: usize,
    ) -> Option<NonNull<Granule>> {
        let top = self.top;
        let gap = gap(self.granule(top), align);
        let start = top.checked_add(gap)?;
        let end = start.checked_add(size).filter(|&end| end <= self.size)?;
        self.top = end;
        while self.initialised < end.div_ceil(WORD) {
            let (word, _) = self.edge(self.initialised * WORD);
            // SAFETY: nothing else refers to the word.
            unsafe { word.write(0) };
            self.initialised += 1;
        }
        // SAFETY: nothing used the granules above the top.
        unsafe { self.insert(free, top, gap) };
        Some(self.granule(start))
    }

    /// Frees the `size` granules from `index` on, together with the free blocks on both sides.
    ///
    /// # Safety
    ///
    /// They must be a block from [`take`](Self::take) or [`extend`](Self::extend).
    pub(super) unsafe fn free(&mut self, free: &mut FreeBlocks, mut index: usize, mut size: usize) {
        if self.is_edge(index + size) {
            // SAFETY: the block behind is free, since its first granule is an edge.
            size += unsafe { self.remove(free, index + size) };
        }
        if index > 0 && self.is_edge(index - 1) {
            // SAFETY: the block in front is free, since its last granule is an edge.
            index -= unsafe { size_of_block_before(self.granule(index - 1)) };
            // SAFETY: as above; this is its first granule.
            size += unsafe { self.remove(free, index) };
        }
        if index + size == self.top {
            self.top = index;
        } else {
            // SAFETY: nothing uses them any more.
            unsafe { self.insert(free, index, size) };
        }
    }
}
