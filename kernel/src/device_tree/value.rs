//! The value of a property.

/// The value of a property: cells or text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Value<'a> {
    /// The cells, big-endian as in memory, with padding in the last one.
    cells: &'a [u32],
    /// The length of the value in bytes.
    length: usize,
}

impl<'a> Value<'a> {
    /// Creates a value of `length` bytes from `cells`, which must be exactly as many as needed.
    pub(super) fn new(cells: &'a [u32], length: usize) -> Self {
        Self { cells, length }
    }

    /// Returns the number of complete cells.
    pub(crate) fn cells(self) -> usize {
        self.length / 4
    }

    /// Returns one cell of the value.
    #[inline]
    pub(crate) fn cell(self, index: usize) -> Option<u32> {
        let cell = *self.cells.get(index)?;
        (index < self.cells()).then_some(u32::from_be(cell))
    }

    /// Returns the number in `cells` cells (1 or 2) from `index` on.
    pub(crate) fn wide(self, index: usize, cells: usize) -> Option<u64> {
        let first = u64::from(self.cell(index)?);
        match cells {
            1 => Some(first),
            2 => Some(first << 32 | u64::from(self.cell(index.checked_add(1)?)?)),
            _ => None,
        }
    }

    /// Returns the bytes of the value.
    pub(crate) fn bytes(self) -> &'a [u8] {
        bytes(self.cells).get(..self.length).unwrap_or_default()
    }

    /// Returns the bytes before the first zero, and those after it.
    pub(crate) fn first_text(self) -> Option<(&'a [u8], &'a [u8])> {
        let bytes = self.bytes();
        let is_last = |&cell: &u32| has_zero(cell);
        let start = 4 * self.cells.iter().position(is_last)?;
        let rest = bytes.get(start..)?;
        let end = start + rest.iter().position(|&byte| byte == 0)?;
        Some((&bytes[..end], &bytes[end + 1..]))
    }

    /// Returns the value as text, without the terminating zero.
    pub(crate) fn text(self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes().strip_suffix(&[0])?).ok()
    }
}

/// Returns the bytes of cells, in memory order.
pub(super) fn bytes(cells: &[u32]) -> &[u8] {
    // SAFETY: a `u32` is four bytes, of any value, and a byte is aligned anywhere.
    let (_, bytes, _) = unsafe { cells.align_to() };
    bytes
}

/// Returns whether one of the four bytes is zero.
pub(super) const fn has_zero(cell: u32) -> bool {
    cell.wrapping_sub(0x0101_0101) & !cell & 0x8080_8080 != 0
}
