//! Nodes and their properties (Devicetree Specification 0.4, chapter 2).

use super::blob::{BEGIN_NODE, Blob, END, END_NODE, NOP, PROPERTY, is_text};
use super::value::{Value, bytes, has_zero};

/// The largest depth of a node, more than any machine needs.
const DEPTH: usize = 16;

/// A node of a device tree.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    properties: Properties<'a>,
    /// The position of the node in the structure block; its name follows.
    start: usize,
    depth: usize,
    /// The number of cells of an address and of a size in the node's properties, set by its parent.
    cells: (u32, u32),
    own: Own,
}

/// The properties of a node.
#[derive(Clone, Copy)]
pub(crate) struct Properties<'a> {
    blob: Blob<'a>,
    /// The position of the first property.
    at: usize,
}

impl<'a> Properties<'a> {
    /// Returns the properties of the first node that has a property `name` whose value satisfies
    /// `wanted`.
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

    /// Returns the value of a property. Properties precede the child nodes (5.4.2).
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

    /// Returns the value of a property with one cell.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.value(name)?.cell(0)
    }
}

/// Returns the end of the name at `at`: after the first cell with a zero byte.
#[inline]
fn behind_name(blob: Blob<'_>, mut at: usize) -> Option<usize> {
    while !has_zero(blob.cell(at)?) {
        at += 1;
    }
    Some(at + 1)
}

/// The properties that are read of nearly every node.
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

/// The positions of these properties, each after its token; 0 if the node lacks it.
type Own = [usize; OWN.len()];

/// Returns the index in this list of the property whose name is at the start of `name`, if there is
/// one.
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
    /// Returns whether the node has this name, including the unit address.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        is_text(self.bytes_from_name(), name)
    }

    /// Returns the node's name, including the unit address.
    #[cold]
    pub(crate) fn name(&self) -> &'a [u8] {
        let bytes = self.bytes_from_name();
        let length = bytes.iter().position(|&byte| byte == 0).unwrap_or_default();
        &bytes[..length]
    }

    fn bytes_from_name(&self) -> &'a [u8] {
        bytes(self.properties.blob.from(self.start + 1))
    }

    /// Returns the node's position in the structure block; later nodes have higher values.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Returns the node's depth below the root.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the number of cells of an address in the node's parent.
    pub(crate) fn parents_address_cells(&self) -> usize {
        self.cells.0 as usize
    }

    /// Returns the value of a property.
    pub(crate) fn value(&self, name: &str) -> Option<Value<'a>> {
        self.properties.value(name)
    }

    /// Returns the value of a property with one cell.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.properties.number(name)
    }

    /// Returns the value of a text property.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.text()
    }

    /// Returns the value of a property in [`OWN`], if the node has it.
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

    /// Returns the node's `compatible` strings, each zero-terminated (2.3.1).
    pub(crate) fn compatible(&self) -> Value<'a> {
        self.own(COMPATIBLE).unwrap_or_default()
    }

    /// Returns whether the node has this device type (2.3.10).
    pub(crate) fn is_of_type(&self, device_type: &str) -> bool {
        let own = self.own(DEVICE_TYPE);
        own.is_some_and(|own| own.bytes().strip_suffix(&[0]) == Some(device_type.as_bytes()))
    }

    /// Returns the node's `#address-cells` and `#size-cells` (2.3.5); `None` if one of them is
    /// invalid.
    fn cells_below(&self) -> Option<(u32, u32)> {
        // The defaults.
        let (mut address, mut size) = (2, 1);
        if let Some(value) = self.own(ADDRESS_CELLS) {
            address = value.cell(0)?;
        }
        if let Some(value) = self.own(SIZE_CELLS) {
            size = value.cell(0)?;
        }
        Some((address, size))
    }

    /// Returns whether the node is enabled (2.3.4). Nodes that only the secure state can access are
    /// disabled.
    pub(crate) fn is_on(&self) -> bool {
        let status = self.own(STATUS);
        status.is_none_or(|status| matches!(status.bytes(), b"okay\0" | b"ok\0"))
    }

    /// Returns whether `reg` is absent, or consists of whole entries with an address and a size
    /// that [`registers`](Self::registers) reads: the length must be a multiple of an entry
    /// (2.3.6).
    pub(super) fn has_whole_registers(&self) -> bool {
        let (address, size) = self.cells;
        let is_read = |cells| matches!(cells, 1 | 2);
        self.own(REGISTERS).is_none_or(|value| {
            let entry = 4 * (address as usize).wrapping_add(size as usize);
            is_read(address) && is_read(size) && value.bytes().len().is_multiple_of(entry)
        })
    }

    /// Returns the base and size of an entry of `reg` (2.3.6).
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

/// Walks over the nodes. Every step reads new tokens, so the walk ends.
pub(super) struct Nodes<'a> {
    /// The position of the next token.
    at: usize,
    /// The number of open nodes.
    depth: usize,
    /// `#address-cells` and `#size-cells` of each open node.
    cells: [(u32, u32); DEPTH],
    /// For each of the names in [`OWN`], the length of the strings block from this name on, once it
    /// was found.
    names: Own,
    /// The position of the last child of the root to visit.
    last: usize,
    /// Whether the walk reached the end of the tree.
    is_complete: bool,
    /// The current node, kept here so that callers can borrow it without a copy.
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
            is_complete: false,
            node: Node {
                properties: Properties { blob, at: 0 },
                start: 0,
                depth: 0,
                cells: (0, 0),
                own: [0; OWN.len()],
            },
        }
    }

    /// Returns the nodes from the child of the root that starts at `first` to the one that starts
    /// at `last`, with their descendants. `root` holds `#address-cells` and `#size-cells` of the
    /// root.
    pub(super) fn between(blob: Blob<'a>, first: usize, last: usize, root: (u32, u32)) -> Self {
        let mut nodes = Self::new(blob);
        nodes.at = first;
        nodes.last = last;
        nodes.depth = 1;
        nodes.cells[0] = root;
        nodes
    }

    /// Returns `#address-cells` and `#size-cells` of the root, after the walk.
    pub(super) fn cells_of_root(&self) -> (u32, u32) {
        self.cells[0]
    }

    /// Returns whether the walk reached the end of the tree; false for a malformed tree.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Advances to the next node; like [`Iterator::next`], but returns a reference.
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
                // A property after a child node belongs to no node.
                PROPERTY => self.at = blob.property(self.at)?.1,
                END => {
                    self.is_complete = self.depth == 0;
                    return None;
                }
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
                        // Most trees store each name once.
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
