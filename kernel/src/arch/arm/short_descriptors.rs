//! The short-descriptor translation tables of processors without the large physical address
//! extension (Arm DDI 0406, section B3.5): sections of 1 MiB, and pages of 4 KiB. The kernel writes
//! the tables, and only the processor reads them.

use super::super::{Access, Mapping, TranslationError};

/// The size of a section, in bytes.
const SECTION_SIZE: u64 = 1 << 20;
/// The size of a page, in bytes.
const PAGE: u64 = 4096;
/// The number of bits of an address.
const ADDRESS_BITS: u32 = 32;

/// First table: the entry points to a second table, in domain 0.
const TABLE: u32 = 0b01;
/// The kind of a first table's entry.
const KIND: u32 = 0b11;
/// First table: the entry is a section, in domain 0.
const SECTION: u32 = 0b10;
/// Second table: the entry is a page.
const SMALL_PAGE: u32 = 0b10;

// The attributes of a section. Those of a page are the same at other places: see `page`.
const BUFFERED: u32 = 1 << 2;
const CACHED: u32 = 1 << 3;
/// Not executable.
const EXECUTE_NEVER: u32 = 1 << 4;
/// Only the kernel has access.
const PRIVILEGED: u32 = 1 << 10;
/// With [`CACHED`] and [`BUFFERED`]: write-back cached, allocated by reads and writes.
const WRITE_ALLOCATE: u32 = 1 << 12;
const READ_ONLY: u32 = 1 << 15;

/// The translation table of all addresses.
#[repr(C, align(16384))]
pub(super) struct FirstTable([u32; 4096]);

/// The translation table of the pages of one section.
#[repr(C, align(1024))]
pub(super) struct SecondTable([u32; 256]);

/// The memory of the second tables.
pub(super) trait Tables {
    /// Returns the address of an unused table, which may contain anything.
    fn allocate(&mut self) -> Option<u32>;

    /// Returns the table at `address`, which was allocated before.
    fn at(&mut self, address: u32) -> &mut SecondTable;
}

/// Returns the attributes of a section: memory is not shared, because one processor runs.
const fn attributes(access: Access) -> u32 {
    const NORMAL: u32 = SECTION | PRIVILEGED | WRITE_ALLOCATE | CACHED | BUFFERED;
    match access {
        Access::None => 0,
        Access::Code => NORMAL | READ_ONLY,
        Access::ReadOnly => NORMAL | READ_ONLY | EXECUTE_NEVER,
        Access::Data => NORMAL | EXECUTE_NEVER,
        Access::Device => SECTION | PRIVILEGED | BUFFERED | EXECUTE_NEVER,
    }
}

/// Returns the attributes of a page with the meaning of a section's.
const fn page(section: u32) -> u32 {
    match section {
        0 => 0,
        _ => SMALL_PAGE | section & (BUFFERED | CACHED) | section >> 4 & 1 | section >> 6 & 0x7f0,
    }
}

/// A map under construction.
pub(super) struct Map<'t, T> {
    first: &'t mut FirstTable,
    tables: T,
}

impl<'t, T: Tables> Map<'t, T> {
    /// Creates an empty map in `first`, which may contain anything.
    pub(super) fn new(first: &'t mut FirstTable, tables: T) -> Self {
        first.0.fill(0);
        Self { first, tables }
    }

    /// Adds `mapping`, which overrides earlier ones.
    pub(super) fn add(&mut self, mapping: &Mapping) -> Result<(), TranslationError> {
        let range = mapping.range;
        if range.size == 0 {
            return Ok(());
        }
        let last_of = |base: u64| {
            let last = base.checked_add(range.size - 1)?;
            (last >> ADDRESS_BITS == 0).then_some(last)
        };
        let ends = last_of(range.base.0).zip(last_of(mapping.physical.0));
        let (last, _) = ends.ok_or(TranslationError::OutOfReach(range))?;
        let end = (last | (PAGE - 1)) + 1;
        let offset = mapping.physical.0.wrapping_sub(range.base.0);
        let attributes = attributes(mapping.access);
        let mut start = range.base.0 & !(PAGE - 1);
        while start < end {
            let next = (start | (SECTION_SIZE - 1)) + 1;
            let physical = start.wrapping_add(offset);
            let is_whole = start.is_multiple_of(SECTION_SIZE) && next <= end;
            let entry = &mut self.first.0[(start / SECTION_SIZE) as usize];
            if is_whole && (attributes == 0 || physical.is_multiple_of(SECTION_SIZE)) {
                *entry = section(physical, attributes);
            } else {
                let table = second(entry, &mut self.tables)?;
                for address in (start..end.min(next)).step_by(PAGE as usize) {
                    let number = address % SECTION_SIZE / PAGE;
                    table.0[number as usize] = small_page(address.wrapping_add(offset), attributes);
                }
            }
            start = next;
        }
        Ok(())
    }
}

const fn section(physical: u64, attributes: u32) -> u32 {
    match attributes {
        0 => 0,
        _ => physical as u32 | attributes,
    }
}

/// Returns the entry of a page with the attributes of a section.
const fn small_page(physical: u64, attributes: u32) -> u32 {
    match attributes {
        0 => 0,
        _ => physical as u32 | page(attributes),
    }
}

/// Returns the table that `entry` points to. If it is a section or invalid, it is replaced by a
/// table with the same meaning.
fn second<'a>(
    entry: &mut u32,
    tables: &'a mut impl Tables,
) -> Result<&'a mut SecondTable, TranslationError> {
    const ADDRESS_OF_TABLE: u32 = !0x3ff;
    const ADDRESS_OF_SECTION: u32 = !(SECTION_SIZE as u32 - 1);
    let before = *entry;
    if before & KIND == TABLE {
        return Ok(tables.at(before & ADDRESS_OF_TABLE));
    }
    let address = tables.allocate().ok_or(TranslationError::OutOfPages)?;
    *entry = address | TABLE;
    let table = tables.at(address);
    let mut next = u64::from(before & ADDRESS_OF_SECTION);
    for page in &mut table.0 {
        *page = small_page(next, before & !ADDRESS_OF_SECTION);
        next += PAGE;
    }
    Ok(table)
}

/// Takes pages until four of them are a place for the [`FirstTable`], and returns its address. The
/// pages come in any order; up to three are wasted if they are consecutive.
pub(super) fn place_first(mut pages: impl FnMut() -> Option<u64>) -> Option<u64> {
    const SIZE: u64 = size_of::<FirstTable>() as u64;
    let mut run = 0..0;
    loop {
        let page = pages()?;
        if page == run.end {
            run.end += PAGE;
        } else if page + PAGE == run.start {
            run.start = page;
        } else {
            run = page..page + PAGE;
        }
        let start = run.start.next_multiple_of(SIZE);
        if start + SIZE <= run.end {
            return Some(start);
        }
    }
}

#[cfg(test)]
mod tests;
