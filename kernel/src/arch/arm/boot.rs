//! The arguments from the loader.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// The alignment of a device tree, in bytes; that of a tagged list is less.
const DEVICE_TREE_ALIGNMENT: u64 = 8;

/// The kind of table that loaders pass.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree { or_tags: true };

/// Returns the address of the device tree or tagged list from the registers r0 to r3 at entry, if
/// there is one. The Linux boot protocol passes it in r2.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    let address = arguments[2] as u64;
    (address != 0 && address.is_multiple_of(DEVICE_TREE_ALIGNMENT))
        .then_some(PhysicalAddress(address))
}
