//! `[boot]`: how the kernel is started follows from the architecture.

use super::Machine;
use super::section::Section;
use crate::board::Architecture;
use crate::description::hexadecimal;

/// Where loaders put an image, from the beginning of RAM (Linux,
/// Documentation/arch/arm64/booting.rst; `TEXT_OFFSET` of 32-bit Arm).
fn offset(architecture: Architecture) -> Option<(u64, &'static str)> {
    match architecture {
        Architecture::Aarch64 => Some((0x8_0000, "x0 holds the device tree")),
        Architecture::Arm => Some((0x1_0000, "r2 holds the device tree")),
        _ => None,
    }
}

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let ram = machine.facts.ram.iter().map(|range| range.base).min();
    let (Some(ram), Some((offset, note))) = (ram, offset(machine.origin.architecture)) else {
        return Section::missing(
            "boot",
            "how the loader starts a kernel on this machine: see docs/boards.md",
        );
    };
    let section = Section::new("boot.linux-image")
        .note(note)
        .line("load-address", hexadecimal(ram + offset));
    match machine.origin.architecture {
        Architecture::Aarch64 if machine.has_option("virtualization=on") => {
            section.line("exception-level", "\"el2\"")
        }
        Architecture::Aarch64 => section.line("exception-level", "\"el1\""),
        _ => section,
    }
}
