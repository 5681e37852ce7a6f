//! The heap of a process: the host's, with a limit as a machine has one, and with counts. What the
//! devices allocate is theirs, and is not counted.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::alloc::System;

use vmos_drivers::dma::LINE;
use vmos_drivers::hosted;

use crate::memory::Usage;
use crate::net::Net;

/// The limit if the arguments state none: the memory of most boards, in bytes.
pub(super) const DEFAULT_LIMIT: usize = 128 << 20;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);
/// Signed, because devices leave memory to the end of the process, which frees it.
static BYTES: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BUFFERS: AtomicUsize = AtomicUsize::new(0);
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// The global allocator of an app that is a process, which `#[vmos::main]` sets.
#[derive(Debug)]
pub struct ProcessHeap;

// SAFETY: the blocks are the system's; what is counted changes none of them.
unsafe impl GlobalAlloc for ProcessHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's guarantee.
        counted(layout, || unsafe { System.alloc(layout) })
    }

    // The system need not write zeroes to memory that is new to the process.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's guarantee.
        counted(layout, || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantee.
        unsafe { System.dealloc(block, layout) };
        if hosted::is_device() {
            return;
        }
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        ALLOCATIONS.fetch_sub(1, Ordering::Relaxed);
        if is_for_devices(layout) {
            BUFFERS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Returns the block that `allocate` returns, and counts it unless it is for a device; null if it would
/// exceed the limit.
fn counted(layout: Layout, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
    if hosted::is_device() {
        return allocate();
    }
    let size = layout.size() as isize;
    let sum = BYTES.fetch_add(size, Ordering::Relaxed) + size;
    let bytes = usize::try_from(sum).unwrap_or_default();
    let block = match bytes > LIMIT.load(Ordering::Relaxed) {
        true => ptr::null_mut(),
        false => allocate(),
    };
    if block.is_null() {
        BYTES.fetch_sub(size, Ordering::Relaxed);
        FAILURES.fetch_add(1, Ordering::Relaxed);
    } else {
        PEAK.fetch_max(bytes, Ordering::Relaxed);
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        if is_for_devices(layout) {
            BUFFERS.fetch_add(1, Ordering::Relaxed);
        }
    }
    block
}

/// Returns whether a block is memory that devices access: only that begins on a cache line.
const fn is_for_devices(layout: Layout) -> bool {
    layout.align() >= LINE
}

/// Sets the limit, in bytes.
pub(super) fn set_limit(bytes: usize) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Returns the limit, in bytes.
pub(super) fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

fn bytes() -> usize {
    usize::try_from(BYTES.load(Ordering::Relaxed)).unwrap_or_default()
}

/// Returns the current use.
pub(crate) fn usage() -> Usage {
    Usage {
        bytes: bytes(),
        peak_bytes: PEAK.load(Ordering::Relaxed),
        allocations: ALLOCATIONS.load(Ordering::Relaxed),
        failures: FAILURES.load(Ordering::Relaxed),
    }
}

std::thread_local! {
    /// The network of a simulated machine.
    static NET: Cell<Option<Net>> = const { Cell::new(None) };
}

/// Names the network whose unused frames do not count as [in use](in_use).
pub(super) fn leave_out_frames_of(net: Option<Net>) {
    NET.set(net);
}

/// Returns the bytes in use, and the number of blocks that devices access. Unused frames that are kept for
/// later do not count: their number depends on the largest burst so far.
pub(super) fn in_use() -> (u64, u64) {
    let spare = NET.get().map_or((0, 0), |net| {
        let count = net.frames().spare();
        (count * net.frames().frame_bytes(), count)
    });
    let bytes = bytes().saturating_sub(spare.0);
    let buffers = BUFFERS.load(Ordering::Relaxed).saturating_sub(spare.1);
    (bytes as u64, buffers as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_allocates_is_not_the_machines() {
        let layout = Layout::new::<[u64; 100]>();
        let allocate = || {
            // SAFETY: the layout has a size.
            unsafe { ProcessHeap.alloc(layout) }
        };
        let free = |block| {
            // SAFETY: the block has this layout, and nothing uses it.
            unsafe { ProcessHeap.dealloc(block, layout) };
        };
        let before = usage().bytes;
        let block = allocate();
        assert_eq!(usage().bytes, before + layout.size());
        let other = hosted::as_device(allocate);
        assert_eq!(usage().bytes, before + layout.size());
        hosted::as_device(|| free(other));
        free(block);
        assert_eq!(usage().bytes, before);
    }
}
