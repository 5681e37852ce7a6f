//! Lots of pages: what one request to the device is about, and the lots that the host has.

use alloc::vec::Vec;
use core::ops::Range;

use super::super::queue::Segment;
use super::DEPTH;
use crate::dma::{Buffer, PAGE, Pages};

/// Returns the numbers of `count` pages from `first` on for the device, which have 32 bits; `None` if one
/// of them does not fit, above 16 TiB.
fn numbers(first: u64, count: usize) -> Option<Range<u32>> {
    let end = u32::try_from(first.checked_add(count as u64)?).ok()?;
    Some(u32::try_from(first).ok()?..end)
}

/// Pages that are given and taken back together.
pub(super) struct Lot {
    /// The numbers of the pages, for the device.
    numbers: Buffer,
    /// The pages; `None` once they were taken back and the device was not told yet.
    pub(super) pages: Option<Pages>,
}

impl Lot {
    /// Allocates a lot; `None` if the heap has no such block, or if the device cannot name its pages.
    /// `first_page` returns the number of the first page of a block.
    pub(super) fn new(count: usize, first_page: fn(&Pages) -> u64) -> Option<Self> {
        let mut written = Buffer::new(count * size_of::<u32>()).ok()?;
        let pages = Pages::new(count)?;
        let numbers = numbers(first_page(&pages), count)?;
        for (number, place) in numbers.zip(written.chunks_exact_mut(size_of::<u32>())) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Some(Self {
            numbers: written,
            pages: Some(pages),
        })
    }

    pub(super) const fn count(&self) -> usize {
        self.numbers.len() / size_of::<u32>()
    }

    pub(super) fn segment(&self) -> Segment {
        Segment::readable(self.numbers.address(), self.numbers.len() as u32)
    }

    /// Leaks what the device may still read or take away.
    pub(super) fn leak(mut self) {
        self.numbers.leak();
        if let Some(pages) = self.pages.take() {
            pages.leak();
        }
    }
}

/// The lots that the host has. The driver is asked in every turn of the event loop while the host waits for
/// memory, so the numbers that it needs are kept, not computed.
#[derive(Default)]
pub(super) struct Held {
    pub(super) lots: Vec<Lot>,
    /// The number of pages in all lots.
    pub(super) pages: usize,
    /// The number of lots whose pages are in use again.
    pub(super) used_again: usize,
}

impl Held {
    /// Adds a lot, for which there must be [room](Self::reserve).
    pub(super) fn push(&mut self, lot: Lot) {
        self.pages += lot.count();
        self.lots.push(lot);
    }

    /// Reserves room for all lots in flight. Returns whether there was memory for that.
    pub(super) fn reserve(&mut self) -> bool {
        self.lots.try_reserve(DEPTH.into()).is_ok()
    }

    /// Removes a lot whose pages are in use again; if there is none and `any` is true, the last lot.
    pub(super) fn take(&mut self, any: bool) -> Option<Lot> {
        let index = if self.used_again > 0 {
            self.lots.iter().position(|lot| lot.pages.is_none())?
        } else {
            any.then(|| self.lots.len().checked_sub(1))??
        };
        // Neighbours stay neighbours, so that large blocks can be taken back.
        let lot = self.lots.remove(index);
        self.pages -= lot.count();
        self.used_again -= usize::from(lot.pages.is_none());
        Some(lot)
    }

    /// Returns the pages of the last lots to the heap, until these are more than `bytes`. Returns the number
    /// of pages.
    pub(super) fn free(&mut self, bytes: usize) -> usize {
        let mut freed = 0;
        for lot in self.lots.iter_mut().rev() {
            if freed * PAGE > bytes {
                break;
            }
            if let Some(pages) = lot.pages.take() {
                freed += pages.count();
                self.used_again += 1;
            }
        }
        freed
    }

    /// Leaks what the device may still read or take away.
    pub(super) fn leak(&mut self) {
        core::mem::take(self).lots.into_iter().for_each(Lot::leak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_name_pages_above_16_tib() {
        let most = u64::from(u32::MAX);
        assert_eq!(numbers(5, 2), Some(5..7));
        assert_eq!(numbers(most - 2, 2), Some(u32::MAX - 2..u32::MAX));
        for (first, count) in [(most - 1, 2), (most + 1, 1), (u64::MAX, 1)] {
            assert_eq!(numbers(first, count), None, "{first}");
        }
    }
}
