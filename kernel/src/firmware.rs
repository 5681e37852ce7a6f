//! The table that the loader leaves, of whichever kind: how much RAM there is, what of it is taken,
//! and the command line.

use core::ptr::with_exposed_provenance;

use vmos_drivers::address::PhysicalAddress;

use crate::arch;
use crate::device_tree::{DeviceTree, Unusable};
use crate::memory::range_set::{RangeSet, TooManyRanges};
use crate::start_info::{PhysicalMemory, StartInfo};

/// What a loader has left.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    /// A device tree.
    DeviceTree(DeviceTree<'static>),
    /// A PVH start info.
    StartInfo(StartInfo),
}

impl Table {
    /// The table that the kernel's arguments lead to, if any.
    ///
    /// # Errors
    ///
    /// What they lead to is no such table.
    pub(crate) fn find(arguments: [usize; 4]) -> Result<Option<Self>, Unusable> {
        let Some(address) = arch::firmware_table(arguments) else {
            return Ok(None);
        };
        if let Some(info) = StartInfo::read(&Low, address) {
            return Ok(Some(Self::StartInfo(info)));
        }
        // SAFETY: the loader gave the address, and what is there is carved out of the heap.
        let tree = unsafe { DeviceTree::at(address) }?;
        Ok(Some(Self::DeviceTree(tree)))
    }

    /// What it is called.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::DeviceTree(_) => "the device tree",
            Self::StartInfo(_) => "the loader's start info",
        }
    }

    /// The command line, empty where there is none.
    pub(crate) fn command_line(&self) -> &'static str {
        match self {
            Self::DeviceTree(tree) => tree.command_line(),
            Self::StartInfo(info) => info.command_line(),
        }
    }

    /// Where firmware's own tables begin (the root pointer of ACPI), if it is told.
    pub(crate) fn acpi_root(&self) -> Option<PhysicalAddress> {
        match self {
            Self::DeviceTree(_) => None,
            Self::StartInfo(info) => info.acpi_root(),
        }
    }

    /// The RAM in the machine.
    pub(crate) fn ram(&self) -> Result<RangeSet, TooManyRanges> {
        match self {
            Self::DeviceTree(tree) => {
                let mut ram = RangeSet::new();
                tree.ram().try_for_each(|range| ram.add(range))?;
                Ok(ram)
            }
            Self::StartInfo(info) => info.ram(),
        }
    }

    /// Takes the table itself, and what it says is taken, out of `free`.
    pub(crate) fn carve(&self, free: &mut RangeSet) -> Result<(), TooManyRanges> {
        match self {
            Self::DeviceTree(tree) => {
                free.remove(tree.range())?;
                tree.reserved().try_for_each(|range| free.remove(range))
            }
            Self::StartInfo(info) => info.carve(free),
        }
    }
}

/// Memory below 4 GiB, which the kernel can read from its first instruction on.
struct Low;

impl PhysicalMemory for Low {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        let is_low = address != 0 && address < (1 << 32) - size as u64;
        if size == 0 || !is_low {
            return &[];
        }
        // SAFETY: the loader gave the address, a board has mapped it or needs no map, and what is
        // kept of this is carved out of the heap.
        unsafe { core::slice::from_raw_parts(with_exposed_provenance(address as usize), size) }
    }
}
