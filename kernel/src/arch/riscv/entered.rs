//! The state at entry, saved by the entry code.

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::riscv::Mode;

use crate::firmware::TableKind;

/// The alignment of a device tree, in bytes.
const DEVICE_TREE_ALIGNMENT: usize = 8;

/// The state at entry, in the layout of `entry.S`.
#[repr(C)]
struct Entered {
    /// 1 in M mode, 0 in S mode.
    machine_mode: usize,
    /// The ID of the hart.
    hart: usize,
    /// The address of the device tree from the loader.
    device_tree: usize,
}

unsafe extern "C" {
    // Written by the entry code before any Rust code runs.
    safe static __entered: Entered;
}

/// Returns the kernel's privilege mode.
#[inline]
pub(super) fn mode() -> Mode {
    if __entered.machine_mode == 0 {
        Mode::Supervisor
    } else {
        Mode::Machine
    }
}

/// Returns the ID of the current hart.
pub(super) fn hart() -> usize {
    __entered.hart
}

/// Returns the address of the device tree, if there is one.
pub(super) fn device_tree() -> Option<PhysicalAddress> {
    checked(__entered.device_tree)
}

/// The kind of table that loaders pass.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree { or_tags: false };

/// Returns the address of the device tree from the registers a0 to a3 at entry, if there is one.
/// SBI firmware (2.0, chapter 4) and emulators without firmware pass it in a1.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    checked(arguments[1])
}

fn checked(address: usize) -> Option<PhysicalAddress> {
    let is_one = address != 0 && address.is_multiple_of(DEVICE_TREE_ALIGNMENT);
    is_one.then_some(PhysicalAddress(address as u64))
}
