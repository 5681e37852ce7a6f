//! `[memory]` of a microcontroller.

use super::Machine;
use crate::board::Range;
use crate::language::hexadecimal;
use crate::machine::memory_tree::{Region, RegionKind};
use crate::part::draft::block;
use crate::part::section::Section;

/// The addresses at which microcontrollers have RAM for variables: the region "SRAM" (Arm DDI 0403,
/// B3.1).
const SRAM: core::ops::Range<u64> = 0x2000_0000..0x4000_0000;

/// Returns the memory with the vector table as flash, and the first RAM for variables.
pub(super) fn memory(machine: &Machine<'_>) -> Section {
    let section = Section::new("memory");
    let start = machine.vector_table();
    let section = match region(machine, |range| is_in(start, range)) {
        Some(flash) => section
            .line("flash.code", block(flash.range))
            .beside(&flash.name),
        None => section.todo(
            "flash.code",
            &format!("{{ base = {}, size = \"256 KiB\" }}", hexadecimal(start)),
            "the memory that contains the image: see the memory map in the manual",
        ),
    };
    let section = match region(machine, |range| SRAM.contains(&range.base)) {
        Some(ram) => section.line("ram.main", block(ram.range)).beside(&ram.name),
        None => section.todo(
            "ram.main",
            "{ base = 0x2000_0000, size = \"64 KiB\" }",
            "the RAM for variables: see the memory map in the manual",
        ),
    };
    // As on the boards with versions 6-M and 8-M, whose fault reports need the most.
    section
        .line("stack", "\"4 KiB\"")
        .line("fault-stack", "\"1280 bytes\"")
        .line("console-buffer", "\"256 bytes\"")
}

fn is_in(address: u64, range: Range) -> bool {
    address
        .checked_sub(range.base)
        .is_some_and(|offset| offset < range.size)
}

/// Returns the first memory whose range fits.
fn region<'m>(machine: &'m Machine<'_>, fits: impl Fn(Range) -> bool) -> Option<&'m Region> {
    let is_memory = |kind| matches!(kind, RegionKind::Ram | RegionKind::Rom);
    let regions = machine.facts.tree.memory.iter();
    let mut regions = regions.filter(|region| is_memory(region.kind));
    regions.find(|region| fits(region.range))
}
