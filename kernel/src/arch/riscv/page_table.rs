//! The page tables of S mode: Sv32 on 32-bit harts, Sv39, Sv48 or Sv57 on 64-bit ones (sections 10.3
//! to 10.6). A table is written here and walked by the hart; nothing else reads it.
//!
//! A 64-bit map begins with three levels. Where a mapping needs more, a root is put above the root.

use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;
use core::slice;

use super::super::{Access, Mapping, TranslationError};

/// The bytes of a page, and of a table.
pub(super) const PAGE: u64 = 4096;

/// Any entry: it translates.
const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
/// It may be accessed, and written, without a fault that says so.
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
/// An entry with any of these is a page, one without is a table.
const LEAF: u64 = READ | WRITE | EXECUTE;
/// How far up in an entry the page number is.
const PAGE_NUMBER: u32 = 10;
/// What is above the page number, all of it reserved here.
const FLAGS: u64 = (1 << PAGE_NUMBER) - 1;

/// The entries of a kind of map.
pub(super) trait Format {
    /// What an entry is stored as.
    type Entry: Copy + Into<u64> + 'static;
    /// The bits of an address that an entry of each level stands for.
    const INDEX_BITS: u32;
    /// The fewest and the most levels.
    const LEVELS: (u32, u32);
    /// The bits of a physical address.
    const PHYSICAL_BITS: u32;

    /// An entry as it is stored.
    fn entry(value: u64) -> Self::Entry;

    /// How many bits of an address a map of so many levels translates to itself.
    fn reach(levels: u32) -> u32;
}

/// Sv32. A host, whose tables lie beyond what 32 bits hold, tests it with longer entries.
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

/// Sv39, Sv48 and Sv57.
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

    /// The upper half of the addresses is sign-extended, so that the lower half alone is itself.
    fn reach(levels: u32) -> u32 {
        12 + 9 * levels - 1
    }
}

/// A table: as many entries as a page holds.
pub(super) type Table<F> = &'static mut [<F as Format>::Entry];

/// How many entries a table has.
pub(super) const fn entries<F: Format>() -> usize {
    1 << F::INDEX_BITS
}

const fn attributes(access: Access) -> u64 {
    match access {
        Access::None => 0,
        Access::Code => VALID | READ | EXECUTE | ACCESSED,
        Access::ReadOnly => VALID | READ | ACCESSED,
        // What is ordered and cached is an attribute of the place (section 3.6).
        Access::Data | Access::Device => VALID | READ | WRITE | ACCESSED | DIRTY,
    }
}

/// How much of the address an entry of `level` leaves to be translated. Level 0 has pages.
const fn shift<F: Format>(level: u32) -> u32 {
    12 + F::INDEX_BITS * level
}

fn address<F: Format>(table: &mut [F::Entry]) -> u64 {
    table.as_mut_ptr().expose_provenance() as u64
}

/// A map that is being built.
pub(super) struct Map<F: Format, T> {
    root: Table<F>,
    levels: u32,
    tables: T,
    format: PhantomData<F>,
}

impl<F: Format, T: FnMut() -> Option<Table<F>>> Map<F, T> {
    /// A map of nothing. Its tables come from `tables`.
    pub(super) fn new(mut tables: T) -> Result<Self, TranslationError> {
        let root = cleared::<F>(&mut tables)?;
        Ok(Self {
            root,
            levels: F::LEVELS.0,
            tables,
            format: PhantomData,
        })
    }

    /// Adds `mapping`, which replaces what was mapped there before.
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

    /// Puts a root above the root, whose first entry leads to it.
    fn grow(&mut self) -> Result<(), TranslationError> {
        let above = cleared::<F>(&mut self.tables)?;
        above[0] = F::entry(to_table(address::<F>(self.root)));
        self.root = above;
        self.levels += 1;
        Ok(())
    }

    /// The address of the first table, and how many levels there are.
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

/// Where the addresses of a range lead, and what may be done there.
#[derive(Clone, Copy)]
struct Pages {
    /// From an address to the physical one.
    offset: u64,
    attributes: u64,
}

impl Pages {
    /// The entry that translates all it covers, from `address` on.
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

/// Maps `range` in `table`, which is of `level`.
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

/// The table that `entry`, of `level`, leads to. Where it is a page or nothing, it becomes a table
/// that says the same.
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
    // SAFETY: the entry was made above from a table that nobody else has, and memory is mapped one
    // to one. Each table has one entry that leads to it, which is borrowed for as long.
    Ok(unsafe { slice::from_raw_parts_mut(first, entries::<F>()) })
}

#[cfg(test)]
mod tests;
