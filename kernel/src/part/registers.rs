//! The registers of a claimed part.

use vmos_drivers::address::Range;
use vmos_drivers::mmio::{Mmio, Registers};

/// A register range that only its owner can access. An access outside of it, or at an offset that is
/// no multiple of its width, panics.
///
/// ```no_run
/// use vmos::part::{Part, Registers as _, Unavailable};
///
/// /// A watchdog whose data sheet has a register at offset 8 that starts it again.
/// fn start_again(part: &mut Part) -> Result<(), Unavailable> {
///     let registers = part.registers("control")?;
///     registers.write32(8, 1);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct RegisterRange {
    registers: Mmio,
    size: usize,
}

impl RegisterRange {
    /// Creates the registers in `range`.
    ///
    /// # Safety
    ///
    /// As for [`Mmio::new`].
    pub(super) unsafe fn new(range: Range) -> Self {
        Self {
            // SAFETY: the caller guarantees the same.
            registers: unsafe { Mmio::new(range) },
            size: range.size as usize,
        }
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    #[inline]
    fn check(&self, offset: usize, width: usize) {
        let end = offset.checked_add(width);
        assert!(
            offset.is_multiple_of(width) && end.is_some_and(|end| end <= self.size),
            "no {width}-byte register at offset {offset:#x} of {:#x} bytes",
            self.size
        );
    }
}

macro_rules! checked_access {
    ($read:ident, $write:ident, $width:ty) => {
        #[inline]
        fn $read(&self, offset: usize) -> $width {
            self.check(offset, size_of::<$width>());
            self.registers.$read(offset)
        }

        #[inline]
        fn $write(&self, offset: usize, value: $width) {
            self.check(offset, size_of::<$width>());
            self.registers.$write(offset, value);
        }
    };
}

impl Registers for RegisterRange {
    checked_access!(read8, write8, u8);
    checked_access!(read16, write16, u16);
    checked_access!(read32, write32, u32);
    checked_access!(read64, write64, u64);
}
