//! Enables the MMU and the caches (Arm DDI 0406, sections B3.5, B3.6 and B4.1).

use core::arch::asm;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::warn;

use crate::image;

use super::super::long_descriptors::{Format, MEMORY_ATTRIBUTES, Map, Table};
use super::super::{Mapping, TranslationError};
use super::short_descriptors::{self, FirstTable, SecondTable};

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

/// `TTBCR` for short descriptors: all addresses by TTBR0.
const TTBCR_SHORT: u32 = 0;
/// `TTBR0` for short descriptors, beside the address: table walks are write-back cached.
const TTBR0_SHORT: u32 = 1 << 6 | 1 << 3;
/// `DACR`: domain 0 has the permissions of its entries, and no other is accessible. Long
/// descriptors have no domains.
const DACR: u32 = 1;

/// `SCTLR`: enables the MMU, the data cache, branch prediction and the instruction cache.
const SCTLR_ON: u32 = 1 | 1 << 2 | 1 << 11 | 1 << 12;
/// `SCTLR`: without these, `TEX`, `C`, `B` and `AP` of a short descriptor have their usual meaning:
/// `TRE` and `AFE`.
const SCTLR_OFF: u32 = 1 << 28 | 1 << 29;
/// `SCTLR`: makes writable memory non-executable. Processors without the virtualization extensions
/// lack this bit.
const SCTLR_WXN: u32 = 1 << 19;

/// The smallest cache line size, in bytes.
const CACHE_LINE: usize = 32;

/// Maps `mappings` and nothing else; later mappings override earlier ones. `pages` provides pages
/// of 4 KiB for tables; they need not be cleared. The tables have short descriptors if the board
/// file says so.
///
/// On a processor without long descriptors, the kernel otherwise continues without a map and logs a
/// warning.
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
    let (control, root, protection) = if SHORT_DESCRIPTORS {
        (TTBCR_SHORT, short(mappings, pages)? | TTBR0_SHORT, 0)
    } else if has_long_descriptors() {
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
        (TTBCR, map.finish().address() as u32, SCTLR_WXN)
    } else {
        warn!(
            "this processor lacks the large physical address extension: the MMU and the caches \
             stay off, and no memory is protected; write `page-tables = \"short\"` in [memory]"
        );
        return Ok(());
    };
    discard_image();
    let attributes = if SHORT_DESCRIPTORS {
        0
    } else {
        MEMORY_ATTRIBUTES as u32
    };
    // SAFETY: without effect while the MMU is off.
    unsafe {
        asm!(
            "dsb sy",
            // MAIR0, DACR, TTBCR
            "mcr p15, 0, {attributes}, c10, c2, 0",
            "mcr p15, 0, {domains}, c3, c0, 0",
            "mcr p15, 0, {control}, c2, c0, 2",
            "isb",
            attributes = in(reg) attributes,
            domains = in(reg) DACR,
            control = in(reg) control,
            options(nostack, preserves_flags)
        );
    };
    // TTBR0, which has 32 bits with short descriptors.
    if SHORT_DESCRIPTORS {
        // SAFETY: as above.
        unsafe {
            asm!("mcr p15, 0, {0}, c2, c0, 0", in(reg) root, options(nostack, preserves_flags));
        };
    } else {
        // SAFETY: as above.
        unsafe {
            asm!("mcrr p15, 0, {0}, {1}, c2", in(reg) root, in(reg) 0, options(nostack, preserves_flags));
        };
    }
    // SAFETY: the caller guarantees that everything in use is mapped at its address.
    unsafe {
        asm!(
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
            "bic {scratch}, {scratch}, {off}",
            "mcr p15, 0, {scratch}, c1, c0, 0",
            "isb",
            zero = in(reg) 0,
            on = in(reg) SCTLR_ON | protection,
            off = in(reg) SCTLR_OFF,
            scratch = out(reg) _,
            options(nostack, preserves_flags)
        );
    };
    Ok(())
}

/// Writes the tables for `mappings` with short descriptors, and returns the address of the first
/// one. The pages are as [`enable_translation`] requires.
fn short(
    mappings: impl IntoIterator<Item = Mapping>,
    mut pages: impl FnMut() -> Option<PhysicalAddress>,
) -> Result<u32, TranslationError> {
    let mut pages = || {
        let page = pages()?.0;
        discard_cached(page as usize, PAGE);
        Some(page)
    };
    let place = short_descriptors::place_first(&mut pages).ok_or(TranslationError::OutOfPages)?;
    // SAFETY: four consecutive pages that are not shared, aligned as the type requires; any bit
    // pattern is a valid table.
    let first = unsafe { &mut *with_exposed_provenance_mut::<FirstTable>(place as usize) };
    let mut map = short_descriptors::Map::new(first, Pages { pages, rest: 0..0 });
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    Ok(place as u32)
}

/// The size of a page in bytes.
const PAGE: usize = 4096;

/// Pages that are cut into second tables.
struct Pages<F> {
    pages: F,
    /// The unused part of the last page.
    rest: Range<u64>,
}

impl<F: FnMut() -> Option<u64>> short_descriptors::Tables for Pages<F> {
    fn allocate(&mut self) -> Option<u32> {
        if self.rest.is_empty() {
            let page = (self.pages)()?;
            self.rest = page..page + PAGE as u64;
        }
        let table = self.rest.start;
        self.rest.start += size_of::<SecondTable>() as u64;
        u32::try_from(table).ok()
    }

    fn at(&mut self, address: u32) -> &mut SecondTable {
        // SAFETY: `allocate` returned the address, of a part of a page that is not shared; any bit
        // pattern is a valid table. The reference ends before another one is requested.
        unsafe { &mut *with_exposed_provenance_mut::<SecondTable>(address as usize) }
    }
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
