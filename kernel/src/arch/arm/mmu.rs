//! Enables the MMU and the caches (Arm DDI 0406, sections B3.6 and B4.1).

use core::arch::asm;
use core::ptr::with_exposed_provenance_mut;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::warn;

use crate::image;

use super::super::long_descriptors::{Format, MEMORY_ATTRIBUTES, Map, Table};
use super::super::{Mapping, TranslationError};

/// 32-bit addresses, three levels. The first table has four entries.
const FORMAT: Format = Format {
    first_level: 1,
    virtual_bits: 32,
    keeps_el0_apart: false,
};

/// The number of bits of a physical address with the large physical address extension.
const PHYSICAL_BITS: u32 = 40;

/// `TTBCR`: long descriptors, all addresses by TTBR0, table walks write-back cached and inner
/// shareable.
const TTBCR: u32 = 1 << 8 | 1 << 10 | 0b11 << 12 | 1 << 23 | 1 << 31;

/// `SCTLR`: enables the MMU, the data cache, branch prediction and the instruction cache, and makes
/// writable memory non-executable.
const SCTLR_ON: u32 = 1 | 1 << 2 | 1 << 11 | 1 << 12 | 1 << 19;

/// The smallest cache line size, in bytes.
const CACHE_LINE: usize = 32;

/// Maps `mappings` and nothing else; later mappings override earlier ones. `pages` provides pages
/// of 4 KiB for tables; they need not be cleared.
///
/// On a processor without long descriptors, the kernel continues without a map and logs a warning.
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
pub unsafe fn enable_translation(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<(), TranslationError> {
    if !has_long_descriptors() {
        warn!(
            "this processor lacks the large physical address extension: the MMU and the caches \
             stay off, and no memory is protected"
        );
        return Ok(());
    }
    let tables = || {
        let page = usize::try_from(pages()?.0).ok()?;
        discard_cached(page, size_of::<Table>());
        // SAFETY: the caller provides a page that is not shared, and any bit pattern is a valid
        // table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(FORMAT, tables, PHYSICAL_BITS)?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address() as u32;
    discard_image();
    // SAFETY: the caller guarantees that everything in use is mapped at its address.
    unsafe {
        asm!(
            "dsb sy",
            // MAIR0, TTBCR, TTBR0
            "mcr p15, 0, {attributes}, c10, c2, 0",
            "mcr p15, 0, {control}, c2, c0, 2",
            "mcrr p15, 0, {root}, {zero}, c2",
            "isb",
            // TLBIALL, ICIALLU, BPIALL
            "mcr p15, 0, {zero}, c8, c7, 0",
            "mcr p15, 0, {zero}, c7, c5, 0",
            "mcr p15, 0, {zero}, c7, c5, 6",
            "dsb sy",
            "isb",
            // SCTLR
            "mrc p15, 0, {scratch}, c1, c0, 0",
            "orr {scratch}, {scratch}, {on}",
            "mcr p15, 0, {scratch}, c1, c0, 0",
            "isb",
            attributes = in(reg) MEMORY_ATTRIBUTES as u32,
            control = in(reg) TTBCR,
            root = in(reg) root,
            zero = in(reg) 0,
            on = in(reg) SCTLR_ON,
            scratch = out(reg) _,
            options(nostack, preserves_flags)
        );
    };
    Ok(())
}

/// Reads `ID_MMFR0.VMSA`: 5 stands for the large physical address extension.
fn has_long_descriptors() -> bool {
    let features: u32;
    // SAFETY: only reads a register.
    unsafe {
        asm!("mrc p15, 0, {0}, c0, c1, 4", out(reg) features, options(nomem, nostack, preserves_flags));
    };
    features & 0xf >= 5
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
        // DCIMVAC
        // SAFETY: the caches are off, so no line contains data that the kernel has written.
        unsafe {
            asm!("mcr p15, 0, {0}, c7, c6, 1", in(reg) line, options(nostack, preserves_flags));
        }
    }
}
