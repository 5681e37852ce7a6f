//! The properties of a PCI host bridge's node (IEEE 1275 PCI Bus Binding, 2.2.1).

use super::DeviceTree;
use super::cells::{self, cells};
use crate::board::Range;
use crate::machine::device::{Bridge, Pin, WindowKind};

/// An address on the PCI bus has three cells, and a size two.
const CHILD: usize = 3;
const SIZE: usize = 2;

impl DeviceTree {
    pub(super) fn bridge(&self, index: usize) -> Option<Bridge> {
        let node = &self.nodes[index];
        let is_pci = node.property("device_type").and_then(cells::text) == Some("pci");
        is_pci.then(|| Bridge {
            buses: node
                .property("bus-range")
                .and_then(|value| match *cells(value) {
                    [0, last] => last.checked_add(1),
                    _ => None,
                }),
            windows: self.windows(index),
            intx: self.intx(index),
            pins: self.pins(index),
            messages: self.messages(index),
        })
    }

    /// Returns the receiver of messages: that of the first row of `msi-map`, after the first requester
    /// ID, or else `msi-parent` (Linux, bindings/pci/pci-msi.txt).
    fn messages(&self, index: usize) -> Option<u64> {
        let node = &self.nodes[index];
        let map = node.property("msi-map").map(cells).unwrap_or_default();
        let parent = node.property("msi-parent").map(cells).unwrap_or_default();
        let handle = map.get(1).or(parent.first())?;
        self.base(self.by_handle(*handle)?)
    }

    /// Returns `ranges`: bits 24 and 25 of the first cell contain the kind of space.
    fn windows(&self, index: usize) -> Vec<(WindowKind, Range)> {
        let node = &self.nodes[index];
        let (Some(parent), Some(value)) = (node.parent, node.property("ranges")) else {
            return Vec::new();
        };
        let (outer, _) = self.cell_counts(parent);
        let entries = cells(value);
        let windows = entries
            .chunks_exact(CHILD + outer + SIZE)
            .filter_map(|entry| {
                let kind = match (entry[0] >> 24) & 3 {
                    1 => WindowKind::Io,
                    2 => WindowKind::Memory32,
                    3 => WindowKind::Memory64,
                    _ => return None,
                };
                let range = Range {
                    base: cells::join(&entry[CHILD..CHILD + outer])?,
                    size: cells::join(&entry[CHILD + outer..])?,
                };
                Some((kind, self.to_processor(parent, range)?))
            });
        windows.collect()
    }

    /// Returns the first line of `interrupt-map`, if it is that of INTA of slot 0.
    fn intx(&self, index: usize) -> Option<u32> {
        let first = self.pins(index).into_iter().next()?;
        (first.slot == 0 && first.pin == 0).then_some(first.interrupt)
    }

    /// Returns `interrupt-map`: the slot in bits 11 to 15 of the first cell, the pin from 1 on, the
    /// controller's handle, and the unit address and interrupt in as many cells as the controller
    /// states (Devicetree Specification 0.4, 2.4.3).
    fn pins(&self, index: usize) -> Vec<Pin> {
        let map = cells(
            self.nodes[index]
                .property("interrupt-map")
                .unwrap_or_default(),
        );
        let mut pins = Vec::new();
        let mut rest = map.as_slice();
        while let Some((unit, after)) = rest.split_at_checked(CHILD)
            && let [pin, handle, after @ ..] = after
            && let Some(controller) = self.by_handle(*handle)
        {
            let node = &self.nodes[controller];
            let address = node.count("#address-cells", 0);
            let width = node.count("#interrupt-cells", 1);
            let Some(after) = after.get(address..) else {
                break;
            };
            let Some((entry, after)) = after.split_at_checked(width) else {
                break;
            };
            rest = after;
            let pin = pin.checked_sub(1);
            pins.extend(
                cells::interrupt(entry)
                    .zip(pin)
                    .map(|(interrupt, pin)| Pin {
                        slot: (unit[0] >> 11) & 31,
                        pin,
                        interrupt,
                        controller: self.base(controller),
                    }),
            );
        }
        pins
    }
}
