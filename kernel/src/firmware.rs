//! The table that the loader leaves, of whichever kind: how much RAM there is, what of it is taken,
//! and the command line. Which kind depends on the processor, so an image has the code for one.

use core::ptr::with_exposed_provenance;

use crate::arch;
use crate::attestation::acpi;
use crate::device_tree::{DeviceTree, Unusable};
use crate::memory::range_set::{RangeSet, TooManyRanges};
use crate::start_info::{PhysicalMemory, StartInfo};

/// Which table loaders leave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    DeviceTree,
    /// PVH.
    StartInfo,
}

/// What a loader has left.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    DeviceTree(DeviceTree<'static>),
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
        match arch::FIRMWARE_TABLE {
            TableKind::StartInfo => Ok(StartInfo::read(&Low, address).map(Self::StartInfo)),
            TableKind::DeviceTree => {
                // SAFETY: the loader gave the address, and what is there is carved out of the heap.
                let tree = unsafe { DeviceTree::at(address) }?;
                Ok(Some(Self::DeviceTree(tree)))
            }
        }
    }

    /// The device tree, if it is one. That it is none where no loader leaves one is known when this
    /// is compiled; so it is with the start info.
    pub(crate) fn device_tree(&self) -> Option<DeviceTree<'static>> {
        match *self {
            Self::DeviceTree(tree) if arch::FIRMWARE_TABLE == TableKind::DeviceTree => Some(tree),
            _ => None,
        }
    }

    /// The start info, if it is one.
    pub(crate) fn start_info(&self) -> Option<StartInfo> {
        match *self {
            Self::StartInfo(info) if arch::FIRMWARE_TABLE == TableKind::StartInfo => Some(info),
            _ => None,
        }
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
        let of_tree = self.device_tree().map(|tree| tree.command_line());
        let line = of_tree.or_else(|| self.start_info().map(|info| info.command_line()));
        line.unwrap_or_default()
    }

    /// The tables of ACPI, if the loader tells where they begin.
    pub(crate) fn acpi(&self) -> Option<acpi::Tables> {
        let root = self.start_info()?.acpi_root()?;
        Some(acpi::Tables::read(&Low, root))
    }

    /// The RAM in the machine.
    pub(crate) fn ram(&self) -> Result<RangeSet, TooManyRanges> {
        let mut ram = RangeSet::new();
        if let Some(tree) = self.device_tree() {
            tree.ram().try_for_each(|range| ram.add(range))?;
        }
        if let Some(info) = self.start_info() {
            ram = info.ram()?;
        }
        Ok(ram)
    }

    /// Takes the table itself, and what it says is taken, out of `free`.
    pub(crate) fn carve(&self, free: &mut RangeSet) -> Result<(), TooManyRanges> {
        if let Some(tree) = self.device_tree() {
            free.remove(tree.range())?;
            tree.reserved(|range| free.remove(range))?;
        }
        if let Some(info) = self.start_info() {
            info.carve(free)?;
        }
        Ok(())
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
