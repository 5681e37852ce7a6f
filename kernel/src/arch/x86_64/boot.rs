//! The arguments from the loader.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// The kind of table that loaders pass.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::StartInfo;

/// Returns the address of the loader's table: `ebx`, in which the PVH protocol passes its start
/// info. The other registers do not identify the protocol.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    let address = arguments[0] as u64;
    (address != 0).then_some(PhysicalAddress(address))
}
