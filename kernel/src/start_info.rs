//! Reads a PVH start info, which a loader passes on a PC: RAM, reserved memory, and the command
//! line. The addresses of devices come from the board file.
//!
//! Xen, public/arch-x86/hvm/start_info.h. All fields are little-endian.

use core::ffi::CStr;

use vmos_drivers::address::{PhysicalAddress, Range};

use crate::memory::range_set::{RangeSet, TooManyRanges};

/// The magic number of a start info: "xEn3" with the highest bit of the E set.
pub(crate) const MAGIC: u32 = 0x336e_c578;
/// The size of a start info from version 1 on, in bytes.
pub(crate) const HEADER: usize = 56;
/// The size of an entry of the memory map, in bytes.
const MEMORY_ENTRY: usize = 24;
/// The largest number of entries; a higher one is invalid.
const MEMORY_ENTRIES: u32 = 128;
/// The size of an entry of the module list, in bytes.
const MODULE: usize = 32;
/// The largest number of modules; a higher one is invalid.
const MODULES: u32 = 16;
/// The longest command line in bytes; a longer one is invalid.
const COMMAND_LINE: u64 = 4096;
/// The type of RAM in the memory map.
const RAM: u32 = 1;
/// The largest gap between two ranges of RAM that count as one: a PC has video memory and its ROM
/// in between.
const HOLE: u64 = 1 << 20;

/// Access to the tables in physical memory. Memory that cannot be read is empty.
pub(crate) trait PhysicalMemory {
    /// Returns the `size` bytes at `address`.
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
    /// Reads the start info at `address`; `None` if it is invalid.
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

    /// Returns the address of the ACPI root pointer, from which firmware's tables are found.
    pub(crate) fn acpi_root(&self) -> Option<PhysicalAddress> {
        (self.acpi_root != 0).then_some(PhysicalAddress(self.acpi_root))
    }

    /// Returns the RAM of the machine, including the parts that firmware uses: from the start of
    /// usable RAM, up to the last range without a large gap before it.
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

    /// Removes the unusable parts of `ram`, and the start info itself, from `free`.
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

    /// Returns every range in the memory map, with its type.
    fn memory(&self) -> impl Iterator<Item = (Range, u32)> {
        self.memory_map
            .chunks_exact(MEMORY_ENTRY)
            .filter_map(|entry| {
                let size = word64(entry, 8).filter(|&size| size > 0)?;
                let range = Range::new(PhysicalAddress(word64(entry, 0)?), size)?;
                Some((range, word32(entry, 16)?))
            })
    }

    /// Returns the lowest usable address from `from` on.
    fn first_ram(&self, from: u64) -> Option<u64> {
        let usable = self.memory().filter(|&(_, kind)| kind == RAM);
        usable
            .filter(|(range, _)| end(range) > from)
            .map(|(range, _)| range.base.0.max(from))
            .min()
    }

    /// Returns the end of the RAM that starts at `first`.
    fn end_of_ram(&self, first: u64) -> u64 {
        let mut reached = first;
        loop {
            let close = |&(range, kind): &(Range, u32)| {
                let gap = if kind == RAM { HOLE } else { 1 };
                range.base.0 < reached.saturating_add(gap) && end(&range) > reached
            };
            // The range may be followed by memory that is not RAM, without RAM before it.
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

/// Returns the end of a range, which must fit 64 bits; a loader passes no other.
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

/// Returns the zero-terminated text at `address`; empty if there is none.
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
