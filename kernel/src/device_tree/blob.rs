//! A device tree as it lies in memory (Devicetree Specification 0.4, chapter 5).
//!
//! It is walked in one pass and never searched by name more than needed: the kernel reads it each
//! time it starts, with translation off. What is cut short or makes no sense ends the walk there.

use core::fmt;

use vmos_drivers::address::PhysicalAddress;

use super::node::{Node, cell};

/// The tags of the structure block (5.4.1).
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

/// The magic number of the header (5.2).
const MAGIC: u32 = 0xd00d_feed;
/// The version of the format that this reader knows (5.2).
const VERSION: u32 = 17;
/// The header's size: ten cells (5.2).
const HEADER: usize = 40;

/// How deep a node may lie: deeper than in any tree that describes a machine.
const DEPTH: usize = 16;

/// Why a device tree cannot be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unusable {
    address: PhysicalAddress,
    reason: &'static str,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no device tree at {}: {}", self.address, self.reason)
    }
}

/// The whole of it.
#[derive(Clone, Copy)]
pub(crate) struct Blob<'a> {
    data: &'a [u8],
    structure: &'a [u8],
    strings: &'a [u8],
    reservations: &'a [u8],
}

impl Blob<'static> {
    /// The one at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be what the loader gave, and what is there must not change any more.
    pub(super) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        let start = address.0 as *const u8;
        // SAFETY: the loader puts nothing else there, and the header's size is fixed.
        let header = unsafe { core::slice::from_raw_parts(start, HEADER) };
        let size = size(header).map_err(|reason| Unusable { address, reason })?;
        // SAFETY: the header is sound, and says that the blob is as large.
        Self::new(unsafe { core::slice::from_raw_parts(start, size) })
    }
}

/// The size that a header tells, if it is one (5.2).
fn size(header: &[u8]) -> Result<usize, &'static str> {
    if cell(header, 0) != Some(MAGIC) {
        return Err("it does not begin as one does");
    }
    let (Some(version), Some(oldest)) = (cell(header, 5), cell(header, 6)) else {
        return Err("its header is cut short");
    };
    if !(oldest..=version).contains(&VERSION) {
        return Err("it is of another version of the format than 17");
    }
    match cell(header, 1) {
        Some(size) if size as usize >= HEADER => Ok(size as usize),
        _ => Err("its header is cut short"),
    }
}

impl<'a> Blob<'a> {
    /// The one in `data`.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Unusable> {
        let unusable = |reason| Unusable {
            address: PhysicalAddress(data.as_ptr() as u64),
            reason,
        };
        let data = data
            .get(..size(data).map_err(unusable)?)
            .ok_or_else(|| unusable("it is cut short"))?;
        let block = |offset: usize, size: Option<usize>| {
            let rest = data.get(cell(data, offset)? as usize..)?;
            match size {
                Some(size) => rest.get(..cell(data, size)? as usize),
                None => Some(rest),
            }
        };
        match (block(2, Some(9)), block(3, Some(8)), block(4, None)) {
            (Some(structure), Some(strings), Some(reservations)) => Ok(Self {
                data,
                structure,
                strings,
                reservations,
            }),
            _ => Err(unusable("a block of it lies outside of it")),
        }
    }

    /// The bytes.
    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The memory reservation block (5.3): bases and sizes up to a pair of zeros.
    pub(super) fn reservations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let (pairs, _) = self.reservations.as_chunks::<16>();
        pairs
            .iter()
            .map(|pair| {
                let pair = u128::from_be_bytes(*pair);
                ((pair >> 64) as u64, pair as u64)
            })
            .take_while(|&pair| pair != (0, 0))
    }

    /// Every node, each before those below it.
    pub(super) fn nodes(&self) -> Nodes<'a> {
        Nodes {
            blob: *self,
            offset: 0,
            depth: 0,
            cells: [(0, 0); DEPTH],
        }
    }

    /// The token at `offset` of the structure block, and where the next one is.
    pub(super) fn token(&self, offset: usize) -> Option<(Token<'a>, usize)> {
        let mut at = offset;
        let tag = loop {
            let tag = number(self.structure, at)?;
            at += 4;
            if tag != NOP {
                break tag;
            }
        };
        match tag {
            BEGIN_NODE => {
                let rest = self.structure.get(at..)?;
                let length = rest.iter().position(|&byte| byte == 0)?;
                Some((Token::Begin(&rest[..length]), aligned(at + length + 1)))
            }
            PROPERTY => {
                let length = number(self.structure, at)? as usize;
                let name = self
                    .strings
                    .get(number(self.structure, at + 4)? as usize..)?;
                let start = at + 8;
                let end = start.checked_add(length)?;
                let value = self.structure.get(start..end)?;
                Some((Token::Property(Property { name, value }), aligned(end)))
            }
            END_NODE => Some((Token::End, at)),
            _ => None,
        }
    }
}

/// Tokens begin at multiples of a cell (5.4.1).
fn aligned(offset: usize) -> usize {
    offset.next_multiple_of(4)
}

fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// A token of the structure block.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    /// A node begins.
    Begin(&'a [u8]),
    /// The node that began last has this property.
    Property(Property<'a>),
    /// The node that began last ends.
    End,
}

/// A property of a node.
#[derive(Clone, Copy)]
pub(super) struct Property<'a> {
    /// The strings block from its name on.
    name: &'a [u8],
    pub(super) value: &'a [u8],
}

impl Property<'_> {
    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        // Most differ in their first byte, which spares a call.
        self.name.first() == name.as_bytes().first()
            && self
                .name
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.first() == Some(&0))
    }
}

/// Walks over the nodes.
pub(super) struct Nodes<'a> {
    blob: Blob<'a>,
    offset: usize,
    /// How many nodes have begun and not ended.
    depth: usize,
    /// `#address-cells` and `#size-cells` of each of them.
    cells: [(u32, u32); DEPTH],
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let (token, next) = self.blob.token(self.offset)?;
            self.offset = next;
            match token {
                Token::Begin(name) => {
                    let parent = self.depth.checked_sub(1);
                    let cells = parent.map_or((0, 0), |parent| self.cells[parent]);
                    // What holds where a node does not say (2.3.5).
                    *self.cells.get_mut(self.depth)? = (2, 1);
                    self.depth += 1;
                    return Some(Node::new(self.blob, next, name, self.depth - 1, cells));
                }
                Token::Property(property) => {
                    let cells = self.cells.get_mut(self.depth.checked_sub(1)?)?;
                    if property.is("#address-cells") {
                        cells.0 = cell(property.value, 0)?;
                    } else if property.is("#size-cells") {
                        cells.1 = cell(property.value, 0)?;
                    }
                }
                Token::End => self.depth = self.depth.checked_sub(1)?,
            }
        }
    }
}
