//! `[board]`: the board's name and its processor.

use crate::board::Architecture;
use crate::language::scalar::{Name, Text, choices};
use crate::language::table::table;

table! {
    /// The name of the board, and its processor.
    pub struct Identity {
        /// The name of the board: the name of its file, without `.toml`.
        name: Name => required,
        /// A description of the machine, in one line.
        title: Text => required,
        /// The processor's architecture.
        architecture: Architecture => required,
    }
}

choices! { Architecture {
    Aarch64 = "aarch64": "64-bit Arm",
    Arm = "arm": "32-bit Arm, version 7-A",
    ArmV6M = "armv6-m": "Arm microcontrollers, version 6-M: Cortex-M0 and M0+",
    ArmV7M = "armv7-m": "Arm microcontrollers, version 7-M: Cortex-M3, M4 and M7",
    ArmV8M = "armv8-m": "Arm microcontrollers, version 8-M with the main extension: Cortex-M33 and later",
    X86_64 = "x86_64": "64-bit x86",
    Riscv64 = "riscv64": "64-bit RISC-V",
    Riscv32 = "riscv32": "32-bit RISC-V",
} otherwise NEW_ARCHITECTURE }

/// The help text for an unknown architecture.
pub(super) const NEW_ARCHITECTURE: &str =
    "docs/new-architecture.md shows how to add an architecture";
