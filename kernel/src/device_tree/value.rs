//! What a property holds.

/// What a property holds: cells, or text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Value<'a> {
    /// As in memory: big-endian, with what fills up the last one.
    cells: &'a [u32],
    /// In bytes.
    length: usize,
}

impl<'a> Value<'a> {
    /// The first `length` bytes of `cells`, which are as many cells as they take.
    pub(super) fn new(cells: &'a [u32], length: usize) -> Self {
        Self { cells, length }
    }

    /// How many whole cells it is.
    pub(crate) fn cells(self) -> usize {
        self.length / 4
    }

    /// One cell of it.
    #[inline]
    pub(crate) fn cell(self, index: usize) -> Option<u32> {
        let cell = *self.cells.get(index)?;
        (index < self.cells()).then_some(u32::from_be(cell))
    }

    /// The number in `cells` cells from `index` on, 1 or 2 of them.
    pub(crate) fn wide(self, index: usize, cells: usize) -> Option<u64> {
        let first = u64::from(self.cell(index)?);
        match cells {
            1 => Some(first),
            2 => Some(first << 32 | u64::from(self.cell(index.checked_add(1)?)?)),
            _ => None,
        }
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> &'a [u8] {
        bytes(self.cells).get(..self.length).unwrap_or_default()
    }

    /// The bytes up to the first zero, and those behind it.
    pub(crate) fn first_text(self) -> Option<(&'a [u8], &'a [u8])> {
        let bytes = self.bytes();
        let is_last = |&cell: &u32| has_zero(cell);
        let start = 4 * self.cells.iter().position(is_last)?;
        let rest = bytes.get(start..)?;
        let end = start + rest.iter().position(|&byte| byte == 0)?;
        Some((&bytes[..end], &bytes[end + 1..]))
    }

    /// The text that it is, without the zero at its end.
    pub(crate) fn text(self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes().strip_suffix(&[0])?).ok()
    }
}

/// The bytes that cells consist of, in the order in which they are in memory.
pub(super) fn bytes(cells: &[u32]) -> &[u8] {
    // SAFETY: a `u32` is four bytes, of any value, and a byte is aligned anywhere.
    let (_, bytes, _) = unsafe { cells.align_to() };
    bytes
}

/// Whether one of the four bytes is zero.
pub(super) const fn has_zero(cell: u32) -> bool {
    cell.wrapping_sub(0x0101_0101) & !cell & 0x8080_8080 != 0
}
