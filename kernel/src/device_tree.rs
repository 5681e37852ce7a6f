//! What the kernel reads from a device tree: RAM, what of it is taken, the command line, and what
//! the board's description is held against. Where devices are comes from that description.

mod blob;
mod node;
mod value;

use vmos_drivers::address::{PhysicalAddress, Range};

use blob::Blob;
pub(crate) use blob::Unusable;
pub(crate) use node::Node;
use node::Nodes;
pub(crate) use value::Value;

/// A device tree (Devicetree Specification 0.4).
#[derive(Clone, Copy)]
pub(crate) struct DeviceTree<'a> {
    blob: Blob<'a>,
    /// What the root has for `#address-cells` and `#size-cells`, once it was read.
    root: (u32, u32),
    memory: Stretch,
    reserved: Stretch,
    chosen: Stretch,
}

/// Where among the children of the root to look for some of them. Before the tree was
/// [read](DeviceTree::read) once they may be anywhere.
#[derive(Clone, Copy)]
struct Stretch {
    /// Where the first of them begins.
    first: usize,
    /// Where the last of them begins.
    last: usize,
}

impl Stretch {
    const EVERYWHERE: Self = Self {
        first: 0,
        last: usize::MAX,
    };
    const NOWHERE: Self = Self {
        first: usize::MAX,
        last: 0,
    };

    /// Adds the node, one behind those that were added before.
    fn add(&mut self, node: &Node<'_>) {
        self.first = self.first.min(node.start());
        self.last = node.start();
    }
}

impl DeviceTree<'static> {
    /// The device tree at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be what the loader gave, and what is there must not change any more.
    pub(crate) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        // SAFETY: passed on to the caller.
        unsafe { Blob::at(address) }.map(Self::new)
    }
}

impl<'a> DeviceTree<'a> {
    #[cfg(test)]
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, Unusable> {
        Blob::new(bytes).map(Self::new)
    }

    fn new(blob: Blob<'a>) -> Self {
        Self {
            blob,
            root: (0, 0),
            memory: Stretch::EVERYWHERE,
            reserved: Stretch::EVERYWHERE,
            chosen: Stretch::EVERYWHERE,
        }
    }

    /// Where the blob itself lies.
    pub(crate) fn range(&self) -> Range {
        let data = self.blob.data();
        Range {
            base: PhysicalAddress(data.as_ptr() as u64),
            size: data.len() as u64,
        }
    }

    /// Gives every node to `visit`, each before those below it. The tree that is returned knows where
    /// to find what the other functions look for.
    pub(crate) fn read(mut self, mut visit: impl FnMut(&Node<'a>)) -> Self {
        self.memory = Stretch::NOWHERE;
        self.reserved = Stretch::NOWHERE;
        self.chosen = Stretch::NOWHERE;
        let mut nodes = self.blob.nodes();
        while let Some(node) = nodes.advance() {
            if node.depth() == 1 {
                if is_memory(node) {
                    self.memory.add(node);
                }
                if is_reserved(node) {
                    self.reserved.add(node);
                }
                if is_chosen(node) {
                    self.chosen.add(node);
                }
            }
            visit(node);
        }
        self.root = nodes.cells_of_root();
        self
    }

    /// Every node, each before those below it.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.blob.nodes()
    }

    /// The node that others refer to by this number (chapter 2.3.3).
    pub(crate) fn by_phandle(&self, phandle: u32) -> Option<Node<'a>> {
        let mut nodes = self.blob.nodes();
        loop {
            let node = nodes.advance()?;
            if node.number("phandle") == Some(phandle) {
                return Some(*node);
            }
        }
    }

    /// The nodes of a stretch with those below them, and perhaps others.
    fn nodes_of(&self, stretch: Stretch) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let nodes = match stretch.first {
            0 => self.blob.nodes(),
            first => Nodes::from(self.blob, first, self.root),
        };
        nodes.take_while(move |node| node.depth() > 1 || node.start() <= stretch.last)
    }

    /// The RAM in the machine: the `reg` of every node with device type `memory` that is
    /// switched on (chapter 3.4).
    pub(crate) fn ram(&self) -> impl Iterator<Item = Range> + use<'a> {
        self.nodes_of(self.memory)
            .filter(|node| node.depth() == 1 && is_memory(node))
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
        for node in self.nodes_of(self.reserved) {
            if node.depth() <= 1 {
                is_inside = is_reserved(&node);
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
        self.nodes_of(self.chosen)
            .find(|node| node.depth() == 1 && is_chosen(node))
            .and_then(|chosen| chosen.text("bootargs"))
            .unwrap_or_default()
    }
}

fn is_memory(node: &Node<'_>) -> bool {
    node.is_of_type("memory")
}

fn is_reserved(node: &Node<'_>) -> bool {
    node.is_named("reserved-memory")
}

fn is_chosen(node: &Node<'_>) -> bool {
    node.is_named("chosen")
}

fn ranges(node: Node<'_>) -> impl Iterator<Item = Range> {
    (0..)
        .map_while(move |index| node.registers(index))
        .filter_map(|(base, size)| Range::new(PhysicalAddress(base), size))
}

#[cfg(test)]
mod tests;
