//! Device memory in equal blocks, each used by the device or by the driver.

use super::{Buffer, OutOfMemory};
use crate::address::PhysicalAddress;

/// One allocation divided into blocks of equal size that start on cache lines.
///
/// A reference covers only one block, so the device can use others at the same time. An index or an
/// offset out of range has no effect: reads return 0, slices are empty, and writes do nothing.
#[derive(Debug)]
pub struct Blocks {
    memory: Buffer,
    size: usize,
    count: usize,
}

impl Blocks {
    /// Allocates `count` zeroed blocks of at least `size` bytes.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if there is not enough memory.
    pub fn new(count: u16, size: usize) -> Result<Self, OutOfMemory> {
        let count = usize::from(count);
        let out_of_memory = OutOfMemory { bytes: size };
        let size = size
            .max(1)
            .checked_next_multiple_of(super::LINE)
            .ok_or(out_of_memory)?;
        let len = size.checked_mul(count).ok_or(out_of_memory)?;
        Ok(Self {
            memory: Buffer::new(len)?,
            size,
            count,
        })
    }

    /// Returns the size of a block in bytes.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Leaks the memory: it is never freed; see [`Buffer::leak`].
    pub fn leak(&mut self) {
        self.memory.leak();
    }

    /// Returns the address of `block` for a device.
    #[inline]
    #[must_use]
    pub fn address(&self, block: u16) -> PhysicalAddress {
        PhysicalAddress(self.memory.address().0 + (usize::from(block) * self.size) as u64)
    }

    /// Returns a pointer to `len` bytes at `offset` in `block`; `None` if they are not all in it.
    #[inline]
    fn place(&self, block: u16, offset: usize, len: usize) -> Option<*mut u8> {
        let block = usize::from(block);
        let inside = block < self.count && offset <= self.size && len <= self.size - offset;
        inside.then(|| {
            self.memory
                .as_ptr()
                .as_ptr()
                .wrapping_add(block * self.size + offset)
        })
    }

    /// Returns `len` bytes at `offset` in `block`. The device must not be using them.
    #[inline]
    #[must_use]
    pub fn bytes(&self, block: u16, offset: usize, len: usize) -> &[u8] {
        match self.place(block, offset, len) {
            // SAFETY: the bytes are in our memory, initialised, and unique borrows of them need a
            // unique borrow of all blocks.
            Some(place) => unsafe { core::slice::from_raw_parts(place, len) },
            None => &[],
        }
    }

    /// Returns `len` bytes at `offset` in `block`. The device must not be using them.
    #[inline]
    #[must_use]
    pub fn bytes_mut(&mut self, block: u16, offset: usize, len: usize) -> &mut [u8] {
        match self.place(block, offset, len) {
            // SAFETY: as in `bytes`; all blocks are borrowed uniquely.
            Some(place) => unsafe { core::slice::from_raw_parts_mut(place, len) },
            None => &mut [],
        }
    }

    /// Reads the byte at `offset` of `block`, which the device may be writing.
    #[inline]
    #[must_use]
    pub fn read8(&self, block: u16, offset: usize) -> u8 {
        match self.place(block, offset, 1) {
            // SAFETY: the byte is in our memory.
            Some(place) => unsafe { place.read_volatile() },
            None => 0,
        }
    }

    /// Writes the byte at `offset` of `block`.
    #[inline]
    pub fn write8(&mut self, block: u16, offset: usize, value: u8) {
        if let Some(place) = self.place(block, offset, 1) {
            // SAFETY: the byte is in our memory.
            unsafe { place.write_volatile(value) };
        }
    }

    /// Reads the little-endian number at `offset` of `block`, a multiple of 2.
    #[inline]
    #[must_use]
    pub fn read16(&self, block: u16, offset: usize) -> u16 {
        match self.place(block, offset & !1, 2) {
            // SAFETY: the two bytes are in our memory, and aligned since blocks are.
            Some(place) => u16::from_le(unsafe { place.cast::<u16>().read_volatile() }),
            None => 0,
        }
    }

    /// Writes a little-endian number at `offset` of `block`, a multiple of 2.
    #[inline]
    pub fn write16(&mut self, block: u16, offset: usize, value: u16) {
        if let Some(place) = self.place(block, offset & !1, 2) {
            // SAFETY: the two bytes are in our memory, and aligned since blocks are.
            unsafe { place.cast::<u16>().write_volatile(value.to_le()) };
        }
    }

    /// Writes a little-endian number at `offset` of `block`, a multiple of 8.
    #[inline]
    pub fn write64(&mut self, block: u16, offset: usize, value: u64) {
        if let Some(place) = self.place(block, offset & !7, 8) {
            // SAFETY: the eight bytes are in our memory, and aligned since blocks are.
            unsafe { place.cast::<u64>().write_volatile(value.to_le()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Blocks {
        Blocks::new(2, 100).expect("the host has 256 bytes")
    }

    #[test]
    fn a_block_starts_on_a_cache_line() {
        let blocks = blocks();
        assert_eq!(blocks.size(), 128);
        assert_eq!(blocks.address(1).0 - blocks.address(0).0, 128);
        assert_eq!(blocks.address(1).0 % 64, 0);
    }

    #[test]
    fn an_access_out_of_range_has_no_effect() {
        let mut blocks = blocks();
        assert!(blocks.bytes(2, 0, 1).is_empty());
        assert!(blocks.bytes_mut(1, 120, 9).is_empty());
        assert!(blocks.bytes(0, usize::MAX, 2).is_empty());
        blocks.write8(2, 0, 1);
        blocks.write64(1, 128, 1);
        assert_eq!(blocks.read8(0, 128), 0);
    }

    #[test]
    fn written_values_are_read_back() {
        let mut blocks = blocks();
        blocks.write64(1, 8, 0x0102_0304_0506_0708);
        assert_eq!(blocks.read16(1, 8), 0x0708);
        assert_eq!(blocks.read8(1, 15), 1);
        blocks.write8(1, 9, 0xff);
        assert_eq!(blocks.bytes(1, 8, 3), [8, 0xff, 6]);
        blocks.write16(1, 10, 0x0a0b);
        assert_eq!(blocks.bytes(1, 9, 4), [0xff, 0x0b, 0x0a, 4]);
        assert_eq!(blocks.bytes(0, 8, 3), [0, 0, 0]);
    }
}
