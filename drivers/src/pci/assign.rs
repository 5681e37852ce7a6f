//! Allocation of BARs in the board's windows.

use crate::address::{PhysicalAddress, Range};

/// A window, allocated from its start.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// The first free address and the last address of the window; `None` if the window is full.
    left: Option<(u64, u64)>,
}

impl Pool {
    /// Creates a pool from the part of `window` that the processor can address.
    pub(super) fn new(window: Option<Range>) -> Self {
        let left = window.filter(|window| window.size > 0).and_then(|window| {
            let first = window.base.0.max(1);
            let last = (window.base.0 + (window.size - 1)).min(usize::MAX as u64);
            (first <= last).then_some((first, last))
        });
        Self { left }
    }

    /// Allocates `size` bytes, a power of two, at a multiple of `size`.
    pub(super) fn take(&mut self, size: u64) -> Option<PhysicalAddress> {
        let (next, end) = self.left?;
        let base = aligned(next, size)?;
        let last = base.checked_add(size - 1).filter(|last| *last <= end)?;
        self.left = last
            .checked_add(1)
            .map(|next| (next, end))
            .filter(|(next, end)| next <= end);
        Some(PhysicalAddress(base))
    }

    /// Skips to the next multiple of `align`, a power of two, and returns it; `None` if the window
    /// ends before.
    #[inline(never)]
    pub(super) fn skip_to(&mut self, align: u64) -> Option<u64> {
        let (next, end) = self.left?;
        let aligned = aligned(next, align).filter(|aligned| *aligned <= end);
        self.left = aligned.map(|aligned| (aligned, end));
        aligned
    }

    /// Returns the next free address, or the end of the window.
    pub(super) fn position(&self, window: Option<Range>) -> u64 {
        match (self.left, window) {
            (Some((next, _)), _) => next,
            (None, Some(window)) => window.base.0.saturating_add(window.size),
            (None, None) => 0,
        }
    }
}

/// Rounds up to a multiple of `alignment`, a power of two.
fn aligned(address: u64, alignment: u64) -> Option<u64> {
    let mask = alignment - 1;
    Some(address.checked_add(mask)? & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(base: u64, size: u64) -> Pool {
        Pool::new(Some(Range {
            base: PhysicalAddress(base),
            size,
        }))
    }

    #[test]
    fn allocations_are_aligned_to_their_size() {
        let mut pool = pool(0x1000_0000, 0x1_0000);
        assert_eq!(pool.take(0x1000), Some(PhysicalAddress(0x1000_0000)));
        assert_eq!(pool.take(0x4000), Some(PhysicalAddress(0x1000_4000)));
        assert_eq!(pool.take(0x1000), Some(PhysicalAddress(0x1000_8000)));
    }

    #[test]
    fn a_full_window_allocates_nothing() {
        let mut pool = pool(0x1000, 0x2000);
        assert_eq!(pool.take(0x2000), None);
        assert_eq!(pool.take(0x1000), Some(PhysicalAddress(0x1000)));
        assert_eq!(pool.take(0x1000), Some(PhysicalAddress(0x2000)));
        assert_eq!(pool.take(16), None);
    }

    #[test]
    fn a_window_may_end_with_the_last_address() {
        let mut pool = pool(u64::MAX - 0xfff, 0x1000);
        assert_eq!(pool.take(0x1000).is_some(), usize::BITS == 64);
        assert_eq!(pool.take(16), None);
    }

    #[test]
    fn address_zero_is_never_allocated() {
        assert_eq!(pool(0, 0x1000).take(0x100), Some(PhysicalAddress(0x100)));
    }
}
