//! Base address registers (PCI 3.0, 6.2.5.1).

use core::fmt;

use super::{Address, ConfigurationSpace, register};
use crate::address::{PhysicalAddress, Range};

/// A base address register (BAR) for memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bar {
    /// The size in bytes: a power of two, at least 16.
    pub size: u64,
    /// Whether the BAR has 64 bits: it uses the next register too, and may be above 4 GiB.
    pub wide: bool,
    /// Whether reads have no side effects.
    pub prefetchable: bool,
    /// The address range of the BAR, or why it has none.
    pub range: Result<Range, BarError>,
}

/// Why a BAR has no usable address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BarError {
    /// The board's windows have no space left for the BAR.
    WindowFull {
        /// The size of the BAR in bytes.
        size: u64,
    },
    /// Firmware has assigned an address outside the board's windows.
    OutsideWindows {
        /// The address that firmware assigned.
        base: PhysicalAddress,
        /// The size of the BAR in bytes.
        size: u64,
    },
    /// The register did not accept the address that was written to it.
    NotTaken {
        /// The address that was written.
        base: PhysicalAddress,
    },
}

impl fmt::Display for BarError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WindowFull { size } => {
                write!(f, "no room for {size:#x} bytes in the board's PCI windows")
            }
            Self::OutsideWindows { base, size } => {
                write!(
                    f,
                    "{size:#x} bytes at {base} lie outside the board's PCI windows"
                )
            }
            Self::NotTaken { base } => write!(f, "the BAR rejects the address {base}"),
        }
    }
}

impl core::error::Error for BarError {}

/// The registers of a BAR, as found and sized.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sized {
    pub(super) size: u64,
    pub(super) base: PhysicalAddress,
    pub(super) wide: bool,
    pub(super) prefetchable: bool,
}

/// The content of a BAR register.
pub(super) enum Kind {
    /// The register is empty or unsupported: I/O space, or an undefined type.
    Unused {
        /// The number of registers that the BAR uses.
        registers: u8,
    },
    /// A base address register for memory.
    Memory(Sized),
}

const IO: u32 = 1;
const TYPE: u32 = 0b110;
const TYPE_64: u32 = 0b100;
const PREFETCHABLE: u32 = 1 << 3;
const FLAGS: u32 = 0xf;

pub(super) const fn offset(index: u8) -> u16 {
    register::BAR0 + 4 * index as u16
}

/// Determines the size of BAR `index`; `last` is the index of the last BAR. Memory and I/O decoding
/// must be disabled meanwhile.
pub(super) fn size(
    space: &mut impl ConfigurationSpace,
    address: Address,
    index: u8,
    last: u8,
) -> Kind {
    let low = offset(index);
    let old = space.read(address, low);
    let mask = probe(space, address, low, old);
    if mask == 0 || old & IO != 0 {
        return Kind::Unused { registers: 1 };
    }
    let wide = old & TYPE == TYPE_64;
    if old & TYPE != 0 && !wide || wide && index == last {
        return Kind::Unused { registers: 1 };
    }
    let (mut base, mut mask) = (u64::from(old & !FLAGS), u64::from(mask & !FLAGS));
    if wide {
        let old = space.read(address, low + 4);
        base |= u64::from(old) << 32;
        mask |= u64::from(probe(space, address, low + 4, old)) << 32;
    } else {
        mask |= 0xffff_ffff << 32;
    }
    // The writable bits are those from the size up.
    let size = mask & mask.wrapping_neg();
    if mask == 0 || mask != size.wrapping_neg() || base & (size - 1) != 0 {
        return Kind::Unused {
            registers: 1 + u8::from(wide),
        };
    }
    let prefetchable = old & PREFETCHABLE != 0;
    Kind::Memory(Sized {
        size,
        base: PhysicalAddress(base),
        wide,
        prefetchable,
    })
}

/// Returns the writable bits of a register, and the fixed ones that read as 1.
fn probe(space: &mut impl ConfigurationSpace, address: Address, offset: u16, restore: u32) -> u32 {
    space.write(address, offset, u32::MAX);
    let mask = space.read(address, offset);
    space.write(address, offset, restore);
    mask
}

/// Writes an address into BAR `index` and reads it back.
pub(super) fn place(
    space: &mut impl ConfigurationSpace,
    address: Address,
    index: u8,
    bar: &Sized,
    base: PhysicalAddress,
) -> Result<(), BarError> {
    let low = offset(index);
    space.write(address, low, base.0 as u32);
    let mut taken = u64::from(space.read(address, low) & !FLAGS);
    if bar.wide {
        space.write(address, low + 4, (base.0 >> 32) as u32);
        taken |= u64::from(space.read(address, low + 4)) << 32;
    }
    if taken == base.0 {
        Ok(())
    } else {
        Err(BarError::NotTaken { base })
    }
}
