//! Pages of memory that are given away.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ptr::NonNull;

use crate::address::PhysicalAddress;

use super::note_leak;

/// The size of a page in bytes, as a memory balloon counts them (virtio 1.2, 5.5).
pub const PAGE: usize = 4096;

/// Consecutive pages of the heap that nothing on this machine reads or writes, so that the host can take
/// them away. They are not initialised and give no access. Dropping them returns them to the heap.
pub struct Pages {
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the pages are owned, and give access to nothing.
unsafe impl Send for Pages {}

impl Pages {
    /// Allocates `count` pages, at least one; `None` if the heap has no such block.
    #[must_use]
    pub fn new(count: usize) -> Option<Self> {
        let size = count.max(1).checked_mul(PAGE)?;
        let layout = Layout::from_size_align(size, PAGE).ok()?;
        // SAFETY: the layout's size is not zero.
        let memory = NonNull::new(unsafe { alloc(layout) })?;
        Some(Self { memory, layout })
    }

    /// Returns the number of pages.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.layout.size() / PAGE
    }

    /// Returns the address of the first page.
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.memory.as_ptr().expose_provenance() as u64)
    }

    /// Returns the number of the first page: its address in pages.
    #[must_use]
    pub fn first_page(&self) -> u64 {
        self.address().0 / PAGE as u64
    }

    /// Leaks the pages, because the host may still take them away.
    pub fn leak(self) {
        note_leak(self.layout.size());
        core::mem::forget(self);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the memory was allocated with this layout, and is freed once.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_aligned_and_consecutive() {
        let pages = Pages::new(3).expect("there is memory");
        assert_eq!(pages.count(), 3);
        assert!(pages.address().0.is_multiple_of(PAGE as u64));
        assert!(Pages::new(usize::MAX / 2).is_none());
    }
}
