//! Arm's long-descriptor translation tables, for 64-bit processors (Arm DDI 0487, chapter D8) and
//! 32-bit ones with the large physical address extension (Arm DDI 0406, section B3.6): pages of 4
//! KiB, up to four levels. The kernel writes the tables, and only the processor reads them.

use core::ptr::with_exposed_provenance_mut;

use super::{Access, Mapping, TranslationError};

/// The number of entries of a table.
const ENTRIES: usize = 512;
/// The size of a page, in bytes.
pub(super) const PAGE: u64 = 4096;
/// The last level, whose entries are pages.
const LAST_LEVEL: u32 = 3;

/// Any entry: valid.
const VALID: u64 = 1 << 0;
/// Levels 0 to 2: the entry points to a table. Level 3: the entry is a page.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// Block or page: the field of [`MEMORY_ATTRIBUTES`] for normal memory.
const ATTRIBUTES_NORMAL: u64 = 0 << 2;
const ATTRIBUTES_DEVICE: u64 = 1 << 2;
/// Block or page: read-only.
const READ_ONLY: u64 = 1 << 7;
/// Block or page: inner shareable.
const INNER_SHAREABLE: u64 = 0b11 << 8;
/// Block or page: the access flag, without which an access faults.
const ACCESSED: u64 = 1 << 10;
/// Block or page: not executable at EL1.
const PRIVILEGED_EXECUTE_NEVER: u64 = 1 << 53;
/// Block or page: not executable at EL0; on a 32-bit processor, not executable at all.
const EXECUTE_NEVER: u64 = 1 << 54;
/// The address bits of an entry.
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// `MAIR_EL1` or `MAIR0`: field 0 is normal memory, write-back cached; field 1 is device memory
/// with early write acknowledgement (nGnRE).
pub(super) const MEMORY_ATTRIBUTES: u64 = 0x04_ff;

/// A translation table.
#[repr(C, align(4096))]
pub(super) struct Table([u64; ENTRIES]);

impl Table {
    /// Clears the table: the page may contain anything.
    fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Returns the table's address, as in an entry.
    pub(super) fn address(&mut self) -> u64 {
        (&raw mut *self).expose_provenance() as u64
    }
}

/// The differences between processors with long descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Format {
    /// The level of the first table.
    pub(super) first_level: u32,
    /// The number of bits of a virtual address.
    pub(super) virtual_bits: u32,
    /// Whether there is a separate bit for execution at EL0.
    pub(super) keeps_el0_apart: bool,
}

impl Format {
    /// Returns the attributes of a block or page.
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

/// Returns the number of address bits below an entry of `level`.
const fn shift(level: u32) -> u32 {
    12 + 9 * (LAST_LEVEL - level)
}

/// A map under construction.
pub(super) struct Map<F> {
    root: &'static mut Table,
    tables: F,
    format: Format,
    physical_bits: u32,
}

impl<F: FnMut() -> Option<&'static mut Table>> Map<F> {
    /// Creates an empty map. `tables` allocates its tables; physical addresses have
    /// `physical_bits`.
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

    /// Returns the first table.
    pub(super) fn finish(self) -> &'static mut Table {
        self.root
    }
}

/// The properties of blocks and pages.
#[derive(Clone, Copy)]
struct Leaf {
    attributes: u64,
    /// The difference between the physical and the virtual address.
    offset: u64,
}

impl Leaf {
    /// Returns an entry of `level` that maps the block or page at `address`.
    const fn at(self, level: u32, address: u64) -> u64 {
        block_or_page(level, address.wrapping_add(self.offset), self.attributes)
    }

    /// Whether a single entry can map `size` bytes: the physical address must be aligned to that
    /// size. An entry of level 0 cannot be a block, but it can be invalid.
    const fn fits(self, level: u32, size: u64) -> bool {
        self.attributes == 0 || level > 0 && self.offset.is_multiple_of(size)
    }
}

/// Maps `range` in `table`, which has level `level`.
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

/// Writes consecutive entries whose values increase by `step`.
fn fill(entries: &mut [u64], first: u64, step: u64) {
    let mut next = first;
    for entry in entries {
        *entry = next;
        next = next.wrapping_add(step);
    }
}

/// Returns an entry of `level` for `address`.
const fn block_or_page(level: u32, address: u64, attributes: u64) -> u64 {
    match attributes {
        0 => 0,
        _ if level == LAST_LEVEL => address | attributes | TABLE_OR_PAGE,
        _ => address | attributes,
    }
}

/// Returns the table that `entry`, of `level`, points to. If it is a block or invalid, it is
/// replaced by a table with the same meaning.
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
    // SAFETY: the entry was created above from a table that is not shared, and memory is mapped one
    // to one. Each table has exactly one entry that points to it, which is borrowed for the same
    // time.
    Ok(unsafe { &mut *table })
}

#[cfg(test)]
mod tests;
