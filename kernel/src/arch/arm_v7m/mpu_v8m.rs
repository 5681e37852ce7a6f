//! The memory protection unit of version 8-M (Arm DDI 0553, chapter B9).
//!
//! There is no translation: each region gives a range of addresses its permissions, and an access to
//! any other address is a fault. A region is a multiple of 32 bytes in address and size, and regions do
//! not overlap. One region covers all memory of a kind. The part at address zero that nothing may access
//! is in none.

use core::ops::Range;

#[cfg(target_os = "none")]
use vmos_drivers::address::PhysicalAddress;

use super::super::Mapping;
#[cfg(target_os = "none")]
use super::super::TranslationError;
use super::extents::Extents;

/// The alignment of regions.
const GRANULE: u64 = 32;

/// `MPU_RBAR`: no instruction is executed.
const NEVER_EXECUTE: u32 = 1 << 0;
/// `MPU_RBAR`: privileged code may only read, or read and write. The kernel runs no unprivileged code.
const READ_ONLY: u32 = 0b10 << 1;
const READ_WRITE: u32 = 0b00 << 1;

/// `MPU_RLAR`: the region is enabled.
const ENABLE: u32 = 1 << 0;
/// `MPU_RLAR`: the numbers of the attributes in [`ATTRIBUTES`].
const FLASH: u32 = 0 << 1;
const RAM: u32 = 1 << 1;
const DEVICE: u32 = 2 << 1;

/// `MPU_MAIR0`: normal memory, write-through; normal memory, write-back; device memory that acknowledges
/// writes early.
const ATTRIBUTES: u32 = 0x0004_ffaa;

/// The number of regions, of the eight that most processors have.
const REGIONS: usize = 4;

/// A region, as the values of `MPU_RBAR` and `MPU_RLAR`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Region {
    base: u32,
    limit: u32,
}

impl Region {
    /// Returns the smallest region that contains `range`; one that is not enabled for an empty range.
    fn covering(range: &Range<u64>, permissions: u32, attributes: u32) -> Self {
        if range.is_empty() {
            return Self { base: 0, limit: 0 };
        }
        let first = range.start & !(GRANULE - 1);
        let last = (range.end - 1) & !(GRANULE - 1);
        Self {
            base: first as u32 | permissions,
            limit: last as u32 | attributes | ENABLE,
        }
    }
}

/// Returns the regions for `mappings`, in the order of their numbers.
fn regions(mappings: impl IntoIterator<Item = Mapping>) -> [Region; REGIONS] {
    let mut extents = Extents::of(mappings);
    // Code and constants follow each other without a gap, perhaps in the middle of a granule, which is
    // then code. If all constants are in it, nothing is left for a region of their own.
    let end_of_code = extents.code.end.next_multiple_of(GRANULE);
    if (extents.code.end..end_of_code).contains(&extents.constants.start) {
        extents.constants.start = end_of_code;
    }
    [
        Region::covering(&extents.constants, READ_ONLY | NEVER_EXECUTE, FLASH),
        Region::covering(&extents.code, READ_ONLY, FLASH),
        Region::covering(&extents.data, READ_WRITE | NEVER_EXECUTE, RAM),
        Region::covering(&extents.devices, READ_WRITE | NEVER_EXECUTE, DEVICE),
    ]
}

/// Protects memory as `mappings` say. Does nothing on a processor without this unit.
///
/// # Safety
///
/// The mappings must cover all memory that is used, each at its own address.
///
/// # Errors
///
/// None: one region covers all memory of a kind, and takes no memory for tables.
#[cfg(target_os = "none")]
pub unsafe fn enable_translation<const SHORT_DESCRIPTORS: bool>(
    mappings: impl IntoIterator<Item = Mapping>,
    _pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    use core::arch::asm;

    use vmos_drivers::address;
    use vmos_drivers::mmio::{Mmio, Registers as _};

    /// `MPU_TYPE`, `MPU_CTRL`, `MPU_RNR`, `MPU_RBAR`, `MPU_RLAR` and `MPU_MAIR0`.
    const TYPE: usize = 0x0;
    const CONTROL: usize = 0x4;
    const NUMBER: usize = 0x8;
    const BASE: usize = 0xc;
    const LIMIT: usize = 0x10;
    const MAIR0: usize = 0x30;

    // SAFETY: every processor has these registers, and only this code uses them.
    let mpu = unsafe {
        Mmio::new(address::Range {
            base: PhysicalAddress(0xe000_ed90),
            size: 0x34,
        })
    };
    let count = mpu.read32(TYPE) >> 8 & 0xff;
    if (count as usize) < REGIONS {
        return Ok(());
    }
    mpu.write32(CONTROL, 0);
    mpu.write32(MAIR0, ATTRIBUTES);
    let regions = regions(mappings);
    for number in 0..count {
        let off = Region { base: 0, limit: 0 };
        let region = regions.get(number as usize).copied().unwrap_or(off);
        mpu.write32(NUMBER, number);
        mpu.write32(BASE, region.base);
        mpu.write32(LIMIT, region.limit);
    }
    // Not during a HardFault, and without a default map.
    mpu.write32(CONTROL, 1);
    // SAFETY: barriers have no other effect; the caller guarantees that what is used is mapped.
    unsafe { asm!("dsb sy", "isb sy", options(nostack, preserves_flags)) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::Access;
    use super::*;
    use vmos_drivers::address::{self, PhysicalAddress};

    fn mapping(base: u64, size: u64, access: Access) -> Mapping {
        let base = PhysicalAddress(base);
        Mapping::identity(address::Range { base, size }, access)
    }

    /// Returns the permissions of an address, or `None` if no region contains it.
    fn permissions(regions: &[Region], address: u32) -> Option<u32> {
        let mut all = regions.iter().filter(|region| {
            let (first, last) = (region.base & !0x1f, region.limit | 0x1f);
            region.limit & ENABLE != 0 && (first..=last).contains(&address)
        });
        let found = all.next().map(|region| region.base & 0x1f);
        assert_eq!(all.next(), None, "regions overlap at {address:#x}");
        found
    }

    const BOARD: [(u64, u64, Access); 6] = [
        (0x400, 0x4928, Access::Code),
        (0x4d28, 0x1498, Access::ReadOnly),
        (0x2000_0700, 0x700, Access::Data),
        (0x2000_0000, 0x700, Access::Data),
        (0x4930_3000, 0x1000, Access::Device),
        (0xe000_ed0c, 4, Access::Device),
    ];

    #[test]
    fn each_kind_of_memory_has_its_permissions_and_nothing_overlaps() {
        let regions = regions(BOARD.map(|(base, size, access)| mapping(base, size, access)));
        let at = |address| permissions(&regions, address);
        assert_eq!(at(0), None, "a null pointer");
        assert_eq!(at(0x3fc), None);
        assert_eq!(at(0x400), Some(READ_ONLY));
        assert_eq!(at(0x4d27), Some(READ_ONLY));
        assert_eq!(at(0x4d40), Some(READ_ONLY | NEVER_EXECUTE));
        assert_eq!(at(0x61bf), Some(READ_ONLY | NEVER_EXECUTE));
        assert_eq!(at(0x61c0), None);
        assert_eq!(at(0x1fff_fffc), None, "behind the end of the stack");
        assert_eq!(at(0x2000_0000), Some(READ_WRITE | NEVER_EXECUTE));
        assert_eq!(at(0x2000_0dff), Some(READ_WRITE | NEVER_EXECUTE));
        assert_eq!(at(0x4930_3ffc), Some(READ_WRITE | NEVER_EXECUTE));
        assert_eq!(at(0xe000_ed0c), None, "not subject to the unit");
    }

    #[test]
    fn constants_within_the_last_granule_of_the_code_have_no_region() {
        for (end, size) in [(0x4d28, 8), (0x4d28, 0x18), (0x4d28, 0x19), (0x4d40, 8)] {
            let code = mapping(0x400, end - 0x400, Access::Code);
            let constants = mapping(end, size, Access::ReadOnly);
            let regions = regions([code, constants]);
            for address in (0x3e0..0x4d80).step_by(4) {
                let is_used = (0x400..end + size).contains(&u64::from(address));
                let found = permissions(&regions, address);
                assert!(found.is_some() || !is_used, "{address:#x}");
            }
        }
    }

    #[test]
    fn a_kind_without_memory_has_no_region() {
        let regions = regions([mapping(0x400, 0x100, Access::Code)]);
        let enabled = regions.iter().filter(|one| one.limit & ENABLE != 0);
        assert_eq!(enabled.count(), 1);
    }
}
