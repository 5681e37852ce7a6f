//! A board with nothing left unsaid: inheritance merged, defaults applied, interrupts numbered as
//! their controller numbers them, every range known and checked.
//!
//! The emitters see this and nothing else. Where a value came from is told by its key path
//! (`console.pl011.base`), which follows from its place in these types.

mod boot;
mod class;
mod fact;
mod memory;
mod part;
mod pci;

use core::fmt;

pub use boot::{Boot, ExceptionLevel, ImageForm};
pub use class::{Console, InterruptController, Lines, Optional, Power, Timer};
pub use fact::Fact;
pub use memory::{Memory, Ram, Reserved};
pub use part::{Block, Code, Part, Register, Value};
pub use pci::{BarAssignment, Msi, Pci, Pins};

/// A resolved board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The name of its file under `boards/`, without `.toml`.
    pub name: String,
    /// What it is, for a person.
    pub title: String,
    /// The processor.
    pub architecture: Architecture,
    /// The files that it was read from, relative to the workspace with `/` between the parts: its
    /// own first, then what it extends, nearest first.
    pub sources: Vec<String>,
    /// How the kernel is started.
    pub boot: Boot,
    /// RAM, reserved memory, and the stack.
    pub memory: Memory,
    /// The interrupt controller.
    pub interrupt_controller: InterruptController,
    /// The clock and timer of the kernel.
    pub timer: Timer,
    /// The console, which prints the log.
    pub console: Console,
    /// How the machine is stopped: every means, the preferred one first.
    pub power: Vec<Power>,
    /// The real-time clock.
    pub rtc: Optional,
    /// The virtio-mmio slots.
    pub virtio_mmio: Option<VirtioMmio>,
    /// The PCI host bridge.
    pub pci: Option<Pci>,
    /// The driver of no configuration space, for a board without such a bridge.
    pub no_pci: Code,
    /// The options of QEMU for this board.
    pub qemu: Qemu,
    /// Every range of physical addresses that the description claims, ascending by base, each with
    /// the key that claims it.
    pub ranges: Vec<Claim<Range>>,
    /// Every range of ports that it claims, as their numbers, in the same way.
    pub ports: Vec<Claim<Range>>,
    /// Every interrupt that the description claims, ascending by number.
    pub interrupts: Vec<Claim<Interrupt>>,
    /// Devices of the machine that are left out on purpose: their addresses, with a reason for each.
    pub undescribed: Vec<(u64, String)>,
    /// Intended overlaps, with their reasons.
    pub waivers: Vec<Waiver>,
    /// What firmware's own tables should say of it.
    pub firmware: Vec<Fact>,
}

/// Something that a key of the description lays claim to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<T> {
    /// The key path of the claimant, as `console.pl011`.
    pub key: String,
    /// What is claimed.
    pub what: T,
}

/// An overlap that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The waiver's own name.
    pub name: String,
    /// The two keys that may overlap.
    pub between: (String, String),
    /// Why they do.
    pub reason: String,
}

/// The processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm, version 7-A.
    Arm,
    /// 64-bit x86.
    X86_64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 32-bit RISC-V.
    Riscv32,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: &'static [Self] = &[
        Self::Aarch64,
        Self::Arm,
        Self::X86_64,
        Self::Riscv64,
        Self::Riscv32,
    ];
}

impl Architecture {
    /// The architecture by its word in a board file, or by what it is called elsewhere.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "aarch64" | "arm64" => Self::Aarch64,
            "arm" | "arm32" => Self::Arm,
            "x86_64" | "x64" => Self::X86_64,
            "riscv64" | "rv64" => Self::Riscv64,
            "riscv32" | "rv32" => Self::Riscv32,
            _ => return None,
        })
    }
}

impl fmt::Display for Architecture {
    /// Writes the word that stands for it in a board file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::X86_64 => "x86_64",
            Self::Riscv64 => "riscv64",
            Self::Riscv32 => "riscv32",
        })
    }
}

/// A half-open range; `base + size` is at most 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first address.
    pub base: u64,
    /// How many bytes, never 0.
    pub size: u64,
}

/// One input of the interrupt controller, or a row of `count` consecutive ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interrupt {
    /// The controller's own number: an INTID, a PLIC source.
    pub number: u32,
    /// How many consecutive inputs, from `number` on.
    pub count: u32,
    /// How the line is wired.
    pub trigger: Trigger,
}

/// How an interrupt line asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// For as long as there is something to say.
    Level,
    /// Once for each event.
    Edge,
    /// The same as [`Level`](Self::Level) by a low level.
    LevelLow,
    /// The same as [`Edge`](Self::Edge) by a line that falls.
    EdgeFalling,
}

/// A row of virtio-mmio slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtioMmio {
    /// The registers of slot 0.
    pub base: u64,
    /// From one slot to the next, in bytes.
    pub stride: u64,
    /// How many slots.
    pub count: u32,
    /// Slot n raises `interrupts.number + n`; `interrupts.count` equals `count`.
    pub interrupts: Interrupt,
}

/// The options of QEMU for this board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The binary is `qemu-system-<system>`.
    pub system: String,
    /// `-machine`
    pub machine: String,
    /// `-cpu`
    pub cpu: String,
    /// `-m`, in bytes; a multiple of 1 MiB.
    pub memory: u64,
    /// The versions it was seen working with.
    pub tested: Vec<String>,
    /// Further arguments, as they are.
    pub arguments: Vec<String>,
}
