//! What the loader leaves behind.

use vmos_drivers::address::PhysicalAddress;

use crate::firmware::TableKind;

/// The header of a device tree is aligned to this many bytes.
const DEVICE_TREE_ALIGNMENT: u64 = 8;

/// What a loader leaves.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree;

/// Where the device tree is, by the registers r0 to r3 that the kernel was entered with (the Linux
/// boot protocol puts it into r2), if anywhere.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    let address = arguments[2] as u64;
    (address != 0 && address.is_multiple_of(DEVICE_TREE_ALIGNMENT))
        .then_some(PhysicalAddress(address))
}
