//! Enables the MMU and the caches (Arm DDI 0487, sections D8.2 and D19.2).

use core::arch::asm;
use core::ptr::with_exposed_provenance_mut;

use vmos_drivers::address::PhysicalAddress;

use crate::image;

use super::super::long_descriptors::{Format, MEMORY_ATTRIBUTES, Map, Table};
use super::super::{Mapping, TranslationError};

/// 48-bit addresses, four levels.
const FORMAT: Format = Format {
    first_level: 0,
    virtual_bits: 48,
    keeps_el0_apart: true,
};

/// `TCR_EL1`: 48-bit addresses by TTBR0, 4 KiB pages, table walks write-back cached and inner
/// shareable, TTBR1 disabled.
const TCR: u64 = (64 - FORMAT.virtual_bits as u64) | 1 << 8 | 1 << 10 | 0b11 << 12 | 1 << 23;
/// `TCR_EL1.IPS`: the position of the physical address size.
const TCR_PHYSICAL_SIZE: u32 = 32;

/// `SCTLR_EL1`: the bits that are always 1, and stack alignment checks; as set by the entry code.
const SCTLR_BASE: u64 = 0x30d0_0818;
/// `SCTLR_EL1`: enables the MMU, the data cache and the instruction cache, and makes writable
/// memory non-executable.
const SCTLR_ON: u64 = 1 | 1 << 2 | 1 << 12 | 1 << 19;

/// The smallest cache line size, in bytes.
const CACHE_LINE: usize = 64;

/// Maps `mappings` and nothing else; later mappings override earlier ones. `pages` provides pages
/// of 4 KiB for tables; they need not be cleared.
///
/// # Errors
///
/// If there are no more pages, or a range cannot be addressed. The MMU then stays off.
///
/// # Safety
///
/// The MMU must be off. The mappings must allow execution of the image's code, writes to its data
/// and stacks, and all other accesses in use, including those to the pages for tables. A range
/// mapped as [`Access::Device`] must contain no memory that Rust uses. Each page must be aligned
/// RAM that nothing else uses, now or later.
///
/// [`Access::Device`]: super::super::Access::Device
pub unsafe fn enable_translation<const SHORT_DESCRIPTORS: bool>(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    let size = physical_size();
    let tables = || {
        let page = pages()?.0 as usize;
        discard_cached(page, size_of::<Table>());
        // SAFETY: the caller provides a page that is not shared, and any bit pattern is a valid
        // table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(FORMAT, tables, address_bits(size))?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address();
    discard_image();
    let tcr = TCR | size << TCR_PHYSICAL_SIZE;
    // SAFETY: the caller guarantees that everything in use is mapped at its address.
    unsafe {
        asm!(
            "dsb sy",
            "msr mair_el1, {attributes}",
            "msr tcr_el1, {control}",
            "msr ttbr0_el1, {root}",
            "isb",
            "tlbi vmalle1",
            "ic iallu",
            "dsb sy",
            "isb",
            "msr sctlr_el1, {on}",
            "isb",
            attributes = in(reg) MEMORY_ATTRIBUTES,
            control = in(reg) tcr,
            root = in(reg) root,
            on = in(reg) SCTLR_BASE | SCTLR_ON,
            options(nostack, preserves_flags)
        );
    };
    Ok(())
}

/// Reads `ID_AA64MMFR0_EL1.PARange`, limited to what four levels translate.
fn physical_size() -> u64 {
    let features: u64;
    // SAFETY: only reads a register.
    unsafe {
        asm!("mrs {0}, id_aa64mmfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags));
    };
    (features & 0xf).min(0b101)
}

/// Returns the number of bits of a physical address.
const fn address_bits(physical_size: u64) -> u32 {
    match physical_size {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        _ => 48,
    }
}

/// Invalidates the cached lines of the image's data and of the used part of the stack.
fn discard_image() {
    let data = image::data();
    discard_cached(data.start, data.len());
    let sp: usize;
    // SAFETY: only reads a register.
    unsafe { asm!("mov {0}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    discard_cached(sp, image::stack().end.saturating_sub(sp));
}

/// Invalidates cached lines of memory that is written while the caches are off. Otherwise stale
/// lines would become visible when the caches are enabled.
// Unrolled for every table, this would take a kilobyte of code.
#[inline(never)]
fn discard_cached(start: usize, length: usize) {
    for line in (start..start + length).step_by(CACHE_LINE) {
        // SAFETY: the caches are off, so no line contains data that the kernel has written.
        unsafe { asm!("dc ivac, {0}", in(reg) line, options(nostack, preserves_flags)) };
    }
}
