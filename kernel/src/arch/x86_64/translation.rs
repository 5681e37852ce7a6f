//! The page tables: 4 KiB pages, 48-bit addresses, four levels (SDM volume 3A, section 4.5). The
//! kernel writes the tables, and only the processor reads them.

use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

use super::super::{Access, Mapping, TranslationError};

/// The number of entries of a table.
const ENTRIES: usize = 512;
/// The size of a page, in bytes.
const PAGE: u64 = 4096;
/// The number of address bits in the lower half of the address space, the only one in use.
const VIRTUAL_BITS: u32 = 47;
/// The last level, whose entries are pages.
const LAST_LEVEL: u32 = 3;

/// Any entry: present.
const PRESENT: u64 = 1 << 0;
/// Any entry: writable.
const WRITABLE: u64 = 1 << 1;
/// A page: uncached, whatever the memory type ranges say (write-through and cache-disable together:
/// section 12.5.2.1).
const UNCACHED: u64 = 1 << 3 | 1 << 4;
/// A page: accessed and dirty, so that the processor need not set these bits.
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
/// Levels 1 and 2: the entry is a page. Entries of level 3 always are.
const LARGE: u64 = 1 << 7;
/// A page: not executable.
const NO_EXECUTE: u64 = 1 << 63;
/// The address bits of an entry.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// The processor's features.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Features {
    /// The processor supports the no-execute bit.
    pub(super) no_execute: bool,
    /// The processor supports 1 GiB pages.
    pub(super) giant_pages: bool,
    /// The number of bits of a physical address.
    pub(super) address_bits: u32,
}

impl Features {
    /// Returns the attributes of a page.
    const fn attributes(self, access: Access) -> u64 {
        const MEMORY: u64 = PRESENT | ACCESSED | DIRTY;
        let no_execute = if self.no_execute { NO_EXECUTE } else { 0 };
        match access {
            Access::None => 0,
            Access::Code => MEMORY,
            Access::ReadOnly => MEMORY | no_execute,
            Access::Data => MEMORY | WRITABLE | no_execute,
            Access::Device => MEMORY | WRITABLE | UNCACHED | no_execute,
        }
    }

    /// Whether an entry of `level` can be a page.
    const fn has_pages(self, level: u32) -> bool {
        match level {
            0 => false,
            1 => self.giant_pages,
            _ => true,
        }
    }
}

/// A page table.
#[repr(C, align(4096))]
pub(super) struct Table([u64; ENTRIES]);

impl Table {
    /// Returns the table's address, as in an entry.
    pub(super) fn address(&mut self) -> u64 {
        (&raw mut *self).expose_provenance() as u64
    }
}

/// The pages of a mapping: their attributes, and the difference between the physical and the
/// virtual address.
#[derive(Clone, Copy)]
struct Leaf {
    attributes: u64,
    offset: u64,
}

impl Leaf {
    /// Returns an entry of `level` that maps the page at `address`.
    const fn entry(self, level: u32, address: u64) -> u64 {
        let large = if level == LAST_LEVEL { 0 } else { LARGE };
        match self.attributes {
            0 => 0,
            attributes => address.wrapping_add(self.offset) | attributes | large,
        }
    }
}

/// Returns the number of address bits below an entry of `level`.
const fn shift(level: u32) -> u32 {
    12 + 9 * (LAST_LEVEL - level)
}

/// A map under construction.
pub(super) struct Map<F> {
    root: &'static mut Table,
    tables: F,
    features: Features,
}

impl<F: FnMut() -> Option<&'static mut Table>> Map<F> {
    /// Creates an empty map. `tables` allocates its tables.
    pub(super) fn new(features: Features, mut tables: F) -> Result<Self, TranslationError> {
        let root = tables().ok_or(TranslationError::OutOfPages)?;
        root.0.fill(0);
        Ok(Self {
            root,
            tables,
            features,
        })
    }

    /// Adds `mapping`, which overrides earlier ones.
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
        let last = last_of(range.base.0, VIRTUAL_BITS).ok_or(out_of_reach)?;
        last_of(mapping.physical.0, self.features.address_bits).ok_or(out_of_reach)?;
        let start = range.base.0 & !(PAGE - 1);
        let leaf = Leaf {
            attributes: self.features.attributes(mapping.access),
            offset: mapping.physical.0.wrapping_sub(range.base.0),
        };
        self.map(start..(last | (PAGE - 1)) + 1, leaf)
    }

    /// Returns the first table.
    pub(super) fn finish(self) -> &'static mut Table {
        self.root
    }

    fn map(&mut self, range: Range<u64>, leaf: Leaf) -> Result<(), TranslationError> {
        map(self.root, 0, range, leaf, self.features, &mut self.tables)
    }
}

/// Maps `range` as `leaf` in `table`, which has level `level`.
fn map(
    table: &mut Table,
    level: u32,
    range: Range<u64>,
    leaf: Leaf,
    features: Features,
    tables: &mut impl FnMut() -> Option<&'static mut Table>,
) -> Result<(), TranslationError> {
    let size = 1_u64 << shift(level);
    let can_be_page = features.has_pages(level) && leaf.offset.is_multiple_of(size);
    let mut start = range.start;
    while start < range.end {
        let index = (start >> shift(level)) as usize % ENTRIES;
        let whole = ((range.end - start) >> shift(level)) as usize;
        // An entry of any level can be invalid.
        if start.is_multiple_of(size) && whole > 0 && (can_be_page || leaf.attributes == 0) {
            let count = whole.min(ENTRIES - index);
            let step = if leaf.attributes == 0 { 0 } else { size };
            fill(
                &mut table.0[index..index + count],
                leaf.entry(level, start),
                step,
            );
            start += count as u64 * size;
        } else {
            let next = range.end.min((start | (size - 1)) + 1);
            let child = child(&mut table.0[index], level, tables)?;
            map(child, level + 1, start..next, leaf, features, tables)?;
            start = next;
        }
    }
    Ok(())
}

/// Writes consecutive entries whose values increase by `step`.
fn fill(entries: &mut [u64], first: u64, step: u64) {
    let mut next = first;
    for entry in entries {
        *entry = next;
        next = next.wrapping_add(step);
    }
}

/// Returns the table that `entry`, of `level`, points to. If it is a page or invalid, it is
/// replaced by a table with the same meaning.
fn child<'a>(
    entry: &'a mut u64,
    level: u32,
    tables: &mut impl FnMut() -> Option<&'static mut Table>,
) -> Result<&'a mut Table, TranslationError> {
    let before = *entry;
    if before & PRESENT == 0 || before & LARGE != 0 {
        let table = tables().ok_or(TranslationError::OutOfPages)?;
        if before & PRESENT == 0 {
            table.0.fill(0);
        } else {
            let leaf = Leaf {
                attributes: before & !ADDRESS & !LARGE,
                offset: 0,
            };
            let first = leaf.entry(level + 1, before & ADDRESS);
            fill(&mut table.0, first, 1 << shift(level + 1));
        }
        // The pages of a table restrict access; the entry of the table allows everything.
        *entry = table.address() | PRESENT | WRITABLE | ACCESSED;
    }
    let table = with_exposed_provenance_mut::<Table>((*entry & ADDRESS) as usize);
    // SAFETY: the entry was created above from a table that is not shared, and memory is mapped one
    // to one. Each table has exactly one entry that points to it, which is borrowed for the same
    // time.
    Ok(unsafe { &mut *table })
}

#[cfg(test)]
mod tests;
