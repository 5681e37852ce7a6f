//! Collects the nodes of a series of equal slots.

use super::tree::Input;

/// A series of slots, from its nodes in any order.
#[derive(Clone, Copy, Default)]
pub(super) struct Slots {
    lowest: Option<(u64, Option<u32>)>,
    /// The second lowest address of a slot.
    second: Option<u64>,
    count: u32,
    /// The lowest and the highest phandle of the slots' interrupt controllers.
    controllers: Option<(u32, u32)>,
}

impl Slots {
    /// Adds the slot whose registers start at `base`.
    pub(super) fn add(&mut self, base: u64, input: Option<Input>) {
        self.count = self.count.saturating_add(1);
        if let Some(one) = input.and_then(|input| input.controller) {
            let (low, high) = self.controllers.unwrap_or((one, one));
            self.controllers = Some((low.min(one), high.max(one)));
        }
        let interrupt = input.map(|input| input.number);
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

    /// Returns the phandles of interrupt controllers of the slots: the lowest and the highest.
    pub(super) fn controllers(&self) -> [Option<u32>; 2] {
        let (low, high) = self.controllers.unzip();
        [low, high]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(slots: &[(u64, u32)]) -> Slots {
        let mut row = Slots::default();
        for &(base, interrupt) in slots {
            let controller = None;
            let number = interrupt;
            row.add(base, Some(Input { number, controller }));
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
