//! The memory protection unit (Arm DDI 0403, section B3.5).
//!
//! There is no translation: each region gives a range of addresses its permissions, and an access to
//! any other address is a fault. A region is a power of two in size and a multiple of it in address;
//! each eighth of it can be left out. So one region covers all memory of a kind, with as little else as
//! possible. Where regions overlap, the one with the highest number applies.

use core::ops::Range;

use vmos_drivers::address::PhysicalAddress;

use super::super::Mapping;
#[cfg(target_os = "none")]
use super::super::TranslationError;
use super::extents::Extents;

/// `MPU_RASR`: the region is enabled.
const ENABLE: u32 = 1 << 0;
/// `MPU_RASR`: no instruction is executed.
const NEVER_EXECUTE: u32 = 1 << 28;
/// `MPU_RASR`: privileged code may only read, or read and write; other code does not exist.
const READ_ONLY: u32 = 0b101 << 24;
const READ_WRITE: u32 = 0b001 << 24;
/// `MPU_RASR`: normal memory, write-through cached; the same, write-back; shared device memory.
const FLASH: u32 = 1 << 17;
const RAM: u32 = 1 << 17 | 1 << 16;
const DEVICE: u32 = 1 << 18 | 1 << 16;

/// The smallest exponent of a region's size: 32 bytes.
const LEAST_EXPONENT: u32 = 5;
/// The smallest exponent of the size of a region with parts that can be left out: 256 bytes.
const LEAST_WITH_PARTS: u32 = 8;

/// The number of regions, of the eight that most processors have.
const REGIONS: usize = 5;

/// A region, as the values of `MPU_RBAR` without its number, and `MPU_RASR`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Region {
    base: u32,
    attributes: u32,
}

impl Region {
    /// Returns the smallest region that contains `range`, without the eighths that contain nothing of
    /// it. A region that is not enabled for an empty range.
    fn covering(range: &Range<u64>, attributes: u32) -> Self {
        if range.is_empty() {
            return Self {
                base: 0,
                attributes: 0,
            };
        }
        let last = range.end - 1;
        let differing = u64::BITS - (range.start ^ last).leading_zeros();
        let exponent = differing.max(LEAST_EXPONENT);
        let base = range.start & (u64::MAX << exponent);
        let mut left_out = 0;
        if exponent >= LEAST_WITH_PARTS {
            let eighth = 1 << (exponent - 3);
            for part in 0..8_u64 {
                let start = base + part * eighth;
                if start + eighth <= range.start || start > last {
                    left_out |= 1 << part;
                }
            }
        }
        Self {
            base: base as u32,
            attributes: attributes | left_out << 8 | (exponent - 1) << 1 | ENABLE,
        }
    }
}

/// Returns the regions for `mappings`, in the order of their numbers. `no_access` is the part at
/// address zero that nothing may access.
fn regions(mappings: impl IntoIterator<Item = Mapping>, no_access: u64) -> [Region; REGIONS] {
    let extents = Extents::of(mappings);
    [
        Region::covering(&extents.constants, READ_ONLY | NEVER_EXECUTE | FLASH),
        Region::covering(&extents.code, READ_ONLY | FLASH),
        Region::covering(&extents.data, READ_WRITE | NEVER_EXECUTE | RAM),
        Region::covering(&extents.devices, READ_WRITE | NEVER_EXECUTE | DEVICE),
        // Without permissions.
        Region::covering(&(0..no_access), NEVER_EXECUTE | FLASH),
    ]
}

/// Protects memory as `mappings` say. A processor without this unit protects nothing.
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

    use super::super::NULL_PAGE;
    use vmos_drivers::address;
    use vmos_drivers::mmio::{Mmio, Registers as _};

    /// `MPU_TYPE`, `MPU_CTRL`, `MPU_RBAR` and `MPU_RASR`.
    const TYPE: usize = 0x0;
    const CONTROL: usize = 0x4;
    const BASE: usize = 0xc;
    const ATTRIBUTES: usize = 0x10;
    /// `MPU_RBAR`: the number of the region is in the same register.
    const VALID: u32 = 1 << 4;

    // SAFETY: every processor has these registers, and only this code uses them.
    let mpu = unsafe {
        Mmio::new(address::Range {
            base: PhysicalAddress(0xe000_ed90),
            size: 0x14,
        })
    };
    let count = mpu.read32(TYPE) >> 8 & 0xff;
    if (count as usize) < REGIONS {
        return Ok(());
    }
    mpu.write32(CONTROL, 0);
    for (number, region) in (0..).zip(regions(mappings, NULL_PAGE as u64)) {
        mpu.write32(BASE, region.base | VALID | number);
        mpu.write32(ATTRIBUTES, region.attributes);
    }
    for number in REGIONS as u32..count {
        mpu.write32(BASE, VALID | number);
        mpu.write32(ATTRIBUTES, 0);
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
    use vmos_drivers::address;

    fn mapping(base: u64, size: u64, access: Access) -> Mapping {
        let base = PhysicalAddress(base);
        Mapping::identity(address::Range { base, size }, access)
    }

    /// Returns whether a region applies to an address.
    fn contains(region: Region, address: u32) -> bool {
        let exponent = (region.attributes >> 1 & 0x1f) + 1;
        let block = |address: u32| u64::from(address) >> exponent;
        if region.attributes & ENABLE == 0 || block(address) != block(region.base) {
            return false;
        }
        let part = (u64::from(address - region.base) << 3 >> exponent) as u32;
        region.attributes >> (8 + part) & 1 == 0
    }

    /// Returns the attributes that apply to an address.
    fn attributes(regions: &[Region], address: u32) -> Option<u32> {
        let mut regions = regions.iter().rev();
        let found = regions.find(|region| contains(**region, address))?;
        Some(found.attributes & 0x1f00_0000)
    }

    fn board() -> [Region; REGIONS] {
        let mappings = [
            mapping(0x400, 0x3400, Access::Code),
            mapping(0x3800, 0x1010, Access::ReadOnly),
            mapping(0x2000_0000, 0x5000, Access::Data),
            mapping(0x4000_4000, 0x1000, Access::Device),
            mapping(0x4000_2000, 0x1000, Access::Device),
            mapping(0xe000_e000, 0x1000, Access::Device),
        ];
        regions(mappings, 0x400)
    }

    #[test]
    fn all_memory_of_a_kind_has_its_permissions() {
        let regions = board();
        for address in [0x400, 0x37ff] {
            assert_eq!(attributes(&regions, address), Some(READ_ONLY));
        }
        for address in [0x4000, 0x480f] {
            assert_eq!(
                attributes(&regions, address),
                Some(READ_ONLY | NEVER_EXECUTE)
            );
        }
        for address in [0x2000_0000, 0x2000_4fff, 0x4000_2000, 0x4000_4fff] {
            assert_eq!(
                attributes(&regions, address),
                Some(READ_WRITE | NEVER_EXECUTE)
            );
        }
    }

    #[test]
    fn other_memory_is_not_accessible() {
        let regions = board();
        for address in [0, 0x3ff] {
            assert_eq!(attributes(&regions, address), Some(NEVER_EXECUTE));
        }
        for address in [
            0x1fff_ffff,
            0x2000_5000,
            0x4000_1fff,
            0x4000_5000,
            0xe000_e000,
        ] {
            assert_eq!(attributes(&regions, address), None, "{address:#x}");
        }
    }

    #[test]
    fn a_region_may_contain_the_last_address() {
        let region = Region::covering(&(0..1 << 32), READ_WRITE);
        assert_eq!(region.base, 0);
        assert!(contains(region, u32::MAX >> 1));
        assert_eq!(region.attributes >> 1 & 0x1f, 31);
    }

    #[test]
    fn nothing_needs_no_region() {
        assert_eq!(Region::covering(&(0..0), READ_WRITE).attributes & ENABLE, 0);
    }
}
