//! Where the memory of each kind is: a memory protection unit has few regions, so one covers all memory
//! with the same access.

use core::ops::Range;

use super::super::{Access, Mapping};

/// The private peripherals from here on, such as the unit itself, are not subject to it (Arm DDI 0403,
/// section B3.1; Arm DDI 0553, section B8.2).
const PRIVATE_PERIPHERALS: u64 = 0xe000_0000;

/// The smallest range that contains all memory of a kind, for each kind; empty if there is none.
#[derive(Default)]
pub(super) struct Extents {
    pub(super) code: Range<u64>,
    pub(super) constants: Range<u64>,
    pub(super) data: Range<u64>,
    pub(super) devices: Range<u64>,
}

impl Extents {
    /// Returns the extents of `mappings`, each of which is at its own address.
    pub(super) fn of(mappings: impl IntoIterator<Item = Mapping>) -> Self {
        let mut extents = Self::default();
        for mapping in mappings {
            let range = match mapping.access {
                Access::None => continue,
                Access::Code => &mut extents.code,
                Access::ReadOnly => &mut extents.constants,
                Access::Data => &mut extents.data,
                Access::Device if mapping.range.base.0 >= PRIVATE_PERIPHERALS => continue,
                Access::Device => &mut extents.devices,
            };
            let start = mapping.range.base.0;
            let end = start + mapping.range.size;
            *range = if range.is_empty() {
                start..end
            } else {
                range.start.min(start)..range.end.max(end)
            };
        }
        extents
    }
}
