//! The heap: a two-level segregated fit allocator (TLSF) without headers.
//!
//! The caller that frees a block states its layout, so a used block needs no description, and
//! aligned blocks can follow each other. Free blocks are in lists by size (`free`); a bit for each
//! 32 bytes (16 on a 32-bit processor) tells whether the neighbours of a block are free (`region`).
//!
//! Sizes are rounded up by at most a sixteenth (an eighth on a microcontroller), to the smallest size
//! of a list. So every block of the list fits, and allocating and freeing take constant time. There are
//! two exceptions once memory runs out: an alignment of more than 32 bytes (16 on a 32-bit processor),
//! and on a microcontroller a size of more than 15 KiB. Then all free blocks that may be large enough are
//! searched. So a freed block can always be allocated again with the same layout, even if the rest of the
//! heap is in use.

use core::alloc::Layout;
use core::cell::RefCell;
use core::ptr::NonNull;

mod free;
mod region;

use critical_section::Mutex;
use free::{FreeBlocks, GRANULE, Granule};
use region::Region;
use vmos_drivers::address::Range;
use vmos_drivers::counts::report;

/// The current use of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Allocated bytes, as requested, without the allocator's own overhead.
    pub bytes: usize,
    /// The highest value of `bytes` so far.
    pub peak_bytes: usize,
    /// The current number of allocations.
    pub allocations: usize,
    /// The number of failed allocations.
    pub failures: usize,
}

vmos_drivers::counted!(Usage {
    bytes,
    peak_bytes,
    allocations,
    failures,
});

struct Heap {
    regions: Option<&'static mut Region>,
    free: FreeBlocks,
    usage: Usage,
    #[cfg(feature = "virtio-balloon")]
    relief: Option<Relief>,
}

/// Frees memory because an allocation of this many bytes has failed; returns whether it has freed any.
#[cfg(feature = "virtio-balloon")]
type Relief = fn(usize) -> bool;

static HEAP: Mutex<RefCell<Heap>> = Mutex::new(RefCell::new(Heap {
    regions: None,
    free: FreeBlocks::new(),
    usage: Usage {
        bytes: 0,
        peak_bytes: 0,
        allocations: 0,
        failures: 0,
    },
    #[cfg(feature = "virtio-balloon")]
    relief: None,
}));

impl Heap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let size = free::rounded(granules(layout));
        let align = layout.align().div_ceil(GRANULE);
        let mut found = self.free.find(size, align, 1);
        if found.is_none() {
            let mut next = &mut self.regions;
            while let Some(region) = next {
                if let Some(block) = region.extend(&mut self.free, size, align) {
                    return Some(block.cast());
                }
                next = &mut region.next;
            }
            found = self.free.find(size, align, usize::MAX);
        }
        let (block, gap) = found?;
        let (region, index) = region_of(&mut self.regions, block)?;
        // SAFETY: the block is free and large enough.
        Some(unsafe { region.take(&mut self.free, index, gap, size) }.cast())
    }

    /// # Safety
    ///
    /// `block` must come from [`allocate`](Self::allocate) with this layout.
    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) {
        let size = free::rounded(granules(layout));
        if let Some((region, index)) = region_of(&mut self.regions, block.cast()) {
            // SAFETY: the caller's guarantee.
            unsafe { region.free(&mut self.free, index, size) };
        }
    }
}

/// Returns the region that contains `block`, and the number of granules in front of it there.
fn region_of<'a>(
    mut regions: &'a mut Option<&'static mut Region>,
    block: NonNull<Granule>,
) -> Option<(&'a mut Region, usize)> {
    while let Some(region) = regions {
        if let Some(index) = region.index(block) {
            return Some((region, index));
        }
        regions = &mut region.next;
    }
    None
}

/// Returns the number of granules for `layout`, at least one.
fn granules(layout: Layout) -> usize {
    layout.size().max(1).div_ceil(GRANULE)
}

/// Adds `range` to the heap, and returns how many bytes of it can be allocated.
///
/// # Safety
///
/// `range` must be RAM that nothing else uses, now or later.
pub(crate) unsafe fn add(range: Range) -> usize {
    // SAFETY: the caller gives up the range.
    let Some(region) = (unsafe { Region::new(range) }) else {
        return 0;
    };
    critical_section::with(|cs| {
        let heap = &mut *HEAP.borrow_ref_mut(cs);
        let size = region.bytes();
        region.next = heap.regions.take();
        heap.regions = Some(region);
        size
    })
}

/// Sets what frees memory when an allocation fails.
#[cfg(feature = "virtio-balloon")]
pub(crate) fn on_failure(relief: Relief) {
    critical_section::with(|cs| HEAP.borrow_ref_mut(cs).relief = Some(relief));
}

/// Returns the size of the heap in bytes.
#[cfg(feature = "virtio-balloon")]
pub(crate) fn size() -> usize {
    critical_section::with(|cs| {
        let heap = &*HEAP.borrow_ref(cs);
        let mut next = &heap.regions;
        let mut size = 0;
        while let Some(region) = next {
            size += region.bytes();
            next = &region.next;
        }
        size
    })
}

/// Allocates memory for `layout`; returns null if there is no block of this size.
pub(crate) fn allocate(layout: Layout) -> *mut u8 {
    if let Some(block) = take(layout).or_else(|| take_relieved(layout)) {
        return block.as_ptr();
    }
    let failures = critical_section::with(|cs| {
        let usage = &mut HEAP.borrow_ref_mut(cs).usage;
        usage.failures += 1;
        usage.failures
    });
    report("heap allocations failed", failures as u64);
    core::ptr::null_mut()
}

fn take(layout: Layout) -> Option<NonNull<u8>> {
    critical_section::with(|cs| {
        let heap = &mut *HEAP.borrow_ref_mut(cs);
        let block = heap.allocate(layout)?;
        heap.usage.allocations += 1;
        heap.usage.bytes += layout.size();
        heap.usage.peak_bytes = heap.usage.peak_bytes.max(heap.usage.bytes);
        Some(block)
    })
}

/// Has memory [freed](on_failure) and tries again, until that succeeds or no more can be freed.
#[cfg(feature = "virtio-balloon")]
#[cold]
fn take_relieved(layout: Layout) -> Option<NonNull<u8>> {
    let relief = critical_section::with(|cs| HEAP.borrow_ref(cs).relief)?;
    while relief(layout.size()) {
        if let Some(block) = take(layout) {
            return Some(block);
        }
    }
    None
}

#[cfg(not(feature = "virtio-balloon"))]
const fn take_relieved(_: Layout) -> Option<NonNull<u8>> {
    None
}

/// Frees memory from [`allocate`].
///
/// # Safety
///
/// `block` must come from [`allocate`] with the same `layout`, and must not have been freed.
pub(crate) unsafe fn deallocate(block: NonNull<u8>, layout: Layout) {
    critical_section::with(|cs| {
        let heap = &mut *HEAP.borrow_ref_mut(cs);
        // SAFETY: the caller's guarantee.
        unsafe { heap.free(block, layout) };
        heap.usage.allocations -= 1;
        heap.usage.bytes -= layout.size();
    });
}

/// Returns the current use.
pub(crate) fn usage() -> Usage {
    critical_section::with(|cs| HEAP.borrow_ref(cs).usage)
}

#[cfg(target_os = "none")]
mod global {
    //! Makes the heap the global allocator of `alloc`.

    use core::alloc::{GlobalAlloc, Layout};
    use core::ptr::NonNull;

    struct KernelHeap;

    #[global_allocator]
    static GLOBAL: KernelHeap = KernelHeap;

    // SAFETY: the heap allocates each block only once until it is freed, and neither function
    // unwinds.
    unsafe impl GlobalAlloc for KernelHeap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            super::allocate(layout)
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            if let Some(block) = NonNull::new(block) {
                // SAFETY: the caller frees a block from `alloc` with the same layout.
                unsafe { super::deallocate(block, layout) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
