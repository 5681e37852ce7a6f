//! The tables of a map in Arm's long descriptors, which 64-bit processors have (Arm DDI 0487,
//! chapter D8) and 32-bit ones with the large physical address extension (Arm DDI 0406, section
//! B3.6): pages of 4 KiB, and up to four levels. A table is written here and walked by the processor;
//! nothing else reads it.

use core::ptr::with_exposed_provenance_mut;

use super::{Access, Mapping, TranslationError};

/// The entries of a table.
const ENTRIES: usize = 512;
/// The bytes of a page.
pub(super) const PAGE: u64 = 4096;
/// The level whose entries are pages.
const LAST_LEVEL: u32 = 3;

/// Any entry: it translates.
const VALID: u64 = 1 << 0;
/// An entry of level 0 to 2: the address is another table's. One of level 3: it is a page.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// A block or page: which field of [`MEMORY_ATTRIBUTES`] describes the memory.
const ATTRIBUTES_NORMAL: u64 = 0 << 2;
const ATTRIBUTES_DEVICE: u64 = 1 << 2;
/// A block or page: it is not written.
const READ_ONLY: u64 = 1 << 7;
/// A block or page: caches of the inner domain hold the same.
const INNER_SHAREABLE: u64 = 0b11 << 8;
/// A block or page: it may be accessed without a fault that says so.
const ACCESSED: u64 = 1 << 10;
/// A block or page: EL1 does not execute it.
const PRIVILEGED_EXECUTE_NEVER: u64 = 1 << 53;
/// A block or page: EL0 does not execute it, and on a 32-bit processor nobody does.
const EXECUTE_NEVER: u64 = 1 << 54;
/// The address in an entry.
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// `MAIR_EL1` or `MAIR0`: field 0 is normal memory, write-back cached, field 1 device memory whose
/// writes may be acknowledged early (nGnRE).
pub(super) const MEMORY_ATTRIBUTES: u64 = 0x04_ff;

/// A translation table.
#[repr(C, align(4096))]
pub(super) struct Table([u64; ENTRIES]);

impl Table {
    /// Forgets what the page held before.
    fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Its address, as an entry holds it.
    pub(super) fn address(&mut self) -> u64 {
        (&raw mut *self).expose_provenance() as u64
    }
}

/// What differs between the processors that have long descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Format {
    /// The level of the first table.
    pub(super) first_level: u32,
    /// The bits of the addresses that are translated.
    pub(super) virtual_bits: u32,
    /// Whether EL0 has its own bit that keeps it from executing.
    pub(super) keeps_el0_apart: bool,
}

impl Format {
    /// The attributes of a block or page.
    const fn attributes(self, access: Access) -> u64 {
        const ANY: u64 = VALID | ACCESSED;
        const NORMAL: u64 = ANY | ATTRIBUTES_NORMAL | INNER_SHAREABLE;
        const NEVER: u64 = PRIVILEGED_EXECUTE_NEVER | EXECUTE_NEVER;
        let code = if self.keeps_el0_apart {
            EXECUTE_NEVER
        } else {
            0
        };
        match access {
            Access::None => 0,
            Access::Code => NORMAL | READ_ONLY | code,
            Access::ReadOnly => NORMAL | READ_ONLY | NEVER,
            Access::Data => NORMAL | NEVER,
            Access::Device => ANY | ATTRIBUTES_DEVICE | NEVER,
        }
    }
}

/// How much of the address an entry of `level` leaves to be translated.
const fn shift(level: u32) -> u32 {
    12 + 9 * (LAST_LEVEL - level)
}

/// A map that is being built.
pub(super) struct Map<F> {
    root: &'static mut Table,
    tables: F,
    format: Format,
    physical_bits: u32,
}

impl<F: FnMut() -> Option<&'static mut Table>> Map<F> {
    /// A map of nothing. Its tables come from `tables`; physical addresses have `physical_bits`.
    pub(super) fn new(
        format: Format,
        mut tables: F,
        physical_bits: u32,
    ) -> Result<Self, TranslationError> {
        let root = tables().ok_or(TranslationError::OutOfPages)?;
        root.clear();
        Ok(Self {
            root,
            tables,
            format,
            physical_bits,
        })
    }

    /// Adds `mapping`, which replaces what was mapped there before.
    #[inline(never)]
    pub(super) fn add(&mut self, mapping: &Mapping) -> Result<(), TranslationError> {
        let range = mapping.range;
        if range.size == 0 {
            return Ok(());
        }
        let out_of_reach = TranslationError::OutOfReach(range);
        let last_of = |base: u64, bits: u32| {
            let last = base.checked_add(range.size - 1)?;
            (last >> bits == 0).then_some(last)
        };
        let last = last_of(range.base.0, self.format.virtual_bits).ok_or(out_of_reach)?;
        last_of(mapping.physical.0, self.physical_bits).ok_or(out_of_reach)?;
        let start = range.base.0 & !(PAGE - 1);
        let leaf = Leaf {
            attributes: self.format.attributes(mapping.access),
            offset: mapping.physical.0.wrapping_sub(range.base.0),
        };
        map(
            self.root,
            self.format.first_level,
            start..(last | (PAGE - 1)) + 1,
            leaf,
            &mut self.tables,
        )
    }

    /// The first table.
    pub(super) fn finish(self) -> &'static mut Table {
        self.root
    }
}

/// What blocks and pages say.
#[derive(Clone, Copy)]
struct Leaf {
    attributes: u64,
    /// From an address to what it is translated to.
    offset: u64,
}

impl Leaf {
    /// An entry of `level` that translates all it covers, from `address` on.
    const fn at(self, level: u32, address: u64) -> u64 {
        block_or_page(level, address.wrapping_add(self.offset), self.attributes)
    }

    /// Whether one entry can cover `size` bytes, of which addresses are multiples: it can where the
    /// address that it holds is one too. An entry of level 0 never can, but it may be nothing.
    const fn fits(self, level: u32, size: u64) -> bool {
        self.attributes == 0 || level > 0 && self.offset.is_multiple_of(size)
    }
}

/// Maps `range` in `table`, which is of `level`.
fn map(
    table: &mut Table,
    level: u32,
    range: core::ops::Range<u64>,
    leaf: Leaf,
    tables: &mut impl FnMut() -> Option<&'static mut Table>,
) -> Result<(), TranslationError> {
    let size = 1_u64 << shift(level);
    let mut start = range.start;
    while start < range.end {
        let index = (start >> shift(level)) as usize % ENTRIES;
        let whole = ((range.end - start) / size) as usize;
        if start.is_multiple_of(size) && whole > 0 && leaf.fits(level, size) {
            let count = whole.min(ENTRIES - index);
            let step = if leaf.attributes == 0 { 0 } else { size };
            fill(
                &mut table.0[index..index + count],
                leaf.at(level, start),
                step,
            );
            start += count as u64 * size;
        } else {
            let next = range.end.min((start | (size - 1)) + 1);
            let child = child(&mut table.0[index], level, tables)?;
            map(child, level + 1, start..next, leaf, tables)?;
            start = next;
        }
    }
    Ok(())
}

/// Writes entries of which each is by `step` more than the one before.
fn fill(entries: &mut [u64], first: u64, step: u64) {
    let mut next = first;
    for entry in entries {
        *entry = next;
        next = next.wrapping_add(step);
    }
}

/// An entry of `level` whose address is `address`.
const fn block_or_page(level: u32, address: u64, attributes: u64) -> u64 {
    match attributes {
        0 => 0,
        _ if level == LAST_LEVEL => address | attributes | TABLE_OR_PAGE,
        _ => address | attributes,
    }
}

/// The table that `entry`, of `level`, leads to. Where it is a block or nothing, it becomes a table
/// that says the same.
fn child<'a>(
    entry: &'a mut u64,
    level: u32,
    tables: &mut impl FnMut() -> Option<&'static mut Table>,
) -> Result<&'a mut Table, TranslationError> {
    let before = *entry;
    if before & TABLE_OR_PAGE == 0 {
        let table = tables().ok_or(TranslationError::OutOfPages)?;
        if before & VALID == 0 {
            table.clear();
        } else {
            let first = block_or_page(level + 1, before & ADDRESS, before & !ADDRESS);
            fill(&mut table.0, first, 1 << shift(level + 1));
        }
        *entry = table.address() | VALID | TABLE_OR_PAGE;
    }
    let table = with_exposed_provenance_mut::<Table>((*entry & ADDRESS) as usize);
    // SAFETY: the entry was made above from a table that nobody else has, and memory is mapped one
    // to one. Each table has one entry that leads to it, which is borrowed for as long.
    Ok(unsafe { &mut *table })
}

#[cfg(test)]
mod tests;
