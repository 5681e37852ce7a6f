//! Enables memory protection: the MMU in S mode, the physical memory protection in M mode.

use core::arch::asm;
use core::ptr::with_exposed_provenance_mut;
use core::slice;

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::riscv::Mode;

use crate::image;

use super::super::{Access, Mapping, TranslationError};
use super::page_table::{self, Map};
use super::protection::{self, Parts};
use super::{entered, pmp};

#[cfg(target_pointer_width = "32")]
type Format = page_table::Short;
#[cfg(target_pointer_width = "64")]
type Format = page_table::Long;

/// Maps `mappings` and nothing else; later mappings override earlier ones. `pages` provides pages
/// of 4 KiB for tables; they need not be cleared. M mode has no map; there, only the image, the
/// heap and the first page are protected.
///
/// # Errors
///
/// If there are no more pages, or a range cannot be addressed. Translation then stays off.
///
/// # Safety
///
/// Translation must be off. The mappings must allow execution of the image's code, writes to its
/// data and stacks, and all other accesses in use, including those to the pages for tables. A range
/// mapped as [`Access::Device`] must contain no memory that Rust uses. Each page must be aligned
/// RAM that nothing else uses, now or later.
pub unsafe fn enable_translation<const SHORT_DESCRIPTORS: bool>(
    mappings: impl IntoIterator<Item = Mapping>,
    pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    match entered::mode() {
        Mode::Machine => {
            // SAFETY: the caller guarantees that the image and the RAM after it are used as mapped;
            // everything else stays accessible.
            unsafe { protect(mappings) }
        }
        // SAFETY: the caller's guarantee.
        Mode::Supervisor => unsafe { translate(mappings, pages) },
    }
}

/// # Safety
///
/// As for [`enable_translation`].
unsafe fn translate(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    let tables = || {
        let first = with_exposed_provenance_mut(pages()?.0 as usize);
        // SAFETY: the caller provides a page that is not shared, and any bit pattern is a valid
        // table.
        Some(unsafe { slice::from_raw_parts_mut(first, page_table::entries::<Format>()) })
    };
    let mut map = Map::<Format, _>::new(tables)?;
    let mut farthest = Range {
        base: PhysicalAddress(0),
        size: 0,
    };
    mappings.into_iter().try_for_each(|mapping| {
        if mapping.range.base >= farthest.base {
            farthest = mapping.range;
        }
        map.add(&mapping)
    })?;
    let (root, levels) = map.finish();
    let wanted = address_translation(root, levels);
    let written: usize;
    // SAFETY: the caller guarantees that everything in use is mapped at its address.
    unsafe {
        asm!(
            "sfence.vma",
            "csrw satp, {wanted}",
            "sfence.vma",
            "fence.i",
            "csrr {written}, satp",
            wanted = in(reg) wanted,
            written = out(reg) written,
            options(nostack, preserves_flags)
        );
    };
    // A mode that the hart does not support leaves the register unchanged (section 10.1.11).
    if written == wanted {
        Ok(())
    } else {
        Err(TranslationError::OutOfReach(farthest))
    }
}

/// Returns `satp`: the mode, and the page of the first table.
const fn address_translation(root: u64, levels: u32) -> usize {
    let page = (root / page_table::PAGE) as usize;
    // Sv32 is 1; Sv39, Sv48 and Sv57 are 8, 9 and 10.
    match levels {
        2 => 1 << 31 | page,
        levels => (5 + levels as usize) << (usize::BITS - 4) | page,
    }
}

/// # Safety
///
/// The image and the RAM after it must be used as `mappings` say.
unsafe fn protect(mappings: impl IntoIterator<Item = Mapping>) -> Result<(), TranslationError> {
    let code = image::code();
    let image_end = image::all().end as u64;
    let mut parts = Parts {
        code: code.start as u64..code.end as u64,
        read_only_end: image::read_only_data().end as u64,
        data_end: image::data().end as u64,
        guard_end: image::stack_guard().end as u64,
        ram_end: image_end,
        uses_null: false,
    };
    for Mapping { range, access, .. } in mappings {
        if access == Access::None || range.size == 0 {
            continue;
        }
        parts.uses_null |= range.base.0 < page_table::PAGE;
        if access == Access::Data && range.base.0 == image_end {
            parts.ram_end = range.base.0 + range.size;
        }
    }
    // SAFETY: code is executed and read, each part after it is used according to its permissions,
    // and all other memory is accessible.
    unsafe { pmp::protect(&protection::entries(&parts)) };
    Ok(())
}
