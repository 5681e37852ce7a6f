//! What the entry has left behind.

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::riscv::Mode;

use crate::firmware::TableKind;

/// The header of a device tree is aligned to this many bytes.
const DEVICE_TREE_ALIGNMENT: usize = 8;

/// How the kernel was entered, as `entry.S` lays it out.
#[repr(C)]
struct Entered {
    /// 1 in M mode, 0 in S mode.
    machine_mode: usize,
    /// The number of the hart.
    hart: usize,
    /// What the loader gave for the address of the device tree.
    device_tree: usize,
}

unsafe extern "C" {
    // Written by the entry before anything here runs.
    safe static __entered: Entered;
}

/// The mode that the kernel runs in.
#[inline]
pub(super) fn mode() -> Mode {
    if __entered.machine_mode == 0 {
        Mode::Supervisor
    } else {
        Mode::Machine
    }
}

/// The number of the hart that runs it.
pub(super) fn hart() -> usize {
    __entered.hart
}

/// Where the device tree is, if anywhere.
pub(super) fn device_tree() -> Option<PhysicalAddress> {
    checked(__entered.device_tree)
}

/// What a loader leaves.
pub(crate) const FIRMWARE_TABLE: TableKind = TableKind::DeviceTree;

/// Where the device tree is, by the registers a0 to a3 that the kernel was entered with (a1 has it,
/// by SBI 2.0, chapter 4, and by what emulators do without firmware), if anywhere.
#[must_use]
pub fn firmware_table(arguments: [usize; 4]) -> Option<PhysicalAddress> {
    checked(arguments[1])
}

fn checked(address: usize) -> Option<PhysicalAddress> {
    let is_one = address != 0 && address.is_multiple_of(DEVICE_TREE_ALIGNMENT);
    is_one.then_some(PhysicalAddress(address as u64))
}
