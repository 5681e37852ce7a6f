//! Reads a device tree (Devicetree Specification 0.4) as devices with processor addresses and the
//! controller's interrupt numbers.

mod bridge;
mod cells;
mod names;

use core::fmt;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node as _, Property as _};

use super::device::Device;
use crate::board::Range;
use cells::{cells, text};

/// A device tree.
#[derive(Clone, Debug)]
pub struct DeviceTree {
    /// The nodes. Parents precede their children.
    nodes: Vec<Node>,
}

/// A node of a device tree.
#[derive(Clone, Debug)]
struct Node {
    parent: Option<usize>,
    path: String,
    properties: Vec<(String, Vec<u8>)>,
}

impl Node {
    /// Returns whether the node is enabled for the running system (2.3.4): what only the secure
    /// state can access is disabled.
    fn is_on(&self) -> bool {
        let status = self.property("status").and_then(text);
        matches!(status, None | Some("okay" | "ok"))
    }

    fn property(&self, name: &str) -> Option<&[u8]> {
        let found = self.properties.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_slice())
    }

    fn number(&self, name: &str) -> Option<u32> {
        cells(self.property(name)?).first().copied()
    }

    /// Returns `#address-cells` or `#size-cells` for the node's children (2.3.5).
    fn count(&self, name: &str, usual: usize) -> usize {
        let given = self
            .number(name)
            .and_then(|count| usize::try_from(count).ok());
        given.unwrap_or(usual)
    }

    fn compatible(&self) -> Vec<String> {
        let text = self.property("compatible").unwrap_or_default();
        text.split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }
}

/// The reason why a device tree cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "this is not a device tree blob: {}", self.0)
    }
}

impl core::error::Error for Unreadable {}

/// The maximum depth of nested nodes.
const DEEPEST: usize = 64;

impl DeviceTree {
    /// Reads a device tree blob.
    ///
    /// # Errors
    /// If the blob is not a valid device tree.
    pub fn parse(blob: &[u8]) -> Result<Self, Unreadable> {
        let blob = names::shortened(blob);
        let tree = Fdt::new(&blob).map_err(|error| Unreadable(error.to_string()))?;
        let mut nodes = Vec::new();
        collect(&tree.root(), None, "", 0, &mut nodes)?;
        Ok(Self { nodes })
    }

    /// Returns the RAM, in the order of the nodes (3.4).
    pub fn memory(&self) -> Vec<Range> {
        let is_memory = |node: &Node| node.property("device_type").and_then(text) == Some("memory");
        let nodes = (0..self.nodes.len())
            .filter(|index| is_memory(&self.nodes[*index]) && self.nodes[*index].is_on());
        nodes
            .flat_map(|index| self.registers(index))
            .flatten()
            .collect()
    }

    /// Returns the frequency of the processors' counter in Hz, if the tree contains it (3.8.1).
    pub fn timebase(&self) -> Option<u64> {
        let name = "timebase-frequency";
        let frequency = self.nodes.iter().find_map(|node| node.number(name));
        frequency.map(u64::from)
    }

    /// Returns the `compatible` strings of the root.
    pub fn compatible(&self) -> Vec<String> {
        self.nodes.first().map(Node::compatible).unwrap_or_default()
    }

    /// Returns the address of the device of standard output (`/chosen`, 3.6).
    pub fn console(&self) -> Option<u64> {
        let chosen = self.nodes.iter().find(|node| node.path == "/chosen")?;
        let path = chosen.property("stdout-path").and_then(text)?;
        let path = path.split(':').next().unwrap_or(path);
        let index = self.nodes.iter().position(|node| node.path == path)?;
        self.base(index)
    }

    /// Returns every node with `compatible`, except disabled ones (2.3.4).
    pub fn devices(&self) -> Vec<Device> {
        (0..self.nodes.len())
            .filter(|index| self.nodes[*index].is_on())
            .map(|index| self.device(index))
            .filter(|device| !device.kinds.is_empty())
            .collect()
    }

    fn device(&self, index: usize) -> Device {
        let node = &self.nodes[index];
        let number = |(name, value): &(String, Vec<u8>)| match value.len() {
            4 => Some((name.clone(), *cells(value).first()?)),
            _ => None,
        };
        let word =
            |(name, value): &(String, Vec<u8>)| Some((name.clone(), text(value)?.to_owned()));
        let own_clock = node.number("clock-frequency").map(u64::from);
        let (interrupts, controllers) = self.interrupts(index).into_iter().unzip();
        Device {
            kinds: node.compatible(),
            registers: self.registers(index),
            ports: Vec::new(),
            interrupts,
            controllers,
            clock: own_clock.or_else(|| self.clock(node)),
            bridge: self.bridge(index),
            numbers: node.properties.iter().filter_map(number).collect(),
            words: node.properties.iter().filter_map(word).collect(),
        }
    }

    /// Returns `reg`, in processor addresses (2.3.6, 2.3.8).
    fn registers(&self, index: usize) -> Vec<Option<Range>> {
        let node = &self.nodes[index];
        let (Some(parent), Some(value)) = (node.parent, node.property("reg")) else {
            return Vec::new();
        };
        let (address, size) = self.cell_counts(parent);
        let entries = cells(value);
        let Some(width) = address.checked_add(size).filter(|width| *width > 0) else {
            return Vec::new();
        };
        entries
            .chunks_exact(width)
            .map(|entry| {
                let range = Range {
                    base: cells::join(&entry[..address])?,
                    size: cells::join(&entry[address..]).filter(|size| *size > 0)?,
                };
                self.to_processor(parent, range)
            })
            .collect()
    }

    fn cell_counts(&self, parent: usize) -> (usize, usize) {
        let parent = &self.nodes[parent];
        (
            parent.count("#address-cells", 2),
            parent.count("#size-cells", 1),
        )
    }

    /// Translates a range on the bus `bus` to the root; `None` if a bridge does not forward it.
    fn to_processor(&self, bus: usize, range: Range) -> Option<Range> {
        let Some(above) = self.nodes[bus].parent else {
            return Some(range);
        };
        let value = self.nodes[bus].property("ranges")?;
        if value.is_empty() {
            return self.to_processor(above, range);
        }
        let (inner, size) = self.cell_counts(bus);
        let (outer, _) = self.cell_counts(above);
        let width = inner.checked_add(outer)?.checked_add(size)?;
        let entries = cells(value);
        let carried = entries.chunks_exact(width.max(1)).find_map(|entry| {
            let from = cells::join(&entry[..inner])?;
            let to = cells::join(&entry[inner..inner + outer])?;
            let size = cells::join(&entry[inner + outer..])?;
            let offset = range
                .base
                .checked_sub(from)
                .filter(|offset| *offset < size)?;
            Some(Range {
                base: to.checked_add(offset)?,
                size: range.size,
            })
        })?;
        self.to_processor(above, carried)
    }

    /// Returns `interrupts` or `interrupts-extended` (2.4.1), each with the first address of its
    /// controller.
    fn interrupts(&self, index: usize) -> Vec<(Option<u32>, Option<u64>)> {
        let node = &self.nodes[index];
        if let Some(value) = node.property("interrupts-extended") {
            return self.extended(&cells(value));
        }
        let Some(value) = node.property("interrupts") else {
            return Vec::new();
        };
        let Some(controller) = self.interrupt_parent(index) else {
            return Vec::new();
        };
        let base = self.base(controller);
        let width = self.nodes[controller].count("#interrupt-cells", 1).max(1);
        cells(value)
            .chunks_exact(width)
            .map(|entry| (cells::interrupt(entry), base))
            .collect()
    }

    fn extended(&self, mut rest: &[u32]) -> Vec<(Option<u32>, Option<u64>)> {
        let mut interrupts = Vec::new();
        while let Some((handle, after)) = rest.split_first() {
            let Some(controller) = self.by_handle(*handle) else {
                break;
            };
            let width = self.nodes[controller].count("#interrupt-cells", 1);
            let Some((entry, after)) = after.split_at_checked(width) else {
                break;
            };
            interrupts.push((cells::interrupt(entry), self.base(controller)));
            rest = after;
        }
        interrupts
    }

    /// Returns the interrupt controller of a node: the nearest one named.
    fn interrupt_parent(&self, index: usize) -> Option<usize> {
        let mut index = index;
        loop {
            let node = &self.nodes[index];
            if let Some(handle) = node.number("interrupt-parent") {
                return self.by_handle(handle);
            }
            index = node.parent?;
        }
    }

    fn by_handle(&self, handle: u32) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.number("phandle") == Some(handle))
    }

    /// Returns the first address of a node's registers.
    fn base(&self, index: usize) -> Option<u64> {
        let registers = self.registers(index).into_iter().flatten();
        registers.map(|range| range.base).next()
    }

    /// Returns the frequency of a node's first clock, if it is fixed.
    fn clock(&self, node: &Node) -> Option<u64> {
        let clock = self.by_handle(node.number("clocks")?)?;
        self.nodes[clock].number("clock-frequency").map(u64::from)
    }
}

fn collect(
    node: &FdtNode<'_>,
    parent: Option<usize>,
    path: &str,
    depth: usize,
    nodes: &mut Vec<Node>,
) -> Result<(), Unreadable> {
    if depth > DEEPEST {
        return Err(Unreadable("its nodes are nested too deep".to_owned()));
    }
    let properties = node
        .properties()
        .map(|property| (property.name().to_owned(), property.value().to_vec()));
    nodes.push(Node {
        parent,
        path: match path {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
        properties: properties.collect(),
    });
    let index = nodes.len() - 1;
    for child in node.children() {
        let path = format!("{path}/{}", child.name());
        collect(&child, Some(index), &path, depth + 1, nodes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
