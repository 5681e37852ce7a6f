//! The heap: a two-level segregated fit (TLSF) allocator. Allocating and freeing take constant
//! time.
//!
//! A freed block can always be allocated again with the same layout, even if the rest of the heap
//! is in use. TLSF only searches size classes whose blocks are all large enough. A freed block of
//! the requested size is found only if it has the smallest size of its class, so every block gets
//! such a size ([`layout::rounded`]). A block with a larger alignment than the allocator's own has
//! the same size at any address ([`layout::with_room_to_align`]).

use core::alloc::Layout;
use core::cell::RefCell;
use core::ptr::NonNull;

mod layout;

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
        let rounded = layout::with_room_to_align(layout).and_then(layout::rounded);
        let Some(block) = rounded.and_then(|rounded| heap.tlsf.allocate(rounded)) else {
            heap.usage.failures += 1;
            return Err(heap.usage.failures);
        };
        heap.usage.allocations += 1;
        heap.usage.bytes += layout.size();
        heap.usage.peak_bytes = heap.usage.peak_bytes.max(heap.usage.bytes);
        // SAFETY: the block has room to align `layout`.
        Ok(unsafe { layout::align(block, layout) }.as_ptr())
    });
    allocated.unwrap_or_else(|failures| {
        report("heap allocations failed", failures as u64);
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
        // SAFETY: the block comes from `allocate` with this layout.
        let block = unsafe { layout::unaligned(block, layout) };
        // SAFETY: the caller's guarantee; every block was allocated with this alignment.
        unsafe { heap.tlsf.deallocate(block, layout::ALIGNMENT) };
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
