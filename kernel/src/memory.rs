//! Memory: discovery at boot, reserved ranges, and a constant-time allocator.
//!
//! The board file states where RAM starts and what else uses the address space; firmware's tables
//! state the amount of RAM (`discovery`). The ranges of the image, the stack, firmware's tables and
//! the board file's reserved memory are removed (`range_set`), and the rest is the heap (`heap`).

pub(crate) mod discovery;
pub(crate) mod heap;
pub(crate) mod range_set;

use alloc::vec::Vec;

use vmos_drivers::address::Range;

/// The memory found at boot, and the current use of the heap.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let memory = kernel.memory();
/// let free = memory.heap_size() - memory.heap_usage().bytes as u64;
/// vmos::println!("{} KiB of RAM, {} KiB of heap are free", memory.total() >> 10, free >> 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    pub(crate) ram: Vec<Range>,
    pub(crate) unreachable: u64,
    pub(crate) image: Range,
    pub(crate) heap_size: u64,
}

impl Memory {
    /// Returns the ranges of RAM that the processor can address, ascending.
    #[must_use]
    pub fn ram(&self) -> &[Range] {
        &self.ram
    }

    /// Returns the total RAM in bytes, including RAM that the processor cannot address.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ram.iter().map(|range| range.size).sum::<u64>() + self.unreachable
    }

    /// Returns how much RAM the processor cannot address, in bytes: for example, RAM above 4 GiB on
    /// a 32-bit processor.
    #[must_use]
    pub fn unreachable(&self) -> u64 {
        self.unreachable
    }

    /// Returns the range of the kernel's image and stack.
    #[must_use]
    pub fn image(&self) -> Range {
        self.image
    }

    /// Returns the size of the heap, in bytes.
    #[must_use]
    pub fn heap_size(&self) -> u64 {
        self.heap_size
    }

    /// Returns the current use of the heap.
    #[must_use]
    pub fn heap_usage(&self) -> Usage {
        #[cfg(target_os = "none")]
        return heap::usage();
        #[cfg(not(target_os = "none"))]
        return crate::machine::heap_usage();
    }
}

pub use heap::Usage;
