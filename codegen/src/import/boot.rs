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

/// Where QEMU puts a flat image behind firmware, from the beginning of RAM.
const BEHIND_FIRMWARE_64: u64 = 2 << 20;
const BEHIND_FIRMWARE_32: u64 = 4 << 20;

/// With firmware in S mode, without it in M mode; of 32 bits in either, as it is started.
fn risc_v(machine: &Machine<'_>, ram: u64) -> Section {
    let note = "a1 holds the device tree";
    if !machine.lacks_firmware() {
        let behind = hexadecimal(ram + BEHIND_FIRMWARE_64);
        let section = Section::new("boot.sbi-payload").note(note);
        return section.line("load-address", behind);
    }
    let section = Section::new("boot.machine-mode")
        .note(note)
        .line("entry", hexadecimal(ram));
    match machine.origin.architecture {
        Architecture::Riscv32 => {
            section.line("load-address", hexadecimal(ram + BEHIND_FIRMWARE_32))
        }
        _ => section,
    }
}

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let ram = machine.facts.ram.iter().map(|range| range.base).min();
    if let (Some(ram), true) = (ram, machine.is_risc_v()) {
        return risc_v(machine, ram);
    }
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
