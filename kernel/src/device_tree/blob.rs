//! A device tree as it lies in memory (Devicetree Specification 0.4, chapter 5).
//!
//! Its header and its structure block are cells of 32 bits at addresses that are multiples of 4
//! (5.2, 5.4, 5.6), and are read as such: the kernel reads the tree with translation off, where a
//! processor may not access memory at any other address. What is cut short or makes no sense ends a
//! walk over the nodes there.

use core::fmt;

use vmos_drivers::address::PhysicalAddress;

use super::node::Nodes;
use super::value::Value;

/// The tags of the structure block (5.4.1).
pub(super) const BEGIN_NODE: u32 = 1;
pub(super) const END_NODE: u32 = 2;
pub(super) const PROPERTY: u32 = 3;
pub(super) const NOP: u32 = 4;

/// The magic number of the header (5.2).
const MAGIC: u32 = 0xd00d_feed;
/// The version of the format that this reader knows (5.2).
const VERSION: u32 = 17;
/// The size of the header in bytes: ten cells (5.2).
const HEADER: usize = 40;

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

/// The whole of it.
#[derive(Clone, Copy)]
pub(crate) struct Blob<'a> {
    data: &'a [u8],
    /// The structure block, as it lies in memory: big-endian.
    structure: &'a [u32],
    strings: &'a [u8],
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

/// The cells that `bytes` are, in the byte order of the blob. `None` where they do not begin at a
/// multiple of 4; what is left over at the end is in no cell.
fn cells(bytes: &[u8]) -> Option<&[u32]> {
    // SAFETY: any four bytes are a `u32`.
    let (before, cells, _) = unsafe { bytes.align_to() };
    before.is_empty().then_some(cells)
}

/// The size that a header tells, if it is one (5.2).
fn size(header: &[u8]) -> Result<usize, &'static str> {
    let fields = cells(header).ok_or("it is not aligned")?;
    let field = |index: usize| fields.get(index).copied().map(u32::from_be);
    if field(0) != Some(MAGIC) {
        return Err("it does not begin as one does");
    }
    let (Some(version), Some(oldest)) = (field(5), field(6)) else {
        return Err("its header is cut short");
    };
    if !(oldest..=version).contains(&VERSION) {
        return Err("it is of another version of the format than 17");
    }
    match field(1) {
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
        let blocks = || {
            let block = |offset, size| Some((field(data, offset)?, field(data, size)?));
            let (structure, strings) = (block(2, 9)?, block(3, 8)?);
            let structure = cells(data.get(structure.0..)?.get(..structure.1)?)?;
            let strings = data.get(strings.0..)?.get(..strings.1)?;
            reservations(data)?;
            Some((structure, strings))
        };
        let (structure, strings) =
            blocks().ok_or_else(|| unusable("a block of it lies outside of it"))?;
        Ok(Self {
            data,
            structure,
            strings,
        })
    }

    /// The bytes.
    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The memory reservation block (5.3): bases and sizes up to a pair of zeros.
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

    /// Every node, each before those below it.
    pub(super) fn nodes(&self) -> Nodes<'a> {
        Nodes::new(*self)
    }

    /// The cell at `at` of the structure block.
    #[inline]
    pub(super) fn cell(&self, at: usize) -> Option<u32> {
        self.structure.get(at).copied().map(u32::from_be)
    }

    /// The structure block from `at` on.
    pub(super) fn from(&self, at: usize) -> &'a [u32] {
        self.structure.get(at..).unwrap_or_default()
    }

    /// The property at `at`, which is behind a tag that says so, and where the next token is.
    #[inline]
    pub(super) fn property(&self, at: usize) -> Option<(Property<'a>, usize)> {
        let [length, name, rest @ ..] = self.structure.get(at..)? else {
            return None;
        };
        let length = u32::from_be(*length) as usize;
        // Tokens begin at multiples of a cell (5.4.1).
        let cells = length.div_ceil(4);
        let property = Property {
            name: self.strings.get(u32::from_be(*name) as usize..)?,
            value: Value::new(rest.get(..cells)?, length),
        };
        Some((property, at + 2 + cells))
    }
}

/// A field of a header that is known to be sound.
fn field(data: &[u8], index: usize) -> Option<usize> {
    Some(u32::from_be(*cells(data)?.get(index)?) as usize)
}

/// The memory reservation block, and all that is behind it.
fn reservations(data: &[u8]) -> Option<&[u32]> {
    cells(data.get(field(data, 4)?..)?)
}

/// A property of a node.
#[derive(Clone, Copy)]
pub(super) struct Property<'a> {
    /// The strings block from its name on.
    pub(super) name: &'a [u8],
    pub(super) value: Value<'a>,
}

impl Property<'_> {
    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        is_text(self.name, name)
    }
}

/// Whether `bytes` begin with `text` and the zero that ends it. Most differ in their first byte.
#[inline]
pub(super) fn is_text(bytes: &[u8], text: &str) -> bool {
    bytes.first() == text.as_bytes().first() && is_text_throughout(bytes, text)
}

/// The same, for texts that are likely to be the same: a call for each would cost more than it does.
#[inline(never)]
fn is_text_throughout(bytes: &[u8], text: &str) -> bool {
    let same = |(byte, expected): (&u8, &u8)| byte == expected;
    bytes.get(text.len()) == Some(&0) && bytes.iter().zip(text.as_bytes()).all(same)
}
