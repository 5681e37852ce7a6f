//! The heap: a two-level segregated fit (TLSF) allocator. Allocating and freeing take constant
//! time.

use core::alloc::Layout;
use core::cell::RefCell;
use core::ptr::NonNull;

use critical_section::Mutex;
use rlsf::Tlsf;
use vmos_drivers::address::Range;
use vmos_drivers::counts::report;

/// The number of first-level classes: enough for blocks of up to 2^38 bytes on a 64-bit processor
/// and 2^31 on a 32-bit one, more than any board has.
const FIRST_LEVEL: usize = if usize::BITS == 64 { 32 } else { 27 };
/// The number of second-level classes: rounding loses at most 1/16 of an allocation.
const SECOND_LEVEL: usize = 16;

/// The current use of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Allocated bytes, as requested, without the allocator's own overhead.
    pub bytes: usize,
    /// The highest value of `bytes` so far.
    pub peak_bytes: usize,
    /// The current number of allocations.
    pub allocations: usize,
    /// The number of failed requests.
    pub failures: usize,
}

vmos_drivers::counted!(Usage {
    bytes,
    peak_bytes,
    allocations,
    failures,
});

struct Heap {
    tlsf: Tlsf<'static, u32, u16, FIRST_LEVEL, SECOND_LEVEL>,
    usage: Usage,
}

static HEAP: Mutex<RefCell<Heap>> = Mutex::new(RefCell::new(Heap {
    tlsf: Tlsf::new(),
    usage: Usage {
        bytes: 0,
        peak_bytes: 0,
        allocations: 0,
        failures: 0,
    },
}));

/// Adds `range` to the heap, and returns how many bytes of it can be allocated.
///
/// # Safety
///
/// `range` must be RAM that nothing else uses, now or later.
pub(crate) unsafe fn add(range: Range) -> usize {
    let Some(start) = NonNull::new(range.base.0 as *mut u8) else {
        return 0;
    };
    let block = NonNull::slice_from_raw_parts(start, range.size as usize);
    critical_section::with(|cs| {
        // SAFETY: the caller gives up the range.
        unsafe { HEAP.borrow_ref_mut(cs).tlsf.insert_free_block_ptr(block) }
            .map_or(0, |size| size.get())
    })
}

/// Allocates memory for `layout`; returns null if there is no block of this size.
pub(crate) fn allocate(layout: Layout) -> *mut u8 {
    let allocated = critical_section::with(|cs| {
        let heap = &mut *HEAP.borrow_ref_mut(cs);
        let Some(block) = heap.tlsf.allocate(layout) else {
            heap.usage.failures += 1;
            return Err(heap.usage.failures);
        };
        heap.usage.allocations += 1;
        heap.usage.bytes += layout.size();
        heap.usage.peak_bytes = heap.usage.peak_bytes.max(heap.usage.bytes);
        Ok(block.as_ptr())
    });
    allocated.unwrap_or_else(|failures| {
        report("allocations that the heap has no room for", failures as u64);
        core::ptr::null_mut()
    })
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
        unsafe { heap.tlsf.deallocate(block, layout.align()) };
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
mod tests {
    use super::*;
    use std::boxed::Box;
    use vmos_drivers::address::PhysicalAddress;

    /// One test, because there is one heap: allocations are counted, do not overlap, and can be
    /// freed.
    #[test]
    fn allocations_are_counted_and_can_be_freed() {
        let pool: &'static mut [u8] = Box::leak(std::vec![0_u8; 1 << 20].into_boxed_slice());
        let base = PhysicalAddress(pool.as_mut_ptr() as u64);
        // SAFETY: the memory was leaked for this.
        let size = unsafe {
            add(Range {
                base,
                size: pool.len() as u64,
            })
        };
        assert!(size > (1 << 20) - 4096);

        let layout = Layout::from_size_align(1000, 64).expect("a valid layout");
        let (first, second) = (allocate(layout), allocate(layout));
        assert_eq!((first as usize % 64, second as usize % 64), (0, 0));
        assert!(first.addr().abs_diff(second.addr()) >= 1000);
        assert_eq!((usage().bytes, usage().allocations), (2000, 2));

        let too_large = Layout::from_size_align(2 << 20, 64).expect("a valid layout");
        assert!(allocate(too_large).is_null());
        assert_eq!(usage().failures, 1);

        for block in [first, second] {
            let block = NonNull::new(block).expect("it was lent");
            // SAFETY: each block came from `allocate` with this layout and is freed once.
            unsafe { deallocate(block, layout) };
        }
        assert_eq!((usage().bytes, usage().peak_bytes), (0, 2000));
    }
}
