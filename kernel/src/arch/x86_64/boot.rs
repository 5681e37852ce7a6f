//! What the loader leaves behind.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// What a loader leaves.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::StartInfo;

/// Where the loader's table is, by what the entry hands over: `ebx`, where the PVH protocol puts the
/// address of its start info. What else is in a register does not tell one protocol from another.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    let address = arguments[0] as u64;
    (address != 0).then_some(PhysicalAddress(address))
}
