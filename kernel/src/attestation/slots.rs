//! Collects the nodes of a series of equal slots.

/// A series of slots, from its nodes in any order.
#[derive(Clone, Copy, Default)]
pub(super) struct Slots {
    lowest: Option<(u64, Option<u32>)>,
    /// The second lowest address of a slot.
    second: Option<u64>,
    count: u32,
}

impl Slots {
    /// Adds the slot whose registers start at `base`.
    pub(super) fn add(&mut self, base: u64, interrupt: Option<u32>) {
        self.count = self.count.saturating_add(1);
        match self.lowest {
            Some((lowest, _)) if lowest <= base => {
                self.second = Some(self.second.map_or(base, |second| second.min(base)));
            }
            lowest => {
                self.second = lowest.map(|(base, _)| base);
                self.lowest = Some((base, interrupt));
            }
        }
    }

    /// Returns the address of slot 0.
    pub(super) fn base(&self) -> Option<u64> {
        self.lowest.map(|(base, _)| base)
    }

    /// Returns the distance between slots, if there are at least two.
    pub(super) fn stride(&self) -> Option<u64> {
        Some(self.second? - self.base()?)
    }

    /// Returns the number of slots.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Returns the interrupt of slot 0.
    pub(super) fn interrupt(&self) -> Option<u32> {
        self.lowest?.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(slots: &[(u64, u32)]) -> Slots {
        let mut row = Slots::default();
        for &(base, interrupt) in slots {
            row.add(base, Some(interrupt));
        }
        row
    }

    fn told(row: Slots) -> (Option<u64>, Option<u64>, u32, Option<u32>) {
        (row.base(), row.stride(), row.count(), row.interrupt())
    }

    #[test]
    fn the_order_of_the_nodes_does_not_matter() {
        let expected = (Some(0x1000), Some(0x200), 3, Some(1));
        assert_eq!(
            told(row(&[(0x1000, 1), (0x1200, 2), (0x1400, 3)])),
            expected
        );
        assert_eq!(
            told(row(&[(0x1400, 3), (0x1200, 2), (0x1000, 1)])),
            expected
        );
        assert_eq!(
            told(row(&[(0x1400, 3), (0x1000, 1), (0x1200, 2)])),
            expected
        );
    }

    #[test]
    fn one_slot_has_no_stride() {
        assert_eq!(told(row(&[(0x1000, 1)])), (Some(0x1000), None, 1, Some(1)));
    }
}
