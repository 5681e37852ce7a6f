//! `[boot]`: how the kernel is started follows from the architecture, and on RISC-V from whether
//! there is firmware.

use super::Machine;
use super::section::Section;
use crate::board::Architecture;
use crate::description::hexadecimal;

/// Where loaders put an image, from the beginning of RAM: Linux,
/// Documentation/arch/arm64/booting.rst; `TEXT_OFFSET` of 32-bit Arm; OpenSBI's `FW_JUMP_OFFSET`.
fn offset(architecture: Architecture) -> Option<u64> {
    match architecture {
        Architecture::Aarch64 => Some(0x8_0000),
        Architecture::Arm => Some(0x1_0000),
        Architecture::Riscv64 => Some(0x20_0000),
        Architecture::Riscv32 => Some(0x40_0000),
        Architecture::X86_64 => None,
    }
}

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let ram = machine.facts.ram.iter().map(|range| range.base).min();
    let (Some(ram), Some(offset)) = (ram, offset(machine.origin.architecture)) else {
        return Section::missing(
            "boot",
            "how the loader starts a kernel on this machine: see docs/new-board.md",
        );
    };
    let load = hexadecimal(ram + offset);
    match machine.origin.architecture {
        Architecture::Aarch64 => {
            let level = match machine.has_option("virtualization=on") {
                true => "\"el2\"",
                false => "\"el1\"",
            };
            Section::new("boot.linux-image")
                .note("x0 has the address of the device tree")
                .line("load-address", load)
                .line("exception-level", level)
        }
        Architecture::Arm => Section::new("boot.linux-image")
            .note("r2 has the address of the device tree")
            .line("load-address", load),
        _ if machine.has_firmware() => Section::new("boot.sbi-payload")
            .note("firmware comes first; a1 has the address of the device tree")
            .line("load-address", load),
        _ => {
            let section = Section::new("boot.machine-mode")
                .note("no firmware; a1 has the address of the device tree")
                .line("entry", hexadecimal(ram));
            match takes_firmware(machine) {
                true => section.line("load-address", load),
                false => section,
            }
        }
    }
}

/// Whether the image leaves room for firmware that may be given to it.
pub(super) fn takes_firmware(machine: &Machine<'_>) -> bool {
    !machine.has_firmware() && machine.origin.architecture == Architecture::Riscv32
}
