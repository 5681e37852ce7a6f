//! A node, and what its properties hold (Devicetree Specification 0.4, chapter 2).

use super::blob::{Blob, Token};

/// A node.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    blob: Blob<'a>,
    /// Where its first property would be.
    offset: usize,
    name: &'a [u8],
    depth: usize,
    /// How many cells an address and a size take, by its parent.
    cells: (u32, u32),
}

impl<'a> Node<'a> {
    pub(super) fn new(
        blob: Blob<'a>,
        offset: usize,
        name: &'a [u8],
        depth: usize,
        cells: (u32, u32),
    ) -> Self {
        Self {
            blob,
            offset,
            name,
            depth,
            cells,
        }
    }

    /// Its name, with the unit address.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.name
    }

    /// How far below the root it is.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// How many cells an address takes in its parent.
    pub(crate) fn parents_address_cells(&self) -> usize {
        self.cells.0 as usize
    }

    /// What a property holds. Properties stand before the nodes below (5.4.2).
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let mut offset = self.offset;
        loop {
            match self.blob.token(offset)? {
                (Token::Property(property), _) if property.is(name) => return Some(property.value),
                (Token::Property(_), next) => offset = next,
                (Token::Begin(_) | Token::End, _) => return None,
            }
        }
    }

    /// A property that is one cell.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        cell(self.value(name)?, 0)
    }

    /// A property that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        core::str::from_utf8(self.value(name)?.strip_suffix(&[0])?).ok()
    }

    /// Whether it is there for the system that runs (2.3.4): what only the secure state reaches is
    /// switched off.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self.value("status"), None | Some(b"okay\0" | b"ok\0"))
    }

    /// The base and size of an entry of `reg` (2.3.6).
    pub(crate) fn registers(&self, index: usize) -> Option<(u64, u64)> {
        let (address, size) = (self.cells.0 as usize, self.cells.1 as usize);
        let start = index.checked_mul(address.checked_add(size)?)?;
        let value = self.value("reg")?;
        Some((
            wide(value, start, address)?,
            wide(value, start.checked_add(address)?, size)?,
        ))
    }
}

/// One cell of a property.
#[inline(never)]
pub(crate) fn cell(value: &[u8], index: usize) -> Option<u32> {
    let (cells, _) = value.as_chunks();
    Some(u32::from_be_bytes(*cells.get(index)?))
}

/// A number of so many cells, 1 or 2 of them.
pub(crate) fn wide(value: &[u8], index: usize, cells: usize) -> Option<u64> {
    let first = u64::from(cell(value, index)?);
    match cells {
        1 => Some(first),
        2 => Some(first << 32 | u64::from(cell(value, index.checked_add(1)?)?)),
        _ => None,
    }
}
