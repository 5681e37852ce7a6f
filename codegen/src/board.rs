//! A board with nothing left unsaid: inheritance merged, defaults applied, interrupts numbered as
//! their controller numbers them, every range known and checked.
//!
//! The emitters see this and nothing else. Where a value came from is told by its key path
//! (`console.pl011.base`), which follows from its place in these types.

use core::fmt;

use crate::attestation::Fact;

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
    /// What memory there is.
    pub memory: Memory,
    /// The interrupt controller.
    pub interrupt_controller: InterruptController,
    /// The clock and alarm.
    pub timer: Timer,
    /// Where the log goes.
    pub console: Console,
    /// How the machine is stopped: every means, the preferred one first.
    pub power: Vec<Power>,
    /// The clock that tells the time of day.
    pub rtc: Option<Rtc>,
    /// The virtio-mmio slots.
    pub virtio_mmio: Option<VirtioMmio>,
    /// The PCI host bridge.
    pub pci: Option<Pci>,
    /// How QEMU is started.
    pub qemu: Qemu,
    /// Every range of physical addresses that the description claims, ascending by base, each with
    /// the key that claims it.
    pub ranges: Vec<Claim<Range>>,
    /// Every range of ports that it claims, as their numbers, in the same way.
    pub ports: Vec<Claim<Range>>,
    /// Every interrupt that the description claims, ascending by number.
    pub interrupts: Vec<Claim<Interrupt>>,
    /// What is on the machine and is left out on purpose: the address and the reason.
    pub undescribed: Vec<(u64, String)>,
    /// Overlaps that are meant, with their reasons.
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
}

/// How the kernel is loaded and entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// A flat image with the header of the Linux boot protocol; x0, or r2 of a 32-bit processor,
    /// holds the address of the device tree.
    LinuxImage {
        /// Where the image is loaded.
        load_address: u64,
        /// The exception level it is entered at.
        exception_level: ExceptionLevel,
    },
    /// An ELF file for an Arm processor, entered at its first byte with nothing in the registers.
    Elf {
        /// Where the image is loaded.
        load_address: u64,
        /// The exception level it is entered at.
        exception_level: ExceptionLevel,
        /// The affinity in `MPIDR` of the processor that runs; the first to come where absent.
        processor: Option<u32>,
        /// Where the loader puts a device tree.
        device_tree: Option<u64>,
    },
    /// An ELF file that the PVH protocol enters in 32-bit mode; ebx holds the address of the start
    /// info.
    Pvh {
        /// Where the image is loaded.
        load_address: u64,
    },
    /// The payload of SBI firmware, in S mode on RISC-V; a0 holds the number of the hart, a1 the
    /// address of the device tree.
    SbiPayload {
        /// Where the image is loaded.
        load_address: u64,
        /// What the loader is given.
        form: ImageForm,
    },
    /// Out of reset, in M mode on RISC-V, all harts at once; a0 holds the number of the hart, a1 the
    /// address of the device tree.
    MachineMode {
        /// Where every hart begins. Where the image is not loaded there, a jump to it is.
        entry: u64,
        /// Where the image is loaded.
        load_address: u64,
        /// What the loader is given.
        form: ImageForm,
    },
}

impl Boot {
    /// Whether firmware may come before the kernel, which then starts in S mode: whether there is
    /// room for it.
    #[must_use]
    pub fn takes_firmware(&self) -> bool {
        match self {
            Self::LinuxImage { .. } | Self::Elf { .. } | Self::Pvh { .. } => false,
            Self::SbiPayload { .. } => true,
            Self::MachineMode {
                entry,
                load_address,
                ..
            } => entry != load_address,
        }
    }
}

/// What a loader is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageForm {
    /// An ELF file.
    Elf,
    /// The bytes as they lie in memory from the load address on.
    Flat,
}

/// An exception level of a 64-bit Arm processor, or what comes near to it on a 32-bit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionLevel {
    /// An operating system's.
    El1,
    /// A hypervisor's.
    El2,
    /// The secure monitor's.
    El3,
    /// Supervisor mode of a 32-bit processor in the non-secure state.
    Svc,
    /// Hyp mode of a 32-bit processor.
    Hyp,
    /// Supervisor mode of a 32-bit processor in the secure state.
    SecureSvc,
}

impl fmt::Display for ExceptionLevel {
    /// Writes it as the architecture's manual does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::El1 => "EL1",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
            Self::Svc => "Supervisor mode",
            Self::Hyp => "Hyp mode",
            Self::SecureSvc => "secure Supervisor mode",
        })
    }
}

/// What memory there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// RAM, ascending.
    pub ram: Vec<Ram>,
    /// RAM that must be left alone, ascending.
    pub reserved: Vec<Reserved>,
    /// The size of the kernel's stack in bytes, a multiple of 4 KiB.
    pub stack: u64,
}

/// A range of RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ram {
    /// Its name under `memory.ram`.
    pub name: String,
    /// Its first address.
    pub base: u64,
    /// How many bytes the description says, or how many QEMU is started with.
    pub expected_size: u64,
    /// Whether the description states the size (`memory.ram.<name>.size`) or leaves it to the
    /// firmware's tables.
    pub size_is_stated: bool,
    /// The name of the range whose rest this is (`memory.ram.<name>.rest-of`): then none is expected.
    pub rest_of: Option<String>,
}

/// RAM that must be left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its name under `memory.reserved`.
    pub name: String,
    /// Where it is.
    pub range: Range,
    /// Why.
    pub reason: String,
}

/// The interrupt controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterruptController {
    /// `interrupt-controller.gic-v2`
    GicV2 {
        /// GICD.
        distributor: Range,
        /// GICC.
        cpu_interface: Range,
        /// The GICv2m frame, where there is one.
        v2m: Option<Range>,
    },
    /// `interrupt-controller.gic-v3`
    GicV3 {
        /// GICD.
        distributor: Range,
        /// The first GICR frame.
        redistributors: u64,
        /// From one GICR frame to the next.
        redistributor_stride: u64,
        /// How many GICR frames there is room for.
        redistributor_count: u32,
        /// GITS, where there is one.
        its: Option<Range>,
    },
    /// `interrupt-controller.apic`
    Apic {
        /// The local APIC.
        local: Range,
        /// The I/O APICs, ascending by their first inputs.
        io: Vec<IoApic>,
        /// The 8259s, where there are some.
        i8259: Option<I8259>,
    },
    /// `interrupt-controller.plic`
    Plic {
        /// Its registers.
        registers: Range,
        /// How many sources it has, numbered from 1 on.
        sources: u32,
        /// The modes of each hart that it delivers to, from hart 0 on; the last stands for the harts
        /// after it.
        contexts: Vec<HartModes>,
    },
}

/// An I/O APIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its name under `interrupt-controller.apic.io`.
    pub name: String,
    /// Its registers.
    pub registers: Range,
    /// The global system interrupt of its first input.
    pub first: u32,
}

/// The two 8259s of a PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I8259 {
    /// The first port of the one that the processor is wired to.
    pub primary: u16,
    /// The first port of the other one.
    pub secondary: u16,
}

/// The modes of a hart that a PLIC delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HartModes {
    /// M mode.
    Machine,
    /// S mode.
    Supervisor,
    /// M mode, then S mode.
    Both,
}

/// The timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// `timer.arm-generic`
    ArmGeneric {
        /// The virtual counter and timer, or the physical ones.
        counter: Counter,
        /// What it raises.
        interrupt: Interrupt,
        /// The frequency in Hz where the description states it; else it is read from `CNTFRQ`.
        frequency: Option<u64>,
    },
    /// `timer.local-apic`
    LocalApic {
        /// What its rate is measured by.
        reference: TimeReference,
    },
    /// `timer.clint` or `timer.aclint`: that of M mode on RISC-V.
    Machine(MachineTimer),
    /// `timer.sbi` or `timer.sstc`: that of S mode on RISC-V.
    Supervisor {
        /// Which.
        timer: SupervisorTimer,
        /// The frequency in Hz where the description states it; else the device tree tells.
        frequency: Option<u64>,
    },
}

/// A counter of a known rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeReference {
    /// `reference.pit`: channel 0 of an 8254.
    Pit {
        /// The first of its ports.
        port: u16,
    },
    /// `reference.hpet`
    Hpet {
        /// Its registers.
        registers: Range,
    },
    /// `reference.acpi-pm`
    AcpiPm {
        /// The first of its ports.
        port: u16,
    },
    /// `reference.stated`: the local APIC's timer itself.
    Stated {
        /// Its frequency in Hz, before it is divided.
        frequency: u64,
    },
}

/// The timer of M mode on RISC-V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineTimer {
    /// What its registers are part of.
    pub registers: MachineTimerRegisters,
    /// `mtimecmp` of each hart, from hart 0 on.
    pub compare: Range,
    /// `mtime`, where the time is read there; else the `time` CSR is read.
    pub time: Option<Range>,
    /// The timer in its place, for an image that firmware may start in S mode.
    pub supervisor: Option<SupervisorTimer>,
    /// The frequency in Hz where the description states it; else the device tree tells.
    pub frequency: Option<u64>,
}

/// What the registers of a machine timer are part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineTimerRegisters {
    /// A CLINT.
    Clint,
    /// An ACLINT.
    Aclint,
}

/// A timer of S mode on RISC-V.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SupervisorTimer {
    /// The firmware's.
    Sbi,
    /// The hart's own, by the extension Sstc.
    Sstc,
}

/// Which of an Arm processor's generic timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// `CNTVCT` and `CNTV`.
    Virtual,
    /// `CNTPCT` and `CNTP`.
    Physical,
}

/// The console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Console {
    /// `console.pl011`
    Pl011 {
        /// Its registers.
        registers: Range,
        /// What it raises.
        interrupt: Option<Interrupt>,
        /// The frequency of UARTCLK in Hz.
        clock: u64,
        /// The baud rate to set; the one that firmware set stays where absent.
        baud: Option<u32>,
    },
    /// `console.ns16550`
    Ns16550 {
        /// Its registers.
        registers: Registers,
        /// How they lie there.
        layout: RegisterLayout,
        /// What it raises.
        interrupt: Option<Interrupt>,
        /// The frequency of its clock in Hz.
        clock: u64,
        /// The baud rate to set; the one that firmware set stays where absent.
        baud: Option<u32>,
    },
}

/// Where the registers of a device are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// In memory.
    Memory(Range),
    /// Ports, as the range of their numbers.
    Ports(Range),
}

/// How registers of a byte each lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterLayout {
    /// From one to the next, in bytes; a multiple of `width`.
    pub stride: u64,
    /// How wide an access is, in bytes: 1, 2 or 4.
    pub width: u64,
}

/// A means to stop the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Power {
    /// `power.semihosting`: hands an exit status to the debugger or emulator.
    Semihosting,
    /// `power.sifive-test`: ends an emulator with an exit status.
    SifiveTest {
        /// Its register.
        registers: Range,
    },
    /// `power.sbi`
    Sbi,
    /// `power.psci`
    Psci {
        /// The instruction that reaches the firmware.
        conduit: Conduit,
    },
    /// `power.isa-debug-exit`: ends QEMU with an exit status of its own making.
    IsaDebugExit {
        /// Its port.
        port: u16,
    },
    /// `power.register-write`
    RegisterWrite {
        /// To an address, to turn the machine off.
        off: Option<Write<u64>>,
        /// To an address, to restart it.
        reset: Option<Write<u64>>,
    },
    /// `power.port-write`
    PortWrite {
        /// To a port, to turn the machine off.
        off: Option<Write<u16>>,
        /// To a port, to restart it.
        reset: Option<Write<u16>>,
    },
}

/// A write to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<A> {
    /// Its address or port.
    pub register: A,
    /// What is written.
    pub value: u32,
    /// How wide it is.
    pub width: RegisterWidth,
}

/// How wide a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegisterWidth {
    /// 8 bits.
    Bits8,
    /// 16 bits.
    Bits16,
    /// 32 bits.
    Bits32,
}

impl RegisterWidth {
    /// How many bytes that is.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

/// How PSCI is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conduit {
    /// Hypervisor call.
    Hvc,
    /// Secure monitor call.
    Smc,
}

/// A clock that tells the time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rtc {
    /// `rtc.pl031`
    Pl031 {
        /// Its registers.
        registers: Range,
    },
    /// `rtc.goldfish`
    Goldfish {
        /// Its registers.
        registers: Range,
    },
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

/// A PCI host bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pci {
    /// How configuration space is reached.
    pub configuration: PciConfiguration,
    /// Who has assigned the BARs when the kernel starts.
    pub bars: BarAssignment,
    /// Where port I/O is mapped, if it is.
    pub io: Option<Range>,
    /// Where 32-bit memory BARs go.
    pub memory32: Option<Range>,
    /// Where 64-bit memory BARs go.
    pub memory64: Option<Range>,
    /// What the pins raise; of several entries for a slot the first holds.
    pub pins: Vec<Pins>,
    /// What delivers message-signalled interrupts.
    pub msi: Option<Msi>,
}

impl Pci {
    /// Where the processor sees configuration space and how much of it, if not all at its own address.
    #[must_use]
    pub const fn view(&self) -> Option<Range> {
        match self.configuration {
            PciConfiguration::Ecam { view, .. } => view,
            PciConfiguration::Ports { .. } => None,
        }
    }
}

/// How the configuration space of PCI functions is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PciConfiguration {
    /// `pci.ecam`: it is mapped into memory.
    Ecam {
        /// Where.
        registers: Range,
        /// Where the processor sees it and how much of it, if not all at its own address.
        view: Option<Range>,
        /// How many buses it covers, from 0.
        buses: u32,
    },
    /// `pci.ports`
    Ports {
        /// The port that takes the address of a register.
        address: u16,
        /// The first port of its value.
        data: u16,
    },
}

/// What the pins of PCI slots raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pins {
    /// Of every slot: pin p (INTA = 0) of slot s raises `number + (s + p) % 4`.
    From(Interrupt),
    /// Of every slot: pin p of slot s raises the line `(s + p) % 4` of these.
    Rotated([Interrupt; 4]),
    /// Of some slots: pin p raises the line p of these, whatever the slot.
    Straight {
        /// The first slot.
        first: u32,
        /// The last slot.
        last: u32,
        /// The lines.
        lines: [Interrupt; 4],
    },
}

/// Who assigns BARs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarAssignment {
    /// The kernel.
    Kernel,
    /// Firmware, before the kernel starts.
    Firmware,
}

/// What turns a message into an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Msi {
    /// The GICv3's interrupt translation service.
    Its,
    /// The GICv2m frame.
    V2m,
    /// The local APIC.
    LocalApic,
}

/// How QEMU is started.
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
