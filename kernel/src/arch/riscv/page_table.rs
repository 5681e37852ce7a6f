//! The page tables of S mode: Sv32 on 32-bit harts, Sv39, Sv48 or Sv57 on 64-bit ones (sections
//! 10.3 to 10.6). The kernel writes the tables, and only the hart reads them.
//!
//! A 64-bit map starts with three levels. If a mapping needs more, a new root is added above the
//! old one.

use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;
use core::slice;

use super::super::{Access, Mapping, TranslationError};

/// The size of a page and of a table, in bytes.
pub(super) const PAGE: u64 = 4096;

/// Any entry: valid.
const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
/// The accessed and dirty bits, without which an access faults.
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
/// An entry with any of these bits is a page; without them it points to a table.
const LEAF: u64 = READ | WRITE | EXECUTE;
/// The position of the page number in an entry.
const PAGE_NUMBER: u32 = 10;
/// The bits above the page number, which are reserved.
const FLAGS: u64 = (1 << PAGE_NUMBER) - 1;

/// The format of a map.
pub(super) trait Format {
    /// The type of an entry.
    type Entry: Copy + Into<u64> + 'static;
    /// The number of address bits per level.
    const INDEX_BITS: u32;
    /// The smallest and the largest number of levels.
    const LEVELS: (u32, u32);
    /// The number of bits of a physical address.
    const PHYSICAL_BITS: u32;

    /// Converts an entry to its stored form.
    fn entry(value: u64) -> Self::Entry;

    /// Returns the number of address bits that a map with this many levels can map to themselves.
    fn reach(levels: u32) -> u32;
}

/// Sv32. Host tests use longer entries, because the host's tables are beyond 32-bit addresses.
#[cfg(any(test, target_pointer_width = "32"))]
#[derive(Debug)]
pub(super) enum Short {}

#[cfg(target_pointer_width = "32")]
type ShortEntry = u32;
#[cfg(all(test, not(target_pointer_width = "32")))]
type ShortEntry = u64;

#[cfg(any(test, target_pointer_width = "32"))]
impl Format for Short {
    type Entry = ShortEntry;
    const INDEX_BITS: u32 = 10;
    const LEVELS: (u32, u32) = (2, 2);
    const PHYSICAL_BITS: u32 = 34;

    fn entry(value: u64) -> ShortEntry {
        value as ShortEntry
    }

    fn reach(_levels: u32) -> u32 {
        32
    }
}

/// The 64-bit formats Sv39, Sv48 and Sv57.
#[cfg(any(test, target_pointer_width = "64"))]
#[derive(Debug)]
pub(super) enum Long {}

#[cfg(any(test, target_pointer_width = "64"))]
impl Format for Long {
    type Entry = u64;
    const INDEX_BITS: u32 = 9;
    const LEVELS: (u32, u32) = (3, 5);
    const PHYSICAL_BITS: u32 = 56;

    fn entry(value: u64) -> u64 {
        value
    }

    /// The upper half of the address space is sign-extended, so only the lower half maps to itself.
    fn reach(levels: u32) -> u32 {
        12 + 9 * levels - 1
    }
}

/// A table: a page of entries.
pub(super) type Table<F> = &'static mut [<F as Format>::Entry];

/// Returns the number of entries of a table.
pub(super) const fn entries<F: Format>() -> usize {
    1 << F::INDEX_BITS
}

const fn attributes(access: Access) -> u64 {
    match access {
        Access::None => 0,
        Access::Code => VALID | READ | EXECUTE | ACCESSED,
        Access::ReadOnly => VALID | READ | ACCESSED,
        // Ordering and caching are attributes of the physical address (section 3.6).
        Access::Data | Access::Device => VALID | READ | WRITE | ACCESSED | DIRTY,
    }
}

/// Returns the number of address bits below an entry of `level`. Level 0 contains pages.
const fn shift<F: Format>(level: u32) -> u32 {
    12 + F::INDEX_BITS * level
}

fn address<F: Format>(table: &mut [F::Entry]) -> u64 {
    table.as_mut_ptr().expose_provenance() as u64
}

/// A map under construction.
pub(super) struct Map<F: Format, T> {
    root: Table<F>,
    levels: u32,
    tables: T,
    format: PhantomData<F>,
}

impl<F: Format, T: FnMut() -> Option<Table<F>>> Map<F, T> {
    /// Creates an empty map. `tables` allocates its tables.
    pub(super) fn new(mut tables: T) -> Result<Self, TranslationError> {
        let root = cleared::<F>(&mut tables)?;
        Ok(Self {
            root,
            levels: F::LEVELS.0,
            tables,
            format: PhantomData,
        })
    }

    /// Adds `mapping`, which overrides earlier ones.
    pub(super) fn add(&mut self, mapping: &Mapping) -> Result<(), TranslationError> {
        let range = mapping.range;
        if range.size == 0 {
            return Ok(());
        }
        let out_of_reach = TranslationError::OutOfReach(range);
        let last = |base: u64| base.checked_add(range.size - 1).ok_or(out_of_reach);
        let (last, last_physical) = (last(range.base.0)?, last(mapping.physical.0)?);
        if last_physical >> F::PHYSICAL_BITS != 0 {
            return Err(out_of_reach);
        }
        while last >> F::reach(self.levels) != 0 {
            if self.levels == F::LEVELS.1 {
                return Err(out_of_reach);
            }
            self.grow()?;
        }
        let start = range.base.0 & !(PAGE - 1);
        let end = (last | (PAGE - 1)) + 1;
        let pages = Pages {
            offset: mapping.physical.0.wrapping_sub(range.base.0) & !(PAGE - 1),
            attributes: attributes(mapping.access),
        };
        let top = self.levels - 1;
        map::<F>(self.root, top, start..end, pages, &mut self.tables)
    }

    /// Adds a new root above the old one, which becomes its first entry.
    fn grow(&mut self) -> Result<(), TranslationError> {
        let above = cleared::<F>(&mut self.tables)?;
        above[0] = F::entry(to_table(address::<F>(self.root)));
        self.root = above;
        self.levels += 1;
        Ok(())
    }

    /// Returns the address of the first table, and the number of levels.
    pub(super) fn finish(self) -> (u64, u32) {
        (address::<F>(self.root), self.levels)
    }
}

fn cleared<F: Format>(
    tables: &mut impl FnMut() -> Option<Table<F>>,
) -> Result<Table<F>, TranslationError> {
    let table = tables().ok_or(TranslationError::OutOfPages)?;
    table.fill(F::entry(0));
    Ok(table)
}

/// The physical addresses and permissions of a range.
#[derive(Clone, Copy)]
struct Pages {
    /// The difference between the physical and the virtual address.
    offset: u64,
    attributes: u64,
}

impl Pages {
    /// Returns an entry that maps the page at `address`.
    const fn entry(self, address: u64) -> u64 {
        match self.attributes {
            0 => 0,
            attributes => leaf(address.wrapping_add(self.offset), attributes),
        }
    }
}

const fn leaf(physical: u64, attributes: u64) -> u64 {
    ((physical / PAGE) << PAGE_NUMBER) | attributes
}

const fn to_table(address: u64) -> u64 {
    leaf(address, VALID)
}

const fn target(entry: u64) -> u64 {
    (entry >> PAGE_NUMBER) * PAGE
}

/// Maps `range` in `table`, which has level `level`.
fn map<F: Format>(
    table: &mut [F::Entry],
    level: u32,
    range: Range<u64>,
    pages: Pages,
    tables: &mut impl FnMut() -> Option<Table<F>>,
) -> Result<(), TranslationError> {
    let size = 1_u64 << shift::<F>(level);
    let mut start = range.start;
    while start < range.end {
        let index = (start >> shift::<F>(level)) as usize % entries::<F>();
        let is_aligned = (start | start.wrapping_add(pages.offset)).is_multiple_of(size);
        if is_aligned && range.end - start >= size {
            table[index] = F::entry(pages.entry(start));
            start += size;
        } else {
            let next = range.end.min((start | (size - 1)) + 1);
            let child = child::<F>(&mut table[index], level, tables)?;
            map::<F>(child, level - 1, start..next, pages, tables)?;
            start = next;
        }
    }
    Ok(())
}

/// Returns the table that `entry`, of `level`, points to. If it is a page or invalid, it is
/// replaced by a table with the same meaning.
fn child<'a, F: Format>(
    entry: &'a mut F::Entry,
    level: u32,
    tables: &mut impl FnMut() -> Option<Table<F>>,
) -> Result<&'a mut [F::Entry], TranslationError> {
    let before: u64 = (*entry).into();
    if before & VALID == 0 || before & LEAF != 0 {
        let table = cleared::<F>(tables)?;
        if before & VALID != 0 {
            let size = 1 << shift::<F>(level - 1);
            let addresses = (target(before)..).step_by(size);
            for (entry, address) in table.iter_mut().zip(addresses) {
                *entry = F::entry(leaf(address, before & FLAGS));
            }
        }
        *entry = F::entry(to_table(address::<F>(table)));
    }
    let table = target((*entry).into()) as usize;
    let first = with_exposed_provenance_mut::<F::Entry>(table);
    // SAFETY: the entry was created above from a table that is not shared, and memory is mapped one
    // to one. Each table has exactly one entry that points to it, which is borrowed for the same
    // time.
    Ok(unsafe { slice::from_raw_parts_mut(first, entries::<F>()) })
}

#[cfg(test)]
mod tests;
