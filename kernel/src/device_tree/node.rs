//! The nodes, and what their properties hold (Devicetree Specification 0.4, chapter 2).

use super::blob::{BEGIN_NODE, Blob, END_NODE, NOP, PROPERTY, is_text};
use super::value::{Value, bytes, has_zero};

/// How deep a node may lie: deeper than in any tree that describes a machine.
const DEPTH: usize = 16;

/// A node.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    properties: Properties<'a>,
    /// Where in the structure block it begins; its name follows.
    start: usize,
    depth: usize,
    /// How many cells an address and a size take, by its parent.
    cells: (u32, u32),
    own: Own,
}

/// The properties of a node.
#[derive(Clone, Copy)]
pub(crate) struct Properties<'a> {
    blob: Blob<'a>,
    /// Where the first of them would be.
    at: usize,
}

impl<'a> Properties<'a> {
    /// Those of the first node that has a property `name` with a value that is `wanted`.
    pub(super) fn of_first(
        blob: Blob<'a>,
        name: &str,
        wanted: impl Fn(Value<'a>) -> bool,
    ) -> Option<Self> {
        let mut at = 0;
        let mut node = Self { blob, at };
        loop {
            let tag = blob.cell(at)?;
            at += 1;
            match tag {
                BEGIN_NODE => {
                    at = behind_name(blob, at)?;
                    node.at = at;
                }
                PROPERTY => {
                    let (property, next) = blob.property(at)?;
                    if wanted(property.value) && property.is(name) {
                        return Some(node);
                    }
                    at = next;
                }
                END_NODE | NOP => {}
                _ => return None,
            }
        }
    }

    /// What a property holds. Properties stand before the nodes below (5.4.2).
    pub(crate) fn value(&self, name: &str) -> Option<Value<'a>> {
        let mut at = self.at;
        loop {
            let tag = self.blob.cell(at)?;
            at += 1;
            match tag {
                PROPERTY => {
                    let (property, next) = self.blob.property(at)?;
                    if property.is(name) {
                        return Some(property.value);
                    }
                    at = next;
                }
                NOP => {}
                _ => return None,
            }
        }
    }

    /// A property that is one cell.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.value(name)?.cell(0)
    }
}

/// Where the name ends that is at `at`: behind the first cell that has a zero byte.
#[inline]
fn behind_name(blob: Blob<'_>, mut at: usize) -> Option<usize> {
    while !has_zero(blob.cell(at)?) {
        at += 1;
    }
    Some(at + 1)
}

/// The properties that are asked for of nearly every node.
const OWN: [&str; 6] = [
    "compatible",
    "device_type",
    "reg",
    "status",
    "#address-cells",
    "#size-cells",
];
const COMPATIBLE: usize = 0;
const DEVICE_TYPE: usize = 1;
const REGISTERS: usize = 2;
const STATUS: usize = 3;
const ADDRESS_CELLS: usize = 4;
const SIZE_CELLS: usize = 5;

/// Where those properties are, each behind its tag; 0 where the node has none of that name.
type Own = [usize; OWN.len()];

/// Which of them a property is whose name begins with `name`, if it is any.
#[inline]
fn likely(name: &[u8]) -> Option<usize> {
    Some(match name {
        [b'c', b'o', ..] => COMPATIBLE,
        [b'd', ..] => DEVICE_TYPE,
        [b'r', ..] => REGISTERS,
        [b's', ..] => STATUS,
        [b'#', b'a', ..] => ADDRESS_CELLS,
        [b'#', b's', ..] => SIZE_CELLS,
        _ => return None,
    })
}

impl<'a> Node<'a> {
    /// Whether it has this name, with the unit address.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        is_text(self.bytes_from_name(), name)
    }

    /// Its name, with the unit address.
    #[cfg(test)]
    pub(crate) fn name(&self) -> &'a [u8] {
        let bytes = self.bytes_from_name();
        let length = bytes.iter().position(|&byte| byte == 0).unwrap_or_default();
        &bytes[..length]
    }

    fn bytes_from_name(&self) -> &'a [u8] {
        bytes(self.properties.blob.from(self.start + 1))
    }

    /// Where it begins: nodes that are later in the tree begin later.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// How far below the root it is.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// How many cells an address takes in its parent.
    pub(crate) fn parents_address_cells(&self) -> usize {
        self.cells.0 as usize
    }

    /// What a property holds.
    pub(crate) fn value(&self, name: &str) -> Option<Value<'a>> {
        self.properties.value(name)
    }

    /// A property that is one cell.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.properties.number(name)
    }

    /// A property that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.text()
    }

    /// What that one of [`OWN`] holds, where the node has it.
    fn own(&self, which: usize) -> Option<Value<'a>> {
        match self.own[which] {
            0 => None,
            at => self
                .properties
                .blob
                .property(at)
                .map(|(property, _)| property.value),
        }
    }

    /// What it says that it is: texts, each with a zero behind it (2.3.1).
    pub(crate) fn compatible(&self) -> Value<'a> {
        self.own(COMPATIBLE).unwrap_or_default()
    }

    /// Whether it is of the device type (2.3.10).
    pub(crate) fn is_of_type(&self, device_type: &str) -> bool {
        let own = self.own(DEVICE_TYPE);
        own.is_some_and(|own| own.bytes().strip_suffix(&[0]) == Some(device_type.as_bytes()))
    }

    /// `#address-cells` and `#size-cells` (2.3.5); `None` where one of them is no number.
    fn cells_below(&self) -> Option<(u32, u32)> {
        // What holds where a node does not say.
        let (mut address, mut size) = (2, 1);
        if let Some(value) = self.own(ADDRESS_CELLS) {
            address = value.cell(0)?;
        }
        if let Some(value) = self.own(SIZE_CELLS) {
            size = value.cell(0)?;
        }
        Some((address, size))
    }

    /// Whether it is there for the system that runs (2.3.4): what only the secure state reaches is
    /// switched off.
    pub(crate) fn is_on(&self) -> bool {
        let status = self.own(STATUS);
        status.is_none_or(|status| matches!(status.bytes(), b"okay\0" | b"ok\0"))
    }

    /// The base and size of an entry of `reg` (2.3.6).
    pub(crate) fn registers(&self, index: usize) -> Option<(u64, u64)> {
        let value = self.own(REGISTERS)?;
        let (address, size) = (self.cells.0 as usize, self.cells.1 as usize);
        let start = index.checked_mul(address.checked_add(size)?)?;
        Some((
            value.wide(start, address)?,
            value.wide(start.checked_add(address)?, size)?,
        ))
    }
}

/// Walks over the nodes. Every step reads a token that no step before it has read.
pub(super) struct Nodes<'a> {
    /// Where the next token is.
    at: usize,
    /// How many nodes have begun and not ended.
    depth: usize,
    /// `#address-cells` and `#size-cells` of each of them.
    cells: [(u32, u32); DEPTH],
    /// How much of the strings block is behind the beginning of each of the names in [`OWN`], once
    /// it was met.
    names: Own,
    /// Where the last child of the root begins that is walked over.
    last: usize,
    /// The node that began last, which is not copied for whoever only looks at it.
    node: Node<'a>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(blob: Blob<'a>) -> Self {
        Self {
            at: 0,
            depth: 0,
            cells: [(0, 0); DEPTH],
            names: [0; OWN.len()],
            last: usize::MAX,
            node: Node {
                properties: Properties { blob, at: 0 },
                start: 0,
                depth: 0,
                cells: (0, 0),
                own: [0; OWN.len()],
            },
        }
    }

    /// The nodes from the child of the root that begins at `first` to the one that begins at `last`,
    /// with those below them. `root` is what the root has for `#address-cells` and `#size-cells`.
    pub(super) fn between(blob: Blob<'a>, first: usize, last: usize, root: (u32, u32)) -> Self {
        let mut nodes = Self::new(blob);
        nodes.at = first;
        nodes.last = last;
        nodes.depth = 1;
        nodes.cells[0] = root;
        nodes
    }

    /// What the root has for `#address-cells` and `#size-cells`, once it has been walked over.
    pub(super) fn cells_of_root(&self) -> (u32, u32) {
        self.cells[0]
    }

    /// The next node, as [`Iterator::next`] has it.
    #[inline(never)]
    pub(super) fn advance(&mut self) -> Option<&Node<'a>> {
        let blob = self.node.properties.blob;
        loop {
            let tag = blob.cell(self.at)?;
            self.at += 1;
            match tag {
                BEGIN_NODE => break,
                END_NODE => self.depth = self.depth.checked_sub(1)?,
                NOP => {}
                // A property that is not before the nodes below it is no one's.
                PROPERTY => self.at = blob.property(self.at)?.1,
                _ => return None,
            }
        }
        let node = &mut self.node;
        node.start = self.at - 1;
        if self.depth == 1 && node.start > self.last {
            return None;
        }
        self.at = behind_name(blob, self.at)?;
        node.properties.at = self.at;
        node.depth = self.depth;
        node.cells = match self.depth.checked_sub(1) {
            Some(parent) => self.cells[parent],
            None => (0, 0),
        };
        node.own = [0; OWN.len()];
        loop {
            match blob.cell(self.at) {
                Some(PROPERTY) => {
                    let (property, next) = blob.property(self.at + 1)?;
                    if let Some(which) = likely(property.name) {
                        // A name is stored once in most trees.
                        let is_known = self.names[which] == property.name.len();
                        if is_known || property.is(OWN[which]) {
                            self.names[which] = property.name.len();
                            node.own[which] = self.at + 1;
                        }
                    }
                    self.at = next;
                }
                Some(NOP) => self.at += 1,
                _ => break,
            }
        }
        *self.cells.get_mut(self.depth)? = node.cells_below()?;
        self.depth += 1;
        Some(&self.node)
    }
}

#[cfg(test)]
impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.advance().copied()
    }
}
