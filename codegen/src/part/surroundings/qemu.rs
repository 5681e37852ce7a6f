//! `[qemu]`: the options of QEMU.

use super::command_line::{Argument, OptionValue};
use super::identity::NEW_ARCHITECTURE;
use super::version::Versions;
use crate::board::Architecture;
use crate::language::reader::Located;
use crate::language::scalar::{Size, choices};
use crate::language::table::table;

table! {
    /// The options of QEMU for this board.
    pub struct Qemu {
        /// The emulator: the program is `qemu-system-<system>`.
        system: System => required,
        /// The value of `-machine`: the machine with its options.
        machine: OptionValue => required,
        /// The value of `-cpu`: the processor with its options.
        cpu: OptionValue => required,
        /// The default amount of RAM, a multiple of 1 MiB.
        memory: Size => required,
        /// The QEMU versions that the board was tested with, such as "7.2". Without it, the board
        /// was not tested yet.
        tested: Versions => optional,
        /// Further arguments, one string for each.
        arguments: Vec<Located<Argument>> => default("[]"),
    }
}

impl Qemu {
    /// Returns the line with these arguments in addition to the existing ones.
    pub(crate) fn with_arguments(&self, more: &[&str]) -> Option<String> {
        let given = self.arguments.value()?.iter();
        let all = given
            .map(|one| one.value.0.as_str())
            .chain(more.iter().copied());
        let all: Vec<String> = all.map(|word| format!("{word:?}")).collect();
        Some(format!("arguments = [{}]", all.join(", ")))
    }
}

/// An emulator, by the end of its binary's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// `qemu-system-aarch64`
    Aarch64,
    /// `qemu-system-arm`
    Arm,
    /// `qemu-system-x86_64`
    X86_64,
    /// `qemu-system-riscv64`
    Riscv64,
    /// `qemu-system-riscv32`
    Riscv32,
}

choices! { System {
    Aarch64 = "aarch64": "64-bit Arm",
    Arm = "arm": "32-bit Arm",
    X86_64 = "x86_64": "64-bit x86",
    Riscv64 = "riscv64": "64-bit RISC-V",
    Riscv32 = "riscv32": "32-bit RISC-V",
} otherwise NEW_ARCHITECTURE }

impl System {
    /// All emulators.
    pub const ALL: &'static [Self] = &[
        Self::Aarch64,
        Self::Arm,
        Self::X86_64,
        Self::Riscv64,
        Self::Riscv32,
    ];

    /// Returns the emulator of an architecture. One emulator can serve several.
    #[must_use]
    pub const fn of(architecture: Architecture) -> Self {
        match architecture {
            Architecture::Aarch64 => Self::Aarch64,
            Architecture::Arm
            | Architecture::ArmV6M
            | Architecture::ArmV7M
            | Architecture::ArmV8M => Self::Arm,
            Architecture::X86_64 => Self::X86_64,
            Architecture::Riscv64 => Self::Riscv64,
            Architecture::Riscv32 => Self::Riscv32,
        }
    }

    /// Returns the end of the program's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::X86_64 => "x86_64",
            Self::Riscv64 => "riscv64",
            Self::Riscv32 => "riscv32",
        }
    }

    /// Returns the architectures that the emulator emulates.
    pub fn architectures(self) -> &'static [Architecture] {
        match self {
            Self::Aarch64 => &[Architecture::Aarch64],
            Self::Arm => &[
                Architecture::Arm,
                Architecture::ArmV6M,
                Architecture::ArmV7M,
                Architecture::ArmV8M,
            ],
            Self::X86_64 => &[Architecture::X86_64],
            Self::Riscv64 => &[Architecture::Riscv64],
            Self::Riscv32 => &[Architecture::Riscv32],
        }
    }
}
