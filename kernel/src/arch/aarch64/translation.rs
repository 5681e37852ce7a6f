//! The tables of the identity map: 4 KiB pages, 48-bit addresses, four levels (Arm DDI 0487,
//! chapter D8). A table is written here and walked by the processor; nothing else reads it.

use core::ptr::with_exposed_provenance_mut;

use super::super::{Access, Mapping, TranslationError};

/// The entries of a table.
const ENTRIES: usize = 512;
/// The bytes of a page.
pub(super) const PAGE: u64 = 4096;
/// The longest address that four levels translate.
pub(super) const ADDRESS_BITS: u32 = 48;
/// The level whose entries are pages.
const LAST_LEVEL: u32 = 3;

/// Any entry: it translates.
const VALID: u64 = 1 << 0;
/// An entry of level 0 to 2: the address is another table's. One of level 3: it is a page.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// A block or page: which field of `MAIR_EL1` describes the memory.
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
/// A block or page: EL0 does not execute it.
const UNPRIVILEGED_EXECUTE_NEVER: u64 = 1 << 54;
/// The address in an entry.
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// `MAIR_EL1`: field 0 is normal memory, write-back cached, field 1 device memory whose writes may
/// be acknowledged early (nGnRE).
pub(super) const MEMORY_ATTRIBUTES: u64 = 0x04_ff;

/// A translation table.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct Table([u64; ENTRIES]);

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

/// The attributes of a block or page.
const fn attributes(access: Access) -> u64 {
    const NORMAL: u64 =
        VALID | ACCESSED | UNPRIVILEGED_EXECUTE_NEVER | ATTRIBUTES_NORMAL | INNER_SHAREABLE;
    const DEVICE: u64 = VALID | ACCESSED | UNPRIVILEGED_EXECUTE_NEVER | ATTRIBUTES_DEVICE;
    match access {
        Access::None => 0,
        Access::Code => NORMAL | READ_ONLY,
        Access::ReadOnly => NORMAL | READ_ONLY | PRIVILEGED_EXECUTE_NEVER,
        Access::Data => NORMAL | PRIVILEGED_EXECUTE_NEVER,
        Access::Device => DEVICE | PRIVILEGED_EXECUTE_NEVER,
    }
}

/// How much of the address an entry of `level` leaves to be translated.
const fn shift(level: u32) -> u32 {
    12 + 9 * (LAST_LEVEL - level)
}

/// An identity map that is being built.
pub(super) struct IdentityMap<F> {
    root: &'static mut Table,
    tables: F,
    address_bits: u32,
}

impl<F: FnMut() -> Option<&'static mut Table>> IdentityMap<F> {
    /// A map of nothing. Its tables come from `tables`; physical addresses have `address_bits`.
    pub(super) fn new(mut tables: F, address_bits: u32) -> Result<Self, TranslationError> {
        let root = tables().ok_or(TranslationError::OutOfTables)?;
        root.clear();
        Ok(Self {
            root,
            tables,
            address_bits: address_bits.min(ADDRESS_BITS),
        })
    }

    /// Adds `mapping`, which replaces what was mapped there before.
    pub(super) fn add(&mut self, mapping: &Mapping) -> Result<(), TranslationError> {
        let range = mapping.range;
        if range.size == 0 {
            return Ok(());
        }
        let out_of_reach = TranslationError::OutOfReach(range);
        let last = range
            .base
            .0
            .checked_add(range.size - 1)
            .ok_or(out_of_reach)?;
        if last >> self.address_bits != 0 {
            return Err(out_of_reach);
        }
        let start = range.base.0 & !(PAGE - 1);
        let end = (last | (PAGE - 1)) + 1;
        let leaf = attributes(mapping.access);
        map(self.root, 0, start..end, leaf, &mut self.tables)
    }

    /// The first table.
    pub(super) fn finish(self) -> &'static mut Table {
        self.root
    }
}

/// Maps `range` with the attributes `leaf` in `table`, which is of `level`.
fn map(
    table: &mut Table,
    level: u32,
    range: core::ops::Range<u64>,
    leaf: u64,
    tables: &mut impl FnMut() -> Option<&'static mut Table>,
) -> Result<(), TranslationError> {
    let size = 1_u64 << shift(level);
    let mut start = range.start;
    while start < range.end {
        let next = range.end.min((start | (size - 1)) + 1);
        let entry = &mut table.0[(start >> shift(level)) as usize % ENTRIES];
        // an entry of level 0 is never a block, but it may be nothing
        if next - start == size && (level > 0 || leaf == 0) {
            *entry = block_or_page(level, start, leaf);
        } else {
            let child = child(entry, level, tables)?;
            map(child, level + 1, start..next, leaf, tables)?;
        }
        start = next;
    }
    Ok(())
}

/// An entry of `level` that translates all it covers, from `address` on.
const fn block_or_page(level: u32, address: u64, leaf: u64) -> u64 {
    match leaf {
        0 => 0,
        _ if level == LAST_LEVEL => address | leaf | TABLE_OR_PAGE,
        _ => address | leaf,
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
        let table = tables().ok_or(TranslationError::OutOfTables)?;
        if before & VALID == 0 {
            table.clear();
        } else {
            let size = 1 << shift(level + 1);
            let leaf = before & !ADDRESS;
            let addresses = (before & ADDRESS..).step_by(size);
            for (entry, address) in table.0.iter_mut().zip(addresses) {
                *entry = block_or_page(level + 1, address, leaf);
            }
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
