//! The format of a device tree in memory (Devicetree Specification 0.4, chapter 5).
//!
//! The header and the structure block consist of aligned 32-bit cells (5.2, 5.4, 5.6), and are read
//! as such: the kernel reads the tree with translation off, when some processors do not support
//! unaligned accesses. Truncated or invalid data ends a walk over the nodes.

use core::fmt;

use vmos_drivers::address::PhysicalAddress;

use super::node::Nodes;
use super::value::Value;

/// The tokens of the structure block (5.4.1).
pub(super) const BEGIN_NODE: u32 = 1;
pub(super) const END_NODE: u32 = 2;
pub(super) const PROPERTY: u32 = 3;
pub(super) const NOP: u32 = 4;
pub(super) const END: u32 = 9;

/// The magic number of the header (5.2).
const MAGIC: u32 = 0xd00d_feed;
/// The supported version of the format (5.2).
const VERSION: u32 = 17;
/// The size of the header: ten cells, in bytes (5.2).
const HEADER: usize = 40;
/// The position of the offset of the memory reservation block, in cells.
const RESERVATIONS: usize = 4;

/// Why a device tree cannot be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unusable {
    address: PhysicalAddress,
    reason: &'static str,
}

impl fmt::Display for Unusable {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no device tree at {}: {}", self.address, self.reason)
    }
}

/// A device tree blob.
#[derive(Clone, Copy)]
pub(crate) struct Blob<'a> {
    data: &'a [u8],
    /// The structure block, big-endian.
    structure: &'a [u32],
    strings: &'a [u8],
}

impl Blob<'static> {
    /// Opens the blob at `address`.
    ///
    /// # Safety
    ///
    /// `address` must come from the loader, and the memory there must not change.
    pub(super) unsafe fn at(address: PhysicalAddress) -> Result<Self, Unusable> {
        let start = address.0 as *const u8;
        // SAFETY: the loader places a blob there, and the header's size is fixed.
        let header = unsafe { core::slice::from_raw_parts(start, HEADER) };
        let unusable = |reason| Unusable { address, reason };
        let header = Header::of(header).map_err(unusable)?;
        // SAFETY: the header is valid, and contains the blob's size.
        let data = unsafe { core::slice::from_raw_parts(start, header.size) };
        header.blob(data).map_err(unusable)
    }
}

/// Returns `bytes` as cells in the blob's byte order, without a partial last cell. `None` if they
/// are not aligned to 4.
fn cells(bytes: &[u8]) -> Option<&[u32]> {
    // SAFETY: any four bytes are a valid `u32`.
    let (before, cells, _) = unsafe { bytes.align_to() };
    before.is_empty().then_some(cells)
}

/// What a valid header contains (5.2): offsets from the start of the blob, and sizes, in bytes.
struct Header {
    size: usize,
    structure: usize,
    structure_size: usize,
    strings: usize,
    strings_size: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`.
    fn of(bytes: &[u8]) -> Result<Self, &'static str> {
        let cells = cells(bytes).ok_or("not aligned")?;
        let &[
            magic,
            size,
            structure,
            strings,
            _reservations,
            version,
            oldest,
            _processor,
            strings_size,
            structure_size,
            ..,
        ] = cells
        else {
            return Err("truncated header");
        };
        if u32::from_be(magic) != MAGIC {
            return Err("wrong magic number");
        }
        if !(u32::from_be(oldest)..=u32::from_be(version)).contains(&VERSION) {
            return Err("incompatible with version 17");
        }
        let number = |cell| u32::from_be(cell) as usize;
        let header = Self {
            size: number(size),
            structure: number(structure),
            structure_size: number(structure_size),
            strings: number(strings),
            strings_size: number(strings_size),
        };
        if header.size < HEADER {
            return Err("truncated header");
        }
        Ok(header)
    }

    /// Returns the blob in `data`, which starts with this header.
    fn blob<'a>(&self, data: &'a [u8]) -> Result<Blob<'a>, &'static str> {
        let data = data.get(..self.size).ok_or("truncated")?;
        let block = |offset, size| data.get(offset..)?.get(..size);
        let blocks = || {
            reservations(data)?;
            Some(Blob {
                data,
                structure: cells(block(self.structure, self.structure_size)?)?,
                strings: block(self.strings, self.strings_size)?,
            })
        };
        blocks().ok_or("a block lies outside of it")
    }
}

impl<'a> Blob<'a> {
    /// Opens the blob in `data`.
    #[cfg(not(target_os = "none"))]
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Unusable> {
        let header = Header::of(data).and_then(|header| header.blob(data));
        header.map_err(|reason| Unusable {
            address: PhysicalAddress(data.as_ptr() as u64),
            reason,
        })
    }

    /// Returns the bytes of the blob.
    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Returns the memory reservation block (5.3): bases and sizes, up to a pair of zeros.
    pub(super) fn reservations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let (pairs, _) = reservations(self.data).unwrap_or_default().as_chunks();
        pairs
            .iter()
            .map(|&[base_high, base, size_high, size]| {
                let wide =
                    |high, low| u64::from(u32::from_be(high)) << 32 | u64::from(u32::from_be(low));
                (wide(base_high, base), wide(size_high, size))
            })
            .take_while(|&pair| pair != (0, 0))
    }

    /// Returns every node, parents before children.
    pub(super) fn nodes(&self) -> Nodes<'a> {
        Nodes::new(*self)
    }

    /// Returns the cell at index `at` of the structure block.
    #[inline]
    pub(super) fn cell(&self, at: usize) -> Option<u32> {
        self.structure.get(at).copied().map(u32::from_be)
    }

    /// Returns the structure block from `at` on.
    pub(super) fn from(&self, at: usize) -> &'a [u32] {
        self.structure.get(at..).unwrap_or_default()
    }

    /// Returns the property at `at`, after its token, and the position of the next token.
    #[inline]
    pub(super) fn property(&self, at: usize) -> Option<(Property<'a>, usize)> {
        let [length, name, rest @ ..] = self.structure.get(at..)? else {
            return None;
        };
        let length = u32::from_be(*length) as usize;
        // Tokens are aligned to a cell (5.4.1).
        let cells = length.div_ceil(4);
        let property = Property {
            name: self.strings.get(u32::from_be(*name) as usize..)?,
            value: Value::new(rest.get(..cells)?, length),
        };
        Some((property, at + 2 + cells))
    }
}

/// Returns the memory reservation block and everything after it, in the blob `data`.
fn reservations(data: &[u8]) -> Option<&[u32]> {
    let offset = u32::from_be(*cells(data)?.get(RESERVATIONS)?);
    cells(data.get(offset as usize..)?)
}

/// A property of a node.
#[derive(Clone, Copy)]
pub(super) struct Property<'a> {
    /// The strings block, from the property's name on.
    pub(super) name: &'a [u8],
    pub(super) value: Value<'a>,
}

impl Property<'_> {
    /// Returns whether the property has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        is_text(self.name, name)
    }
}

/// Returns whether `bytes` start with `text` and a terminating zero. Compares the first byte before
/// the rest.
#[inline]
pub(super) fn is_text(bytes: &[u8], text: &str) -> bool {
    bytes.first() == text.as_bytes().first() && is_text_throughout(bytes, text)
}

/// Like [`is_text`], but compares all bytes at once. Not inlined, because most texts already differ
/// in their first byte.
#[inline(never)]
fn is_text_throughout(bytes: &[u8], text: &str) -> bool {
    let same = |(byte, expected): (&u8, &u8)| byte == expected;
    bytes.get(text.len()) == Some(&0) && bytes.iter().zip(text.as_bytes()).all(same)
}
