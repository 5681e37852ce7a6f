//! The processor starts the image itself, so there are no arguments.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// Nothing passes a table.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::None;

/// Returns `None`: nothing passes a table.
#[must_use]
pub fn firmware_table(_arguments: [usize; 4]) -> Option<PhysicalAddress> {
    None
}
