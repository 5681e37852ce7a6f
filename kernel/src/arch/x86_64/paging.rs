//! Enables the page tables (SDM volume 3A, chapter 4).

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::ptr::with_exposed_provenance_mut;

use vmos_drivers::address::PhysicalAddress;

use super::super::{Mapping, TranslationError};
use super::translation::{Features, Map, Table};

/// The `cpuid` leaf with the number of the last extended leaf.
const EXTENDED: u32 = 0x8000_0000;
/// Bits in edx of the next leaf: no-execute and 1 GiB pages.
const NO_EXECUTE: u32 = 1 << 20;
const GIANT_PAGES: u32 = 1 << 26;
/// Leaf with the number of physical address bits in al; without this leaf, there are 36.
const ADDRESS_SIZES: u32 = 0x8000_0008;
const OLD_ADDRESS_BITS: u32 = 36;

/// Maps `mappings` and nothing else; later mappings override earlier ones. `pages` provides pages
/// of 4 KiB for tables; they need not be cleared.
///
/// # Errors
///
/// If there are no more pages, or a range cannot be addressed. The map of the entry code then stays
/// in use.
///
/// # Safety
///
/// The map of the entry code must be in use, and include the pages for tables. The mappings must
/// allow execution of the image's code, writes to its data and stacks, and all other accesses in
/// use, including those to the pages for tables. A range mapped as [`Access::Device`] must contain
/// no memory that Rust uses. Each page must be aligned RAM that nothing else uses, now or later.
///
/// [`Access::Device`]: super::super::Access::Device
pub unsafe fn enable_translation<const SHORT_DESCRIPTORS: bool>(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    let tables = || {
        let page = pages()?.0 as usize;
        // SAFETY: the caller provides a page that is not shared, and any bit pattern is a valid
        // table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(features(), tables)?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address();
    // The entry code has enabled write protection in ring 0 (CR0.WP) and the no-execute bit
    // (EFER.NXE).
    // SAFETY: the caller guarantees that everything in use is mapped at its address.
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
