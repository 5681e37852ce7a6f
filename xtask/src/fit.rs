//! Checks whether an image fits the RAM of a machine: QEMU starts a machine even if it does not,
//! and such a machine prints nothing.

use std::error::Error;
use std::fs;
use std::path::Path;

use object::{Object as _, ObjectSegment as _};
use vmos_codegen::Board;

use crate::memory_size::MemorySize;

/// Checks that a machine with this amount of memory has enough RAM for the image and its stack.
///
/// # Errors
///
/// The RAM is too small, or the file is not an ELF file.
pub fn check(
    elf: &Path,
    board: &Board,
    memory: &MemorySize,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let bytes = fs::read(elf).map_err(|error| format!("cannot read {}: {error}", elf.display()))?;
    let bases: Vec<u64> = board.memory.ram.iter().map(|ram| ram.base).collect();
    let file = object::File::parse(&*bytes)?;
    let segments = file.segments();
    let segments = segments.map(|segment| (segment.address(), segment.size()));
    let needed = needed(segments, &bases).div_ceil(1 << 20);
    if needed > memory.mebibytes() {
        return Err(format!(
            "--memory {memory}: too little for the image, which ends {needed} MiB above the start \
             of RAM on the board `{}`; give the machine at least {needed}M",
            board.name
        )
        .into());
    }
    Ok(())
}

/// Returns the required size of the RAM range that contains the image, in bytes; `segments` are
/// addresses and sizes.
fn needed(segments: impl Iterator<Item = (u64, u64)>, bases: &[u64]) -> u64 {
    let ends = segments.filter(|&(_, size)| size > 0);
    let ends = ends.filter_map(|(start, size)| {
        let base = bases.iter().filter(|&&base| base <= start).max()?;
        Some(start.saturating_add(size) - base)
    });
    ends.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed_of(segments: &[(u64, u64)], bases: &[u64]) -> u64 {
        needed(segments.iter().copied(), bases)
    }

    #[test]
    fn ram_must_reach_to_the_end_of_the_last_segment() {
        let segments = [(0x4020_0000, 0x1000), (0x4008_0000, 0x2_0000)];
        assert_eq!(needed_of(&segments, &[0x4000_0000]), 0x20_1000);
    }

    #[test]
    fn ram_counts_from_the_range_that_the_image_is_in() {
        let bases = [0, 0x4000_0000, 0x1_0000_0000];
        assert_eq!(needed_of(&[(0x4000_0000, 0x1000)], &bases), 0x1000);
        assert_eq!(needed_of(&[(0x10_0000, 0x1000)], &bases), 0x10_1000);
    }

    #[test]
    fn a_segment_below_all_ram_or_without_bytes_needs_none() {
        let segments = [(0x1000, 0x1000), (0x5000_0000, 0)];
        assert_eq!(needed_of(&segments, &[0x4000_0000]), 0);
    }
}
