//! Device registers.
//!
//! Drivers use the trait [`Registers`], so that a host test can simulate the device's registers. On
//! a board the registers are [`Mmio`].

use core::fmt;

use crate::address::Range;

/// The registers of one device, addressed by byte offset from the first one.
///
/// Each access has exactly the width in its name. An offset must be a multiple of this width and
/// within the device's registers.
pub trait Registers {
    /// Reads the 8-bit register at `offset`.
    fn read8(&self, offset: usize) -> u8;
    /// Reads the 16-bit register at `offset`.
    fn read16(&self, offset: usize) -> u16;
    /// Reads the 32-bit register at `offset`.
    fn read32(&self, offset: usize) -> u32;
    /// Reads the 64-bit register at `offset`; a 32-bit processor does so in two accesses.
    fn read64(&self, offset: usize) -> u64;
    /// Writes the 8-bit register at `offset`.
    fn write8(&self, offset: usize, value: u8);
    /// Writes the 16-bit register at `offset`.
    fn write16(&self, offset: usize, value: u16);
    /// Writes the 32-bit register at `offset`.
    fn write32(&self, offset: usize, value: u32);
    /// Writes the 64-bit register at `offset`; a 32-bit processor does so in two accesses.
    fn write64(&self, offset: usize, value: u64);
}

/// Memory-mapped registers.
///
/// Copies access the same device. As [`Mmio::new`] requires, only one driver may use them.
#[derive(Clone, Copy)]
pub struct Mmio {
    base: *mut u8,
    size: usize,
}

// SAFETY: the registers belong to no thread; a volatile access is the same from each.
unsafe impl Send for Mmio {}

impl Mmio {
    /// Creates the registers in `range`.
    ///
    /// # Safety
    ///
    /// `range` must be within the processor's address space, be mapped as device memory, and
    /// contain device registers and no memory that Rust uses, for as long as this value or a copy
    /// of it is in use. Nothing else may drive the device in the meantime.
    #[must_use]
    pub const unsafe fn new(range: Range) -> Self {
        Self {
            base: core::ptr::with_exposed_provenance_mut(range.base.0 as usize),
            size: range.size as usize,
        }
    }

    #[inline]
    fn register<T>(&self, offset: usize) -> *mut T {
        debug_assert!(
            offset.is_multiple_of(size_of::<T>())
                && offset
                    .checked_add(size_of::<T>())
                    .is_some_and(|end| end <= self.size),
            "register {offset:#x} is not one of {self:?}"
        );
        self.base.wrapping_add(offset).cast()
    }
}

impl fmt::Debug for Mmio {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} bytes at {:p}", self.size, self.base)
    }
}

macro_rules! volatile_access {
    ($read:ident, $write:ident, $width:ty) => {
        #[inline]
        fn $read(&self, offset: usize) -> $width {
            // SAFETY: `new` requires device registers here, and the offset is within them.
            unsafe { self.register::<$width>(offset).read_volatile() }
        }

        #[inline]
        fn $write(&self, offset: usize, value: $width) {
            // SAFETY: `new` requires device registers here, and the offset is within them.
            unsafe { self.register::<$width>(offset).write_volatile(value) }
        }
    };
}

impl Registers for Mmio {
    volatile_access!(read8, write8, u8);
    volatile_access!(read16, write16, u16);
    volatile_access!(read32, write32, u32);
    volatile_access!(read64, write64, u64);
}

#[cfg(test)]
pub(crate) mod words;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PhysicalAddress;

    #[test]
    fn an_access_has_its_width_and_place() {
        let mut memory = [0_u64; 2];
        let base = memory.as_mut_ptr().expose_provenance() as u64;
        let range = Range {
            base: PhysicalAddress(base),
            size: 16,
        };
        // SAFETY: the array outlives `registers` and is not used while they are.
        let registers = unsafe { Mmio::new(range) };
        registers.write64(0, u64::MAX);
        registers.write8(1, 0x12);
        registers.write16(2, 0x3456);
        registers.write32(4, 0x789a_bcde);
        registers.write64(8, 7);
        assert_eq!(registers.read64(0), 0x789a_bcde_3456_12ff);
        assert_eq!(registers.read8(3), 0x34);
        assert_eq!(registers.read16(4), 0xbcde);
        assert_eq!(registers.read32(0), 0x3456_12ff);
        assert_eq!(registers.read64(8), 7);
    }
}
