//! A set of addresses, as a small number of disjoint ranges. It needs no heap, because it is used
//! to build the heap.

use vmos_drivers::address::{PhysicalAddress, Range};

use crate::arch;

/// The largest number of ranges. Removing a range adds at most one, and a machine has few of
/// either.
const CAPACITY: usize = if arch::IS_MICROCONTROLLER { 8 } else { 32 };

/// The error for a set with too many ranges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooManyRanges;

/// A set of addresses.
#[derive(Clone)]
pub(crate) struct RangeSet {
    ranges: [Range; CAPACITY],
    len: usize,
}

impl RangeSet {
    pub(crate) const fn new() -> Self {
        let empty = Range {
            base: PhysicalAddress(0),
            size: 0,
        };
        Self {
            ranges: [empty; CAPACITY],
            len: 0,
        }
    }

    /// Returns the ranges, in the order they were added.
    pub(crate) fn as_slice(&self) -> &[Range] {
        &self.ranges[..self.len]
    }

    /// Adds `range`, merged with the ranges that it overlaps or touches. Ignores an empty range.
    #[inline(never)]
    pub(crate) fn add(&mut self, mut range: Range) -> Result<(), TooManyRanges> {
        if range.size == 0 {
            return Ok(());
        }
        let mut len = 0;
        for index in 0..self.len {
            let other = self.ranges[index];
            let (above, below) = (offset(range, other), offset(other, range));
            if above <= range.size {
                range.size = range.size.max(above.saturating_add(other.size));
            } else if below <= other.size {
                range.size = other.size.max(below.saturating_add(range.size));
                range.base = other.base;
            } else {
                self.ranges[len] = other;
                len += 1;
            }
        }
        *self.ranges.get_mut(len).ok_or(TooManyRanges)? = range;
        self.len = len + 1;
        Ok(())
    }

    /// Removes every address of `hole`.
    #[inline(never)]
    pub(crate) fn remove(&mut self, hole: Range) -> Result<(), TooManyRanges> {
        let Some((from, to)) = ends(hole) else {
            return Ok(());
        };
        // The ranges do not overlap, so at most one is split in two.
        let mut above = None;
        let mut len = 0;
        for index in 0..self.len {
            let range = self.ranges[index];
            let Some((first, last)) = ends(range) else {
                continue;
            };
            let is_apart = to < first || last < from;
            if !is_apart && to < last {
                let rest = between(to + 1, last);
                if first >= from {
                    self.ranges[len] = rest;
                    len += 1;
                    continue;
                }
                above = Some(rest);
            }
            if is_apart || first < from {
                self.ranges[len] = if is_apart {
                    range
                } else {
                    between(first, from - 1)
                };
                len += 1;
            }
        }
        if let Some(rest) = above {
            *self.ranges.get_mut(len).ok_or(TooManyRanges)? = rest;
            len += 1;
        }
        self.len = len;
        Ok(())
    }

    /// Shrinks every range to whole blocks of `alignment` bytes, a power of two.
    pub(crate) fn align(&mut self, alignment: u64) {
        let mask = alignment - 1;
        let mut len = 0;
        for index in 0..self.len {
            let Range { base, size } = self.ranges[index];
            let before = base.0.wrapping_neg() & mask;
            let whole = size.saturating_sub(before) & !mask;
            if whole > 0 {
                self.ranges[len] = Range {
                    base: PhysicalAddress(base.0 + before),
                    size: whole,
                };
                len += 1;
            }
        }
        self.len = len;
    }

    /// Removes `size` bytes from the end of the lowest range of at least this size, and returns
    /// them; `None` if there is none. Low memory is preferred because a loader has mapped it.
    #[inline(never)]
    pub(crate) fn take(&mut self, size: u64) -> Option<Range> {
        let lowest = self.ranges[..self.len]
            .iter_mut()
            .filter(|range| range.size >= size)
            .min_by_key(|range| range.base)?;
        lowest.size -= size;
        Some(Range {
            base: PhysicalAddress(lowest.base.0 + lowest.size),
            size,
        })
    }
}

/// Returns the distance from the start of one range to the start of another. If the other is below,
/// the distance wraps around and exceeds the length of any range.
fn offset(from: Range, to: Range) -> u64 {
    to.base.0.wrapping_sub(from.base.0)
}

/// Returns the first and the last address, because the end of a range may be 2^64; `None` if it is
/// empty.
fn ends(range: Range) -> Option<(u64, u64)> {
    let last = range.size.checked_sub(1)?;
    Some((range.base.0, range.base.0.saturating_add(last)))
}

/// Returns the range from `first` to `last`, inclusive.
fn between(first: u64, last: u64) -> Range {
    Range {
        base: PhysicalAddress(first),
        size: (last - first).saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn range(base: u64, size: u64) -> Range {
        Range {
            base: PhysicalAddress(base),
            size,
        }
    }

    fn set(ranges: &[(u64, u64)]) -> RangeSet {
        let mut set = RangeSet::new();
        for &(base, size) in ranges {
            set.add(range(base, size)).expect("few ranges");
        }
        set
    }

    fn pairs(set: &RangeSet) -> Vec<(u64, u64)> {
        set.as_slice()
            .iter()
            .map(|range| (range.base.0, range.size))
            .collect()
    }

    #[test]
    fn ranges_that_touch_or_overlap_are_one() {
        let touching = set(&[(0x3000, 0x1000), (0x1000, 0x1000), (0x2000, 0x1000)]);
        assert_eq!(pairs(&touching), [(0x1000, 0x3000)]);
        let overlapping = set(&[(0x1000, 0x2000), (0x8000, 0x1000), (0x2000, 0x2000)]);
        assert_eq!(pairs(&overlapping), [(0x8000, 0x1000), (0x1000, 0x3000)]);
    }

    #[test]
    fn a_hole_in_the_middle_leaves_both_ends() {
        let mut set = set(&[(0x1000, 0x1000)]);
        set.remove(range(0x1400, 0x200)).expect("few ranges");
        assert_eq!(pairs(&set), [(0x1000, 0x400), (0x1600, 0xA00)]);
    }

    #[test]
    fn a_hole_in_one_range_leaves_the_others() {
        let mut set = set(&[(0x1000, 0x1000), (0x4000, 0x1000), (0x8000, 0x1000)]);
        set.remove(range(0x1400, 0x200)).expect("few ranges");
        let expected = [
            (0x1000, 0x400),
            (0x4000, 0x1000),
            (0x8000, 0x1000),
            (0x1600, 0xA00),
        ];
        assert_eq!(pairs(&set), expected);
    }

    #[test]
    fn a_hole_over_several_ranges_takes_from_each() {
        let mut set = set(&[(0x8000, 0x1000), (0x4000, 0x1000), (0x1000, 0x1000)]);
        set.remove(range(0x1800, 0x7000)).expect("few ranges");
        assert_eq!(pairs(&set), [(0x8800, 0x800), (0x1000, 0x800)]);
    }

    #[test]
    fn a_hole_over_everything_leaves_nothing() {
        let mut set = set(&[(0x1000, 0x1000), (0x4000, 0x1000)]);
        set.remove(range(0, 0x10000)).expect("few ranges");
        assert_eq!(pairs(&set), []);
    }

    #[test]
    fn a_hole_outside_changes_nothing() {
        let mut set = set(&[(0x1000, 0x1000)]);
        set.remove(range(0x2000, 0x1000)).expect("few ranges");
        assert_eq!(pairs(&set), [(0x1000, 0x1000)]);
    }

    #[test]
    fn the_last_address_of_all_can_be_in_a_set() {
        let mut set = set(&[(u64::MAX - 0xFFF, 0x1000)]);
        set.remove(range(u64::MAX - 0xFFF, 0x800))
            .expect("few ranges");
        assert_eq!(pairs(&set), [(u64::MAX - 0x7FF, 0x800)]);
    }

    #[test]
    fn aligning_keeps_whole_blocks_only() {
        let mut set = set(&[(0x1001, 0x1FFF), (0x5001, 0x10)]);
        set.align(0x1000);
        assert_eq!(pairs(&set), [(0x2000, 0x1000)]);
    }

    #[test]
    fn taking_comes_from_the_end_of_the_lowest_that_is_large_enough() {
        let mut set = set(&[(0x8000, 0x3000), (0x4000, 0x2000), (0x1000, 0x800)]);
        assert_eq!(set.take(0x1000), Some(range(0x5000, 0x1000)));
        assert_eq!(set.take(0x10000), None);
        assert_eq!(
            pairs(&set),
            [(0x8000, 0x3000), (0x4000, 0x1000), (0x1000, 0x800)]
        );
    }

    #[test]
    fn too_many_pieces_are_an_error() {
        let mut set = set(&[(0, 0x10_0000)]);
        let result = (0..40).try_for_each(|n| set.remove(range(n * 0x1000 + 0x800, 0x10)));
        assert_eq!(result, Err(TooManyRanges));
    }
}
