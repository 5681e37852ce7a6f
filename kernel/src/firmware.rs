//! The table that the loader passes: the RAM of the machine, its reserved parts, and the command
//! line. Its kind depends on the processor, so an image contains the code for only one.

use core::fmt;
use core::ptr::with_exposed_provenance;

use crate::arch;
use crate::attestation::acpi;
use crate::device_tree::{DeviceTree, Malformed, Unusable};
use crate::memory::range_set::{RangeSet, TooManyRanges};
use crate::start_info::{PhysicalMemory, StartInfo};
use crate::tags::Tags;

/// The kind of table that loaders pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    DeviceTree {
        /// Whether loaders may pass a tagged list instead.
        or_tags: bool,
    },
    /// A PVH start info.
    StartInfo,
    /// None: the processor starts the image itself.
    None,
}

/// The kind of table of loaders that may pass a tagged list.
const TAGS: TableKind = TableKind::DeviceTree { or_tags: true };

/// Whether loaders may pass a device tree.
const MAY_BE_A_TREE: bool = matches!(arch::FIRMWARE_TABLE, TableKind::DeviceTree { .. });

/// The table from the loader.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    DeviceTree(DeviceTree<'static>),
    StartInfo(StartInfo),
    Tags(Tags),
}

impl Table {
    /// Returns the table that the kernel's arguments point to, if there is one.
    ///
    /// # Errors
    ///
    /// The arguments point to something else.
    pub(crate) fn find(arguments: [usize; 4]) -> Result<Option<Self>, Unusable> {
        let Some(address) = arch::firmware_table(arguments) else {
            return Ok(None);
        };
        match arch::FIRMWARE_TABLE {
            TableKind::None => Ok(None),
            TableKind::StartInfo => Ok(StartInfo::read(&Low, address).map(Self::StartInfo)),
            TableKind::DeviceTree { or_tags } => {
                if or_tags && let Some(tags) = Tags::read(&Low, address) {
                    return Ok(Some(Self::Tags(tags)));
                }
                // SAFETY: the address comes from the loader, and the memory there is excluded from
                // the heap.
                let tree = unsafe { DeviceTree::at(address) }?;
                Ok(Some(Self::DeviceTree(tree)))
            }
        }
    }

    /// Returns the device tree, if the table is one. On architectures whose loaders pass no device
    /// tree, the result is known at compile time; the same applies to the other tables.
    pub(crate) fn device_tree(&self) -> Option<&DeviceTree<'static>> {
        match self {
            Self::DeviceTree(tree) if MAY_BE_A_TREE => Some(tree),
            _ => None,
        }
    }

    /// Like [`device_tree`](Self::device_tree), to read it.
    pub(crate) fn device_tree_mut(&mut self) -> Option<&mut DeviceTree<'static>> {
        match self {
            Self::DeviceTree(tree) if MAY_BE_A_TREE => Some(tree),
            _ => None,
        }
    }

    /// Returns the start info, if the table is one.
    pub(crate) fn start_info(&self) -> Option<StartInfo> {
        match *self {
            Self::StartInfo(info) if arch::FIRMWARE_TABLE == TableKind::StartInfo => Some(info),
            _ => None,
        }
    }

    /// Returns the tagged list, if the table is one.
    pub(crate) fn tags(&self) -> Option<Tags> {
        match *self {
            Self::Tags(tags) if arch::FIRMWARE_TABLE == TAGS => Some(tags),
            _ => None,
        }
    }

    /// Returns the table's name, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::DeviceTree(_) => "the device tree",
            Self::StartInfo(_) => "the loader's start info",
            Self::Tags(_) => "the loader's tagged list",
        }
    }

    /// Returns the command line; empty if there is none.
    pub(crate) fn command_line(&self) -> &'static str {
        let of_tree = self.device_tree().map(|tree| tree.command_line());
        let line = of_tree
            .or_else(|| self.start_info().map(|info| info.command_line()))
            .or_else(|| self.tags().map(|tags| tags.command_line()));
        line.unwrap_or_default()
    }

    /// Returns the ACPI tables, if the loader passes their address.
    pub(crate) fn acpi(&self) -> Option<acpi::Tables> {
        let root = self.start_info()?.acpi_root()?;
        Some(acpi::Tables::read(&Low, root))
    }

    /// Adds the RAM of the machine to `ram`, which is empty.
    ///
    /// # Errors
    ///
    /// There are too many ranges, or they cannot be read with certainty.
    pub(crate) fn find_ram(&self, ram: &mut RangeSet) -> Result<(), Unclear> {
        if let Some(tree) = self.device_tree() {
            tree.ram(|range| ram.add(range).map_err(Unclear::from))?;
        }
        if let Some(info) = self.start_info() {
            *ram = info.ram()?;
        }
        if let Some(tags) = self.tags() {
            *ram = tags.ram()?;
        }
        Ok(())
    }

    /// Removes the table itself, and the ranges that it reserves, from `free`.
    ///
    /// # Errors
    ///
    /// There are too many ranges, or they cannot be read with certainty.
    pub(crate) fn carve(&self, free: &mut RangeSet) -> Result<(), Unclear> {
        if let Some(tree) = self.device_tree() {
            free.remove(tree.range())?;
            tree.reserved(|range| free.remove(range).map_err(Unclear::from))?;
        }
        if let Some(info) = self.start_info() {
            info.carve(free)?;
        }
        if let Some(tags) = self.tags() {
            tags.carve(free)?;
        }
        Ok(())
    }
}

/// Why it is not known which memory is free.
#[derive(Debug)]
pub(crate) enum Unclear {
    /// The memory has too many ranges.
    Fragmented,
    /// The device tree does not describe memory with certainty.
    Malformed(Malformed<'static>),
}

impl From<TooManyRanges> for Unclear {
    fn from(_: TooManyRanges) -> Self {
        Self::Fragmented
    }
}

impl From<Malformed<'static>> for Unclear {
    fn from(malformed: Malformed<'static>) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Unclear {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragmented => f.write_str(
                "memory has too many ranges: see memory.ram and memory.reserved in the board file",
            ),
            Self::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

/// Memory below 4 GiB, which the kernel can read from the start.
struct Low;

impl PhysicalMemory for Low {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        let is_low = address != 0 && address < (1 << 32) - size as u64;
        if size == 0 || !is_low {
            return &[];
        }
        // SAFETY: the address comes from the loader; it is mapped, or no map is needed, and the
        // parts that are kept are excluded from the heap.
        unsafe { core::slice::from_raw_parts(with_exposed_provenance(address as usize), size) }
    }
}
