//! What an architecture is called by the compiler, and where its QEMU comes from.

use vmos_codegen::board::{Architecture, Board};

/// The compiler's name of the bare machine.
#[must_use]
pub fn triple(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64-unknown-none",
        Architecture::Arm => "armv7a-none-eabi",
        Architecture::X86_64 => "x86_64-unknown-none",
        Architecture::Riscv64 => "riscv64gc-unknown-none-elf",
        Architecture::Riscv32 => "riscv32imac-unknown-none-elf",
    }
}

/// The QEMU program of a board.
#[must_use]
pub fn qemu_program(board: &Board) -> String {
    format!("qemu-system-{}", board.qemu.system)
}
