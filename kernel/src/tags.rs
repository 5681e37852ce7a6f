//! Reads a tagged list, which loaders of 32-bit Arm machines pass instead of a device tree: RAM, an
//! initial RAM disk, and the command line. The addresses of devices come from the board file.
//!
//! Linux, Documentation/arch/arm/booting.rst and arch/arm/include/uapi/asm/setup.h. Each tag has its
//! size in words, its kind, and its values, all little-endian.

use core::ffi::CStr;

use vmos_drivers::address::{PhysicalAddress, Range};

use crate::memory::range_set::{RangeSet, TooManyRanges};
use crate::start_info::{PhysicalMemory, word32};

/// The kinds of tags that are read.
const CORE: u32 = 0x5441_0001;
const MEMORY: u32 = 0x5441_0002;
const RAM_DISK: u32 = 0x5442_0005;
const COMMAND_LINE: u32 = 0x5441_0009;
/// The kind of the last tag.
const NONE: u32 = 0;

/// The sizes of the first tag in words, without and with values.
const CORE_SIZES: [u32; 2] = [2, 5];
/// The size and the kind of a tag, in bytes.
const HEADER: usize = 8;
/// The longest list in bytes: loaders place it in the first 16 KiB of RAM.
const LONGEST: usize = 16 << 10;

/// A tagged list.
#[derive(Clone, Copy)]
pub(crate) struct Tags {
    address: u64,
    /// The list up to its last tag.
    list: &'static [u8],
}

impl Tags {
    /// Reads the list at `address`; `None` if it does not begin as a list does, or does not end.
    pub(crate) fn read(memory: &impl PhysicalMemory, address: PhysicalAddress) -> Option<Self> {
        let begins = memory.bytes(address.0, HEADER);
        if word32(begins, 4)? != CORE || !CORE_SIZES.contains(&word32(begins, 0)?) {
            return None;
        }
        let list = memory.bytes(address.0, LONGEST);
        let mut walk = Walk(list);
        while walk.next().is_some() {}
        let end = list.len() - walk.0.len();
        // The walk ends at the last tag, or at one that cannot be.
        let ends = word32(walk.0, 4)? == NONE;
        ends.then(|| Self {
            address: address.0,
            list: &list[..end],
        })
    }

    /// Returns the command line; empty if there is none, or it is not text.
    pub(crate) fn command_line(&self) -> &'static str {
        self.of(COMMAND_LINE)
            .next()
            .and_then(|values| CStr::from_bytes_until_nul(values).ok())
            .and_then(|text| text.to_str().ok())
            .unwrap_or_default()
    }

    /// Returns the RAM of the machine.
    pub(crate) fn ram(&self) -> Result<RangeSet, TooManyRanges> {
        let mut ram = RangeSet::new();
        for values in self.of(MEMORY) {
            // The size is before the address.
            if let Some(range) = range(values, 4, 0) {
                ram.add(range)?;
            }
        }
        Ok(ram)
    }

    /// Removes the list itself and the initial RAM disk from `free`.
    pub(crate) fn carve(&self, free: &mut RangeSet) -> Result<(), TooManyRanges> {
        free.remove(Range {
            base: PhysicalAddress(self.address),
            size: (self.list.len() + HEADER) as u64,
        })?;
        for values in self.of(RAM_DISK) {
            if let Some(range) = range(values, 0, 4) {
                free.remove(range)?;
            }
        }
        Ok(())
    }

    /// Returns the values of each tag of one kind.
    fn of(&self, wanted: u32) -> impl Iterator<Item = &'static [u8]> {
        Walk(self.list)
            .filter(move |(kind, _)| *kind == wanted)
            .map(|(_, values)| values)
    }
}

/// The tags of a list with their kinds. Ends before the last tag, and before one whose size is
/// wrong.
struct Walk(&'static [u8]);

impl Iterator for Walk {
    type Item = (u32, &'static [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = word32(self.0, 4).filter(|kind| *kind != NONE)?;
        let size = (word32(self.0, 0)? as usize).checked_mul(4)?;
        let values = self.0.get(HEADER..size)?;
        self.0 = self.0.get(size..)?;
        Some((kind, values))
    }
}

/// Returns the range whose base and size are at these places of a tag's values; `None` if it is
/// empty or does not fit.
fn range(values: &[u8], base: usize, size: usize) -> Option<Range> {
    let size = word32(values, size).filter(|size| *size > 0)?;
    Range::new(PhysicalAddress(word32(values, base)?.into()), size.into())
}

#[cfg(test)]
mod tests;
