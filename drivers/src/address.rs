//! Physical addresses, and ranges of them.
//!
//! VMOS maps memory one to one, so a physical address is also the address that the processor and
//! the devices use.

use core::fmt;

/// A physical address, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysicalAddress(pub u64);

impl fmt::Debug for PhysicalAddress {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for PhysicalAddress {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A half-open range of physical addresses. `base + size` never exceeds 2^64: the generator checks
/// ranges in board files, and [`Range::new`] checks ranges found at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The first address in the range.
    pub base: PhysicalAddress,
    /// The length of the range in bytes.
    pub size: u64,
}

impl Range {
    /// Returns the range of `size` bytes at `base`, or `None` if it would exceed the address space.
    #[must_use]
    pub const fn new(base: PhysicalAddress, size: u64) -> Option<Self> {
        if size > 0 && base.0.checked_add(size - 1).is_none() {
            return None;
        }
        Some(Self { base, size })
    }

    /// Returns whether `inner` lies entirely within this range.
    #[must_use]
    pub const fn contains(&self, inner: &Self) -> bool {
        inner.base.0 >= self.base.0
            && inner.size <= self.size
            && inner.base.0 - self.base.0 <= self.size - inner.size
    }
}
