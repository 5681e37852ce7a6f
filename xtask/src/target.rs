//! Names of an architecture for the compiler and for QEMU.

use vmos_codegen::board::{Architecture, Board};

/// Returns the compiler's target triple for bare metal.
#[must_use]
pub fn triple(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64-unknown-none",
        Architecture::Arm => "armv7a-none-eabi",
        Architecture::ArmV7M => "thumbv7m-none-eabi",
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
