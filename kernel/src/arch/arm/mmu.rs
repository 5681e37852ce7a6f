//! Switching the MMU and the caches on (Arm DDI 0406, sections B3.6 and B4.1).

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

/// The bits of a physical address with the large physical address extension.
const PHYSICAL_BITS: u32 = 40;

/// `TTBCR`: long descriptors, everything by TTBR0, tables write-back cached and inner shareable.
const TTBCR: u32 = 1 << 8 | 1 << 10 | 0b11 << 12 | 1 << 23 | 1 << 31;

/// `SCTLR`: the MMU, the data cache, branch prediction and the instruction cache are on, and what is
/// writable is not executed whatever its entry says.
const SCTLR_ON: u32 = 1 | 1 << 2 | 1 << 11 | 1 << 12 | 1 << 19;

/// The smallest line that a cache may have, in bytes.
const CACHE_LINE: usize = 32;

/// Maps `mappings`, and nothing else; a later one replaces an earlier one where they overlap. `pages`
/// gives pages of 4 KiB for tables, which need not be cleared.
///
/// A processor without long descriptors runs on without a map, which it is warned of.
///
/// # Errors
///
/// Where pages run out or a range cannot be addressed; the MMU stays off then.
///
/// # Safety
///
/// The MMU must be off. The image must be mapped such that its code can be executed and its data and
/// stacks written, and so must be whatever else is in use, down to the pages for tables; a range
/// mapped as [`Access::Device`] must hold no memory that Rust knows of. Each page must be aligned
/// RAM that is nobody else's, for good.
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
        // SAFETY: the caller promises a page that is ours for good, and any bits are a table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(FORMAT, tables, PHYSICAL_BITS)?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address() as u32;
    discard_image();
    // SAFETY: the caller promises that everything in use is mapped where it is.
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

/// `ID_MMFR0.VMSA`: 5 is the version with the large physical address extension.
fn has_long_descriptors() -> bool {
    let features: u32;
    // SAFETY: reads a register.
    unsafe {
        asm!("mrc p15, 0, {0}, c0, c1, 4", out(reg) features, options(nomem, nostack, preserves_flags));
    };
    features & 0xf >= 5
}

/// Discards what caches hold of the data that the image has written so far, and of the part of the
/// stack that is in use.
fn discard_image() {
    let data = image::data();
    discard_cached(data.start, data.len());
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {0}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    discard_cached(sp, image::stack().end.saturating_sub(sp));
}

/// Discards what caches hold of memory that is written while they are off: stale lines from before
/// would otherwise come to light when they are switched on.
// Unrolled for every table it would be a kilobyte of code.
#[inline(never)]
fn discard_cached(start: usize, length: usize) {
    for line in (start..start + length).step_by(CACHE_LINE) {
        // DCIMVAC
        // SAFETY: the caches are off, so no line holds anything that the kernel has written.
        unsafe {
            asm!("mcr p15, 0, {0}, c7, c6, 1", in(reg) line, options(nostack, preserves_flags));
        }
    }
}
