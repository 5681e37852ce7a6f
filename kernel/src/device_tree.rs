//! Reads a device tree: RAM, reserved memory, the command line, and the values to compare with the
//! board file. The addresses of devices come from the board file.

mod blob;
mod node;
mod value;

use core::fmt;

use vmos_drivers::address::{PhysicalAddress, Range};

use blob::Blob;
pub(crate) use blob::Unusable;
pub(crate) use node::Node;
use node::{Nodes, Properties};
pub(crate) use value::Value;

/// A device tree (Devicetree Specification 0.4). Before [`read`](DeviceTree::read), the positions
/// of RAM, reserved ranges and the command line are unknown, and they appear empty.
#[derive(Clone, Copy)]
pub(crate) struct DeviceTree<'a> {
    blob: Blob<'a>,
    /// `#address-cells` and `#size-cells` of the root.
    root: (u32, u32),
    memory: Stretch,
    reserved: Stretch,
    chosen: Stretch,
    /// Whether the walk over the nodes reached the end of the tree.
    is_complete: bool,
}

/// A range of consecutive children of the root.
#[derive(Clone, Copy)]
struct Stretch {
    /// The start of the first child.
    first: usize,
    /// The start of the last child.
    last: usize,
}

impl Stretch {
    const NOTHING: Self = Self {
        first: usize::MAX,
        last: 0,
    };

    fn of(node: &Node<'_>) -> Self {
        Self {
            first: node.start(),
            last: node.start(),
        }
    }

    /// Adds a node, which must be after all nodes added before.
    fn add(&mut self, node: &Node<'_>) {
        self.first = self.first.min(node.start());
        self.last = node.start();
    }
}

impl DeviceTree<'static> {
    /// Opens the device tree at `address`.
    ///
    /// # Safety
    ///
    /// `address` must come from the loader, and the memory there must not change.
    pub(crate) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        // SAFETY: the caller's guarantee.
        unsafe { Blob::at(address) }.map(Self::new)
    }
}

impl<'a> DeviceTree<'a> {
    /// Opens the device tree in `bytes`, which start at a multiple of 4.
    #[cfg(not(target_os = "none"))]
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, Unusable> {
        let mut tree = Self::new(Blob::new(bytes)?);
        tree.read(|_| ());
        Ok(tree)
    }

    fn new(blob: Blob<'a>) -> Self {
        Self {
            blob,
            root: (0, 0),
            memory: Stretch::NOTHING,
            reserved: Stretch::NOTHING,
            chosen: Stretch::NOTHING,
            is_complete: false,
        }
    }

    /// Returns the address range of the blob.
    pub(crate) fn range(&self) -> Range {
        let data = self.blob.data();
        Range {
            base: PhysicalAddress(data.as_ptr() as u64),
            size: data.len() as u64,
        }
    }

    /// Passes every node to `visit`, parents before children. All positions are known then.
    pub(crate) fn read(&mut self, mut visit: impl FnMut(&Node<'a>)) {
        self.memory = Stretch::NOTHING;
        let mut nodes = self.blob.nodes();
        while let Some(node) = nodes.advance() {
            if node.depth() == 1 {
                if is_memory(node) {
                    self.memory.add(node);
                }
                // Each of these nodes occurs at most once (chapter 3.1).
                if node.is_named("reserved-memory") {
                    self.reserved = Stretch::of(node);
                } else if node.is_named("chosen") {
                    self.chosen = Stretch::of(node);
                }
            }
            visit(node);
        }
        self.root = nodes.cells_of_root();
        self.is_complete = nodes.is_complete();
    }

    /// Returns every node, parents before children.
    #[cfg(test)]
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.blob.nodes()
    }

    /// Returns the properties of the first node that has a property `name` whose value satisfies
    /// `wanted`.
    pub(crate) fn first(
        &self,
        name: &str,
        wanted: impl Fn(Value<'a>) -> bool,
    ) -> Option<Properties<'a>> {
        Properties::of_first(self.blob, name, wanted)
    }

    /// Returns the nodes of a range of siblings, with their descendants.
    #[inline(never)]
    fn nodes_of(&self, stretch: Stretch) -> Nodes<'a> {
        Nodes::between(self.blob, stretch.first, stretch.last, self.root)
    }

    /// Passes the RAM of the machine to `take`: the `reg` of every enabled node with device type
    /// `memory` (chapter 3.4).
    ///
    /// # Errors
    ///
    /// The first error of `take`, or a node whose ranges cannot be read with certainty.
    pub(crate) fn ram<E: From<Malformed<'a>>>(
        &self,
        take: impl FnMut(Range) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_ram = |node: &Node<'_>| node.depth() == 1 && is_memory(node) && node.is_on();
        ranges(self.nodes_of(self.memory), is_ram, take)
    }

    /// Passes the RAM that firmware reserves to `take`: the reservation block (chapter 5.3) and the
    /// children of `/reserved-memory` (chapter 3.5), independent of their `status`: memory that
    /// firmware uses is not free even if its node is disabled.
    ///
    /// # Errors
    ///
    /// The first error of `take`, or a node whose ranges cannot be read with certainty.
    pub(crate) fn reserved<E: From<Malformed<'a>>>(
        &self,
        mut take: impl FnMut(Range) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.is_complete {
            return Err(Malformed::TREE.into());
        }
        for (base, size) in self.blob.reservations() {
            take(Range::new(PhysicalAddress(base), size).ok_or(Malformed::BLOCK)?)?;
        }
        ranges(self.nodes_of(self.reserved), |node| node.depth() == 2, take)
    }

    /// Returns the command line (`/chosen`, chapter 3.6); empty if there is none.
    pub(crate) fn command_line(&self) -> &'a str {
        let mut nodes = self.nodes_of(self.chosen);
        let chosen = nodes.advance();
        chosen
            .and_then(|chosen| chosen.text("bootargs"))
            .unwrap_or_default()
    }
}

fn is_memory(node: &Node<'_>) -> bool {
    node.is_of_type("memory")
}

/// Why the memory of a device tree is unknown: a part that describes memory cannot be read with
/// certainty, so the rest might include memory that is not free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed<'a> {
    node: &'a [u8],
    problem: &'static str,
}

impl Malformed<'_> {
    const TREE: Self = Self {
        node: b"a node",
        problem: "is incomplete, or deeper than 16 nodes",
    };
    const BLOCK: Self = Self {
        node: b"the memory reservation block",
        problem: BEYOND,
    };
}

const BEYOND: &str = "has a range beyond the end of the address space";

impl fmt::Display for Malformed<'_> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = core::str::from_utf8(self.node).unwrap_or("a node");
        write!(f, "the device tree: {node} {}", self.problem)
    }
}

/// Passes the non-empty ranges in the `reg` of those `nodes` for which `is_one` returns true to `take`.
fn ranges<'a, E: From<Malformed<'a>>>(
    mut nodes: Nodes<'a>,
    is_one: impl Fn(&Node<'a>) -> bool,
    mut take: impl FnMut(Range) -> Result<(), E>,
) -> Result<(), E> {
    while let Some(node) = nodes.advance() {
        if !is_one(node) {
            continue;
        }
        let refused = |problem| Malformed {
            node: node.name(),
            problem,
        };
        if !node.has_whole_registers() {
            return Err(refused(
                "has a `reg` that is not a number of whole entries: each has the parent's \
                 #address-cells and #size-cells, 1 or 2 each",
            )
            .into());
        }
        let mut index = 0;
        while let Some((base, size)) = node.registers(index) {
            let range = Range::new(PhysicalAddress(base), size).ok_or_else(|| refused(BEYOND))?;
            if size > 0 {
                take(range)?;
            }
            index += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
