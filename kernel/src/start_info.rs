//! What the kernel reads from a PVH start info, which a loader leaves on a PC: RAM, what of it is
//! taken, and the command line. Where devices are comes from the board's description.
//!
//! Xen, public/arch-x86/hvm/start_info.h. All fields are little-endian.

use core::ffi::CStr;

use vmos_drivers::address::{PhysicalAddress, Range};

use crate::memory::range_set::{RangeSet, TooManyRanges};

/// "xEn3" with the highest bit of the E set: how a start info begins.
pub(crate) const MAGIC: u32 = 0x336e_c578;
/// The bytes of a start info, from version 1 on.
pub(crate) const HEADER: usize = 56;
/// The bytes of an entry of the memory map.
const MEMORY_ENTRY: usize = 24;
/// More entries than this are damage.
const MEMORY_ENTRIES: u32 = 128;
/// The bytes of an entry of the list of modules.
const MODULE: usize = 32;
/// More modules than this are damage.
const MODULES: u32 = 16;
/// A longer command line is damage.
const COMMAND_LINE: u64 = 4096;
/// The type of RAM in the memory map.
const RAM: u32 = 1;
/// Two ranges of RAM less far apart are one: a PC keeps video memory and its ROM between.
const HOLE: u64 = 1 << 20;

/// Physical memory, as far as tables in it are read. Where something is not there, it is empty.
pub(crate) trait PhysicalMemory {
    /// The `size` bytes at `address`.
    fn bytes(&self, address: u64, size: usize) -> &'static [u8];
}

/// A PVH start info.
#[derive(Clone, Copy)]
pub(crate) struct StartInfo {
    address: u64,
    command_line: &'static str,
    acpi_root: u64,
    memory_map: &'static [u8],
    modules: &'static [u8],
}

impl StartInfo {
    /// The start info at `address`, or `None` where there is none.
    pub(crate) fn read(memory: &impl PhysicalMemory, address: PhysicalAddress) -> Option<Self> {
        let header = memory.bytes(address.0, HEADER);
        if word32(header, 0)? != MAGIC {
            return None;
        }
        // Version 0 has no memory map.
        let has_map = word32(header, 4)? >= 1;
        let entries = if has_map { word32(header, 48)? } else { 0 }.min(MEMORY_ENTRIES);
        let modules = word32(header, 12)?.min(MODULES);
        let list = |place, count: u32, size: usize| {
            let address = word64(header, place).unwrap_or(0);
            memory.bytes(address, count as usize * size)
        };
        Some(Self {
            address: address.0,
            command_line: command_line(memory, word64(header, 24)?),
            acpi_root: word64(header, 32)?,
            memory_map: list(40, entries, MEMORY_ENTRY),
            modules: list(16, modules, MODULE),
        })
    }

    pub(crate) const fn command_line(&self) -> &'static str {
        self.command_line
    }

    /// Where the root pointer of ACPI is, by which firmware's own tables are found.
    pub(crate) fn acpi_root(&self) -> Option<PhysicalAddress> {
        (self.acpi_root != 0).then_some(PhysicalAddress(self.acpi_root))
    }

    /// The RAM in the machine, with what firmware has taken of it for itself: from where usable RAM
    /// begins, over what lies close behind it.
    pub(crate) fn ram(&self) -> Result<RangeSet, TooManyRanges> {
        let mut found = RangeSet::new();
        let mut next = self.first_ram(0);
        while let Some(first) = next {
            let end = self.end_of_ram(first);
            found.add(Range {
                base: PhysicalAddress(first),
                size: end - first,
            })?;
            next = self.first_ram(end);
        }
        Ok(found)
    }

    /// Takes what of `ram` is not usable out of `free`, and what this is made of.
    pub(crate) fn carve(&self, free: &mut RangeSet) -> Result<(), TooManyRanges> {
        let mut taken = self.ram()?;
        for (range, kind) in self.memory() {
            if kind == RAM {
                taken.remove(range)?;
            }
        }
        for &range in taken.as_slice() {
            free.remove(range)?;
        }
        let header = (self.address, HEADER);
        let lists = [self.memory_map, self.modules, self.command_line.as_bytes()]
            .map(|bytes| (bytes.as_ptr() as u64, bytes.len()));
        for (address, size) in lists.into_iter().chain([header]) {
            free.remove(range(address, size as u64))?;
        }
        for module in self.modules.chunks_exact(MODULE) {
            let (address, size) = (word64(module, 0), word64(module, 8));
            free.remove(range(address.unwrap_or(0), size.unwrap_or(0)))?;
        }
        Ok(())
    }

    /// Every range in the memory map, with its type.
    fn memory(&self) -> impl Iterator<Item = (Range, u32)> {
        self.memory_map
            .chunks_exact(MEMORY_ENTRY)
            .filter_map(|entry| {
                let size = word64(entry, 8).filter(|&size| size > 0)?;
                let range = Range::new(PhysicalAddress(word64(entry, 0)?), size)?;
                Some((range, word32(entry, 16)?))
            })
    }

    /// The lowest usable address from `from` on.
    fn first_ram(&self, from: u64) -> Option<u64> {
        let usable = self.memory().filter(|&(_, kind)| kind == RAM);
        usable
            .filter(|(range, _)| end(range) > from)
            .map(|(range, _)| range.base.0.max(from))
            .min()
    }

    /// Where the RAM ends that begins at `first`.
    fn end_of_ram(&self, first: u64) -> u64 {
        let mut reached = first;
        loop {
            let close = |&(range, kind): &(Range, u32)| {
                let gap = if kind == RAM { HOLE } else { 1 };
                range.base.0 < reached.saturating_add(gap) && end(&range) > reached
            };
            // In the hole lies what is not RAM either, with nothing before it.
            match self
                .memory()
                .filter(close)
                .map(|(range, _)| end(&range))
                .max()
            {
                Some(end) => reached = end,
                None => return reached,
            }
        }
    }
}

/// The address behind a range, which a loader cannot give for one that ends with the last.
fn end(range: &Range) -> u64 {
    range.base.0.saturating_add(range.size)
}

fn range(base: u64, size: u64) -> Range {
    let base = PhysicalAddress(base);
    Range::new(base, size).unwrap_or(Range { base, size: 0 })
}

pub(crate) fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|word| u32::from_le_bytes(*word))
}

pub(crate) fn word64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|word| u64::from_le_bytes(*word))
}

/// The text that ends with a zero byte at `address`; empty where there is none.
fn command_line(memory: &impl PhysicalMemory, address: u64) -> &'static str {
    if address == 0 {
        return "";
    }
    let bytes = memory.bytes(address, COMMAND_LINE as usize);
    CStr::from_bytes_until_nul(bytes)
        .ok()
        .and_then(|text| text.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
