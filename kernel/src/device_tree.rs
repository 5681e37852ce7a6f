//! What the kernel reads from a device tree: RAM, what of it is taken, the command line, and what
//! the board's description is held against. Where devices are comes from that description.

mod blob;
mod node;

use vmos_drivers::address::{PhysicalAddress, Range};

use blob::Blob;
pub(crate) use blob::Unusable;
pub(crate) use node::{Node, cell, wide};

/// A device tree (Devicetree Specification 0.4).
#[derive(Clone, Copy)]
pub(crate) struct DeviceTree<'a> {
    blob: Blob<'a>,
}

impl DeviceTree<'static> {
    /// The device tree at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be what the loader gave, and what is there must not change any more.
    pub(crate) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        // SAFETY: passed on to the caller.
        let blob = unsafe { Blob::at(address) }?;
        Ok(Self { blob })
    }
}

impl<'a> DeviceTree<'a> {
    #[cfg(test)]
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, Unusable> {
        Ok(Self {
            blob: Blob::new(bytes)?,
        })
    }

    /// Where the blob itself lies.
    pub(crate) fn range(&self) -> Range {
        let data = self.blob.data();
        Range {
            base: PhysicalAddress(data.as_ptr() as u64),
            size: data.len() as u64,
        }
    }

    /// Every node, each before those below it.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.blob.nodes()
    }

    /// The RAM in the machine: the `reg` of every node with device type `memory` that is
    /// switched on (chapter 3.4).
    pub(crate) fn ram(&self) -> impl Iterator<Item = Range> + use<'a> {
        self.nodes()
            .filter(|node| node.depth() == 1 && node.value("device_type") == Some(b"memory\0"))
            .filter(Node::is_on)
            .flat_map(ranges)
            .filter(|range| range.size > 0)
    }

    /// Gives `take` the RAM that firmware keeps for itself: the reservation block (chapter 5.3) and
    /// the children of `/reserved-memory` (chapter 3.5).
    ///
    /// # Errors
    ///
    /// The first that `take` has.
    pub(crate) fn reserved<E>(
        &self,
        mut take: impl FnMut(Range) -> Result<(), E>,
    ) -> Result<(), E> {
        for (base, size) in self.blob.reservations() {
            if let Some(range) = Range::new(PhysicalAddress(base), size) {
                take(range)?;
            }
        }
        let mut is_inside = false;
        for node in self.nodes() {
            if node.depth() <= 1 {
                is_inside = node.name() == b"reserved-memory";
            } else if is_inside && node.depth() == 2 {
                for range in ranges(node) {
                    take(range)?;
                }
            }
        }
        Ok(())
    }

    /// The command line (`/chosen`, chapter 3.6), empty where there is none.
    pub(crate) fn command_line(&self) -> &'a str {
        self.nodes()
            .find(|node| node.depth() == 1 && node.name() == b"chosen")
            .and_then(|chosen| chosen.text("bootargs"))
            .unwrap_or_default()
    }
}

fn ranges(node: Node<'_>) -> impl Iterator<Item = Range> {
    (0..)
        .map_while(move |index| node.registers(index))
        .filter_map(|(base, size)| Range::new(PhysicalAddress(base), size))
}

#[cfg(test)]
mod tests;
