//! Memory: found at boot, carved, and fed to a constant-time allocator.
//!
//! The description says where RAM begins and what lies elsewhere; the firmware's tables say how
//! much RAM there is (`discovery`). What the image, the stack, the firmware's tables and the
//! description's reserved ranges take is carved out (`range_set`), and the rest is the heap
//! (`heap`).

pub(crate) mod discovery;
pub(crate) mod heap;
pub(crate) mod range_set;

use alloc::vec::Vec;

use vmos_drivers::address::Range;

/// What the kernel found of memory at boot, and what is in use now.
#[derive(Clone, Debug)]
pub struct Memory {
    pub(crate) ram: Vec<Range>,
    pub(crate) unreachable: u64,
    pub(crate) image: Range,
    pub(crate) heap_size: u64,
}

impl Memory {
    /// The ranges of RAM in the machine that the processor addresses, ascending.
    #[must_use]
    pub fn ram(&self) -> &[Range] {
        &self.ram
    }

    /// How much RAM the machine has, in bytes, with what is out of reach.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ram.iter().map(|range| range.size).sum::<u64>() + self.unreachable
    }

    /// How much of it the processor cannot address, in bytes: what a 32-bit one has above 4 GiB.
    #[must_use]
    pub fn unreachable(&self) -> u64 {
        self.unreachable
    }

    /// Where the kernel's own image and stack lie.
    #[must_use]
    pub fn image(&self) -> Range {
        self.image
    }

    /// How much RAM is the heap's, in bytes.
    #[must_use]
    pub fn heap_size(&self) -> u64 {
        self.heap_size
    }

    /// What the heap has lent at this moment.
    #[must_use]
    pub fn heap_usage(&self) -> Usage {
        heap::usage()
    }
}

pub use heap::Usage;
