//! Names of an architecture for the compiler and for QEMU.

use vmos_codegen::board::{Architecture, Board};
use vmos_codegen::part::surroundings::System;

/// Returns the compiler's target triple for bare metal.
#[must_use]
pub fn triple(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64-unknown-none",
        Architecture::Arm => "armv7a-none-eabi",
        Architecture::ArmV6M => "thumbv6m-none-eabi",
        Architecture::ArmV7M => "thumbv7m-none-eabi",
        Architecture::ArmV8M => "thumbv8m.main-none-eabi",
        Architecture::X86_64 => "x86_64-unknown-none",
        Architecture::Riscv64 => "riscv64gc-unknown-none-elf",
        Architecture::Riscv32 => "riscv32imac-unknown-none-elf",
    }
}

/// Returns the QEMU program of a board.
#[must_use]
pub fn qemu_program(board: &Board) -> String {
    format!("qemu-system-{}", board.qemu.system)
}

/// Returns the QEMU program that emulates an architecture. One program can emulate several.
#[must_use]
pub fn qemu_program_for(architecture: Architecture) -> String {
    format!("qemu-system-{}", System::of(architecture).word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_microcontroller_is_emulated_by_the_program_for_32_bit_arm() {
        assert_eq!(qemu_program_for(Architecture::ArmV7M), "qemu-system-arm");
        assert_eq!(
            qemu_program_for(Architecture::Riscv32),
            "qemu-system-riscv32"
        );
    }
}
