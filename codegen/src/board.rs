//! A resolved board: inheritance merged, defaults applied, interrupts in the controller's own
//! numbers, all ranges known and checked.
//!
//! The emitters use only this. The key path of a value (`console.pl011.base`) follows from its
//! place in these types.

mod boot;
mod class;
mod fact;
mod memory;
mod part;
mod pci;

use core::fmt;

pub use boot::{Boot, EntryValue, ExceptionLevel, ImageForm, Reset};
pub use class::{Console, Ethernet, InterruptController, Lines, Optional, Power, Relay, Timer};
pub use fact::Fact;
pub use memory::{Flash, Memory, NO_ACCESS, PageTables, Ram, Reserved, STACK_GUARD};
pub use part::{Block, Code, Part, Register, Value};
pub use pci::{BarAssignment, Msi, Pci, Pins};

/// A resolved board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The board's name: that of its file under `boards/`, without `.toml`.
    pub name: String,
    /// A description of the machine for readers.
    pub title: String,
    /// The architecture of the processor.
    pub architecture: Architecture,
    /// The files from which it was read, relative to the workspace with `/` as separator: its own
    /// first, then those it extends, nearest first.
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
    /// All ways to stop the machine, in order of preference.
    pub power: Vec<Power>,
    /// The real-time clock.
    pub rtc: Optional,
    /// The Ethernet controller.
    pub ethernet: Option<Ethernet>,
    /// The virtio-mmio slots.
    pub virtio_mmio: Option<VirtioMmio>,
    /// The PCI host bridge.
    pub pci: Option<Pci>,
    /// The parts that apps of the workspace drive, in the order of the file.
    pub parts: Vec<OwnPart>,
    /// The names of disks, in the order of the file.
    pub disks: Vec<NamedDevice>,
    /// The names of network devices, in the order of the file.
    pub nics: Vec<NamedDevice>,
    /// The types for `board.rs` if the board has no PCI host bridge: a driver that is never
    /// instantiated.
    pub no_pci: Code,
    /// The options of QEMU for this board.
    pub qemu: Qemu,
    /// All claimed ranges of physical addresses, ascending by base, each with its key.
    pub ranges: Vec<Claim<Range>>,
    /// All claimed ranges of ports, ascending, each with its key.
    pub ports: Vec<Claim<Range>>,
    /// All claimed interrupts, ascending by number.
    pub interrupts: Vec<Claim<Interrupt>>,
    /// Devices of the machine that are left out on purpose: their addresses, with a reason for
    /// each.
    pub undescribed: Vec<(u64, String)>,
    /// Intended overlaps, with their reasons.
    pub waivers: Vec<Waiver>,
    /// The values expected in firmware's tables.
    pub firmware: Vec<Fact>,
}

/// A range or interrupt that a key of the description claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<T> {
    /// The key path of the claimant, such as `console.pl011`.
    pub key: String,
    /// The claimed range or interrupt.
    pub what: T,
}

/// An intended overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The name of the waiver.
    pub name: String,
    /// The two keys that may overlap.
    pub between: (String, String),
    /// The reason why the overlap is intended.
    pub reason: String,
}

/// The processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// 64-bit Arm processors.
    Aarch64,
    /// 32-bit Arm processors, version 7-A.
    Arm,
    /// Arm microcontrollers, version 6-M.
    ArmV6M,
    /// Arm microcontrollers, version 7-M.
    ArmV7M,
    /// Arm microcontrollers, version 8-M with the main extension.
    ArmV8M,
    /// 64-bit x86 processors.
    X86_64,
    /// 64-bit RISC-V processors.
    Riscv64,
    /// 32-bit RISC-V processors.
    Riscv32,
}

impl Architecture {
    /// All architectures.
    pub const ALL: &'static [Self] = &[
        Self::Aarch64,
        Self::Arm,
        Self::ArmV6M,
        Self::ArmV7M,
        Self::ArmV8M,
        Self::X86_64,
        Self::Riscv64,
        Self::Riscv32,
    ];
}

impl Architecture {
    /// Returns the architecture for its word in a board file, or for another common name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "aarch64" | "arm64" => Self::Aarch64,
            "arm" | "arm32" => Self::Arm,
            "armv6-m" | "thumbv6m" => Self::ArmV6M,
            "armv7-m" | "thumbv7m" => Self::ArmV7M,
            "armv8-m" | "thumbv8m" => Self::ArmV8M,
            "x86_64" | "x64" => Self::X86_64,
            "riscv64" | "rv64" => Self::Riscv64,
            "riscv32" | "rv32" => Self::Riscv32,
            _ => return None,
        })
    }

    /// Returns whether processors of this architecture are Arm microcontrollers: the M profile.
    #[must_use]
    pub fn is_m_profile(self) -> bool {
        M_PROFILE.contains(&self)
    }
}

/// The architectures of Arm microcontrollers.
pub const M_PROFILE: &[Architecture] = &[
    Architecture::ArmV6M,
    Architecture::ArmV7M,
    Architecture::ArmV8M,
];

impl fmt::Display for Architecture {
    /// Writes the architecture's name as in a board file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::ArmV6M => "armv6-m",
            Self::ArmV7M => "armv7-m",
            Self::ArmV8M => "armv8-m",
            Self::X86_64 => "x86_64",
            Self::Riscv64 => "riscv64",
            Self::Riscv32 => "riscv32",
        })
    }
}

/// A half-open range; `base + size` is at most 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first address of the range.
    pub base: u64,
    /// The size of the range in bytes, never 0.
    pub size: u64,
}

/// An input of the interrupt controller, or a row of `count` consecutive ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interrupt {
    /// The controller's own number, such as an INTID or a PLIC source.
    pub number: u32,
    /// The number of consecutive inputs, starting at `number`.
    pub count: u32,
    /// The trigger of the line.
    pub trigger: Trigger,
}

/// How an interrupt line signals a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// By a high level, as long as there is a request.
    Level,
    /// By a rising edge, once for each event.
    Edge,
    /// By a low level, as long as there is a request.
    LevelLow,
    /// By a falling edge, once for each event.
    EdgeFalling,
}

/// A part that an app of the workspace drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPart {
    /// The key path of the part, such as `part.buttons`.
    pub key: String,
    /// The name of the part, the last word of its key.
    pub name: String,
    /// The name of the part's kind.
    pub kind: String,
    /// A description of parts of this kind.
    pub title: String,
    /// The register ranges of the part, by name.
    pub registers: Vec<(String, Range)>,
    /// The interrupts of the part, by name.
    pub interrupts: Vec<(String, Interrupt)>,
    /// The further values of the part, by name.
    pub values: Vec<(String, u32)>,
}

/// A name of a virtio device, with what identifies the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedDevice {
    /// The key path of the name, such as `nic.lan`.
    pub key: String,
    /// The name.
    pub name: String,
    /// The hardware address of the network device, or the serial number of the disk.
    pub identity: Option<String>,
    /// The device's virtio-mmio slot.
    pub slot: Option<u32>,
    /// The device's place on PCI, as in `00:03.0`.
    pub function: Option<String>,
}

/// A row of virtio-mmio slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtioMmio {
    /// The registers of slot 0.
    pub base: u64,
    /// The distance between slots in bytes.
    pub stride: u64,
    /// The number of virtio-mmio slots.
    pub count: u32,
    /// Slot n raises `interrupts.number + n`; `interrupts.count` equals `count`.
    pub interrupts: Interrupt,
}

/// The options of QEMU for this board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The binary is `qemu-system-<system>`.
    pub system: String,
    /// The value of QEMU's option `-machine`.
    pub machine: String,
    /// The value of QEMU's option `-cpu`.
    pub cpu: String,
    /// The value of QEMU's option `-m`, in bytes; a multiple of 1 MiB.
    pub memory: u64,
    /// The versions that the board was tested with.
    pub tested: Vec<String>,
    /// Further arguments of QEMU, unchanged.
    pub arguments: Vec<String>,
}
