//! `[memory]` of a PC, whose firmware reports the RAM when the machine starts.

use crate::board::Range;
use crate::language::{Size, hexadecimal};
use crate::part::draft::Machine;
use crate::part::section::Section;

/// The first address that is not below 4 GiB.
const HIGH: u64 = 1 << 32;

/// Writes the RAM of a machine without a device tree: the RAM below 4 GiB has the limit at which it
/// ends in a machine with more memory, and the rest is above 4 GiB.
pub(super) fn memory(machine: &Machine<'_>) -> Section {
    let section = Section::new("memory");
    let more = &machine.facts.more_ram;
    let own = machine.facts.tree.ram();
    let low = more.iter().min().or(own.iter().min()).copied();
    let Some(low) = low.filter(|low| low.base < HIGH) else {
        return section.todo(
            "ram.low",
            "{ base = 0x0000_0000, limit = \"3 GiB\" }",
            "the RAM below 4 GiB: see the memory map of the chipset",
        );
    };
    let high: Option<Range> = more.iter().find(|range| range.base >= HIGH).copied();
    let (base, limit) = (hexadecimal(low.base), Size(low.size).written());
    let section = match high {
        Some(high) => section
            .line("ram.low", format!("{{ base = {base}, limit = {limit} }}"))
            .beside("its size is in the start info")
            .line(
                "ram.high",
                format!("{{ base = {}, rest-of = \"low\" }}", hexadecimal(high.base)),
            ),
        None => section
            .line("ram.low", format!("{{ base = {base} }}"))
            .beside("its size is in the start info"),
    };
    section.line("stack", "\"64 KiB\"")
}
