//! Port I/O: the I/O address space of x86 processors, which contains the registers of some devices.

use core::fmt;

use crate::mmio::Registers;

/// The instructions that access I/O ports (Intel SDM volume 1, chapter 19).
///
/// # Safety
///
/// The caller must have exclusive use of the device at the port, and the access must not make the
/// device change memory that Rust uses.
pub trait PortIo: Default {
    /// Reads 8 bits from `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn in8(&self, port: u16) -> u8;
    /// Reads 16 bits from `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn in16(&self, port: u16) -> u16;
    /// Reads 32 bits from `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn in32(&self, port: u16) -> u32;
    /// Writes 8 bits to `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn out8(&self, port: u16, value: u8);
    /// Writes 16 bits to `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn out16(&self, port: u16, value: u16);
    /// Writes 32 bits to `port`.
    ///
    /// # Safety
    ///
    /// See the trait.
    unsafe fn out32(&self, port: u16, value: u32);
}

/// A range of I/O ports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port.
    pub base: u16,
    /// The number of ports; `base + size` is at most 65536.
    pub size: u16,
}

impl fmt::Debug for PortRange {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ports from {:#x}", self.size, self.base)
    }
}

/// Registers in I/O ports, for drivers that use [`Registers`].
#[derive(Clone, Copy, Debug)]
pub struct Ports<P> {
    range: PortRange,
    processor: P,
}

impl<P: PortIo> Ports<P> {
    /// Creates the registers at `range`.
    ///
    /// # Safety
    ///
    /// `range` must contain a device's registers. Nothing else may drive the device while this
    /// value or a copy of it is in use. The device must not access memory that Rust uses, except
    /// memory that its driver has given to it.
    #[must_use]
    pub unsafe fn new(range: PortRange) -> Self {
        Self {
            range,
            processor: P::default(),
        }
    }

    #[inline]
    fn port(&self, offset: usize, width: usize) -> u16 {
        debug_assert!(
            offset + width <= usize::from(self.range.size),
            "register {offset:#x} is not one of {:?}",
            self.range
        );
        self.range.base.wrapping_add(offset as u16)
    }
}

macro_rules! access {
    ($read:ident, $write:ident, $in:ident, $out:ident, $width:ty) => {
        #[inline]
        fn $read(&self, offset: usize) -> $width {
            let port = self.port(offset, size_of::<$width>());
            // SAFETY: `new` requires that the device is present and not shared.
            unsafe { self.processor.$in(port) }
        }

        #[inline]
        fn $write(&self, offset: usize, value: $width) {
            let port = self.port(offset, size_of::<$width>());
            // SAFETY: as above.
            unsafe { self.processor.$out(port, value) };
        }
    };
}

impl<P: PortIo> Registers for Ports<P> {
    access!(read8, write8, in8, out8, u8);
    access!(read16, write16, in16, out16, u16);
    access!(read32, write32, in32, out32, u32);

    /// Uses two accesses, because port instructions have at most 32 bits.
    #[inline]
    fn read64(&self, offset: usize) -> u64 {
        u64::from(self.read32(offset)) | u64::from(self.read32(offset + 4)) << 32
    }

    /// Uses two accesses, because port instructions have at most 32 bits.
    #[inline]
    fn write64(&self, offset: usize, value: u64) {
        self.write32(offset, value as u32);
        self.write32(offset + 4, (value >> 32) as u32);
    }
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
