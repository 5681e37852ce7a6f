//! What the kernel reads from a device tree: RAM, what of it is taken, and the command line. Where
//! devices are comes from the board's description.

use core::fmt;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use vmos_drivers::address::{PhysicalAddress, Range};

/// A device tree blob (Devicetree Specification 0.4, chapter 5).
#[derive(Clone, Copy)]
pub(crate) struct DeviceTree<'a> {
    tree: Fdt<'a>,
}

/// Why a device tree cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    address: PhysicalAddress,
    reason: dtoolkit::error::FdtParseError,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no device tree at {}: {}", self.address, self.reason)
    }
}

impl DeviceTree<'static> {
    /// The device tree at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be what the loader gave, and what is there must not change any more.
    pub(crate) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        // SAFETY: passed on to the caller; the header is checked before anything else is read.
        match unsafe { Fdt::from_raw(address.0 as *const u8) } {
            Ok(tree) => Ok(Self { tree }),
            Err(reason) => Err(Unusable { address, reason }),
        }
    }
}

impl<'a> DeviceTree<'a> {
    /// Where the blob itself lies.
    pub(crate) fn range(&self) -> Range {
        let data = self.tree.data();
        Range {
            base: PhysicalAddress(data.as_ptr() as u64),
            size: data.len() as u64,
        }
    }

    /// Its first node.
    pub(crate) fn root(&self) -> FdtNode<'a> {
        self.tree.root()
    }

    /// The RAM in the machine: the `reg` of every node with device type `memory` (chapter 3.4).
    pub(crate) fn ram(&self) -> impl Iterator<Item = Range> + 'a {
        self.tree
            .root()
            .children()
            .filter(|node| node.name_without_address() == "memory")
            .flat_map(ranges)
            .filter(|range| range.size > 0)
    }

    /// RAM that firmware keeps for itself: the reservation block (chapter 5.3) and the children of
    /// `/reserved-memory` (chapter 3.5).
    pub(crate) fn reserved(&self) -> impl Iterator<Item = Range> + 'a {
        let block = self
            .tree
            .memory_reservations()
            .filter_map(|entry| Range::new(PhysicalAddress(entry.address()), entry.size()));
        let nodes = self.tree.find_node("/reserved-memory");
        block.chain(
            nodes
                .into_iter()
                .flat_map(|parent| parent.children())
                .flat_map(ranges),
        )
    }

    /// The command line (`/chosen`, chapter 3.6), empty where there is none.
    pub(crate) fn command_line(&self) -> &'a str {
        self.tree
            .find_node("/chosen")
            .and_then(|chosen| chosen.property("bootargs"))
            .and_then(|property| property.value_as::<&'a str>().ok())
            .unwrap_or_default()
    }
}

fn ranges<'a>(node: FdtNode<'a>) -> impl Iterator<Item = Range> + 'a {
    node.reg()
        .ok()
        .flatten()
        .into_iter()
        .flatten()
        .filter_map(|reg| Range::new(PhysicalAddress(reg.address().ok()?), reg.size().ok()?))
}
