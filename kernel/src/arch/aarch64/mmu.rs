//! Switching the MMU and the caches on (Arm DDI 0487, sections D8.2 and D19.2).

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

/// `TCR_EL1`: 48-bit addresses by TTBR0, 4 KiB pages, tables write-back cached and inner
/// shareable, nothing by TTBR1.
const TCR: u64 = (64 - FORMAT.virtual_bits as u64) | 1 << 8 | 1 << 10 | 0b11 << 12 | 1 << 23;
/// `TCR_EL1.IPS`: where the size of physical addresses goes.
const TCR_PHYSICAL_SIZE: u32 = 32;

/// `SCTLR_EL1`: what is always 1, SP must be aligned; as the entry has left it.
const SCTLR_BASE: u64 = 0x30d0_0818;
/// `SCTLR_EL1`: the MMU, the data cache and the instruction cache are on, and what is writable is
/// not executed whatever its entry says.
const SCTLR_ON: u64 = 1 | 1 << 2 | 1 << 12 | 1 << 19;

/// The smallest line that a cache may have, in bytes.
const CACHE_LINE: usize = 64;

/// Maps `mappings`, and nothing else; a later one replaces an earlier one where they
/// overlap. `pages` gives pages of 4 KiB for tables, which need not be cleared.
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
    let size = physical_size();
    let tables = || {
        let page = pages()?.0 as usize;
        discard_cached(page, size_of::<Table>());
        // SAFETY: the caller promises a page that is ours for good, and any bits are a table.
        Some(unsafe { &mut *with_exposed_provenance_mut::<Table>(page) })
    };
    let mut map = Map::new(FORMAT, tables, address_bits(size))?;
    mappings
        .into_iter()
        .try_for_each(|mapping| map.add(&mapping))?;
    let root = map.finish().address();
    discard_image();
    let tcr = TCR | size << TCR_PHYSICAL_SIZE;
    // SAFETY: the caller promises that everything in use is mapped where it is.
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

/// `ID_AA64MMFR0_EL1.PARange`, at most what four levels translate.
fn physical_size() -> u64 {
    let features: u64;
    // SAFETY: reads a register.
    unsafe {
        asm!("mrs {0}, id_aa64mmfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags));
    };
    (features & 0xf).min(0b101)
}

/// The bits of a physical address.
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
        // SAFETY: the caches are off, so no line holds anything that the kernel has written.
        unsafe { asm!("dc ivac, {0}", in(reg) line, options(nostack, preserves_flags)) };
    }
}
