//! The arguments from the loader.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// The alignment of a device tree, in bytes.
const DEVICE_TREE_ALIGNMENT: u64 = 8;

/// The kind of table that loaders pass.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree { or_tags: false };

/// Returns the address of the device tree from the registers x0 to x3 at entry, if there is one.
/// The Linux boot protocol passes it in x0.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    let address = arguments[0] as u64;
    (address != 0 && address.is_multiple_of(DEVICE_TREE_ALIGNMENT))
        .then_some(PhysicalAddress(address))
}
