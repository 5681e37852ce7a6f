//! Putting the map of memory to use (SDM volume 3A, chapter 4).

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::ptr::with_exposed_provenance_mut;

use vmos_drivers::address::PhysicalAddress;

use super::super::{Mapping, TranslationError};
use super::translation::{Features, Map, Table};

/// The leaf of `cpuid` that tells how many there are of its kind.
const EXTENDED: u32 = 0x8000_0000;
/// In edx of the next leaf: memory can be kept from being executed, and pages can have 1 GiB.
const NO_EXECUTE: u32 = 1 << 20;
const GIANT_PAGES: u32 = 1 << 26;
/// In al of this leaf: how many bits a physical address has; 36 where there is no such leaf.
const ADDRESS_SIZES: u32 = 0x8000_0008;
const OLD_ADDRESS_BITS: u32 = 36;

/// Maps `mappings`, and nothing else; a later one replaces an earlier one where they overlap.
/// `pages` gives pages of 4 KiB for tables, which need not be cleared.
///
/// # Errors
///
/// Where pages run out or a range cannot be addressed; the map of the entry stays in use then.
///
/// # Safety
///
/// The map of the entry must be in use, and hold the pages for tables. The image must be mapped such
/// that its code can be executed and its data and stacks written, and so must be whatever else is in
/// use, down to the pages for tables; a range mapped as [`Access::Device`] must hold no memory that
/// Rust knows of. Each page must be aligned RAM that is nobody else's, for good.
///
/// [`Access::Device`]: super::super::Access::Device
pub unsafe fn enable_translation(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    let tables = || {
        let page = pages()?.0 as usize;
        // SAFETY: the caller promises a page that is ours for good, and any bits are a table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(features(), tables)?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address();
    // The entry has made read-only pages hold for the kernel too, and those without execution be
    // understood (CR0.WP, EFER.NXE).
    // SAFETY: the caller promises that everything in use is mapped where it is.
    unsafe { asm!("mov cr3, {0}", in(reg) root, options(nostack, preserves_flags)) };
    Ok(())
}

fn features() -> Features {
    let last = __cpuid(EXTENDED).eax;
    let flags = __cpuid(EXTENDED + 1).edx;
    let address_bits = if last >= ADDRESS_SIZES {
        __cpuid(ADDRESS_SIZES).eax & 0xff
    } else {
        OLD_ADDRESS_BITS
    };
    Features {
        no_execute: flags & NO_EXECUTE != 0,
        giant_pages: flags & GIANT_PAGES != 0,
        address_bits,
    }
}
