//! All parts that have a driver.
//!
//! One file describes one kind of part: its properties in a board file, its architectures, the
//! addresses and interrupts that it claims, its own checks, how it is recognised in a machine, its
//! registers, its line in `board.md`, and its driver in `board.rs`. A new driver is a new file, and
//! a line in its class below. No other module of this crate names a part.

pub mod apic;
pub mod aplic;
pub mod arm_generic;
pub(crate) mod block;
pub mod clint;
pub mod cmsdk_dual_timer;
pub mod cmsdk_uart;
pub mod cortex_a9_global;
pub mod elf;
mod exception_level;
pub mod gic_v2;
pub mod gic_v3;
mod image;
pub mod imsic;
pub mod isa_debug_exit;
pub mod lan9118;
pub mod linux_image;
pub mod local_apic;
pub mod machine_mode;
pub mod mc146818;
mod messages;
mod nrf51;
pub mod nrf51_timer;
pub mod nrf51_uart;
pub mod ns16550;
pub mod nvic;
pub mod own_part;
pub mod pci_ecam;
pub mod pci_host;
pub mod pci_ports;
pub mod pl011;
pub mod plic;
pub mod psci;
pub mod pvh;
pub mod register_write;
mod relays;
mod riscv;
pub mod rtc;
pub mod sbi_payload;
pub mod sbi_reset;
pub mod semihosting;
pub mod sifive_test;
mod sockets;
pub mod sp804;
pub mod sse_timer;
pub mod supervisor_timer;
pub mod systick;
mod timer_block;
mod uart;
pub mod vector_table;
pub mod virtio_mmio;

pub use own_part::OwnPart;
pub use virtio_mmio::VirtioMmio;

use crate::board;
use crate::part::class::drivers;
use crate::part::{Binding, Controller, Loader};

drivers! {
    /// How the loader loads and enters the kernel.
    pub enum Boot: Loader => board::Boot {
        LinuxImage(linux_image::LinuxImage),
        Elf(elf::Elf),
        SbiPayload(sbi_payload::SbiPayload),
        MachineMode(machine_mode::MachineMode),
        Pvh(pvh::Pvh),
        VectorTable(vector_table::VectorTable),
    }
}

drivers! {
    /// The interrupt controller.
    pub enum InterruptController: Controller => board::InterruptController {
        GicV2(gic_v2::GicV2),
        GicV3(gic_v3::GicV3),
        Apic(apic::Apic),
        Plic(plic::Plic),
        Aplic(aplic::Aplic),
        Imsic(imsic::Imsic),
        Nvic(nvic::Nvic),
    }
}

drivers! {
    /// The clock and timer of the kernel.
    pub enum Timer: Binding => board::Timer {
        ArmGeneric(arm_generic::ArmGeneric),
        CortexA9Global(cortex_a9_global::CortexA9Global),
        Sp804(sp804::Sp804),
        CmsdkDualTimer(cmsdk_dual_timer::CmsdkDualTimer),
        SseTimer(sse_timer::SseTimer),
        Nrf51Timer(nrf51_timer::Nrf51Timer),
        SysTick(systick::SysTick),
        LocalApic(local_apic::LocalApic),
        Clint(clint::Clint),
        Aclint(clint::Aclint),
        Sbi(supervisor_timer::SbiTimer),
        Sstc(supervisor_timer::SstcTimer),
    }
}

drivers! {
    /// The console, which prints the log.
    pub enum Console: Binding => board::Console {
        Pl011(pl011::Pl011),
        Ns16550(ns16550::Ns16550),
        CmsdkUart(cmsdk_uart::CmsdkUart),
        Nrf51Uart(nrf51_uart::Nrf51Uart),
    }
}

drivers! {
    /// A means to stop the machine. Those that report an exit status come first.
    pub enum Power: Binding => board::Power {
        Semihosting(semihosting::Semihosting),
        IsaDebugExit(isa_debug_exit::IsaDebugExit),
        SifiveTest(sifive_test::SifiveTest),
        Psci(psci::Psci),
        Sbi(sbi_reset::SbiReset),
        RegisterWrite(register_write::RegisterWrite),
        PortWrite(register_write::PortWrite),
    }
}

drivers! {
    /// The real-time clock.
    pub enum Rtc: Binding => board::Part {
        Pl031(rtc::Pl031),
        Goldfish(rtc::Goldfish),
        Mc146818(mc146818::Mc146818),
    }
}

drivers! {
    /// The Ethernet controller of the board: a network device that is not virtio.
    pub enum Ethernet: Binding => board::Ethernet {
        Lan9118(lan9118::Lan9118),
    }
}

impl Rtc {
    /// The types in `board.rs` for a board without a real-time clock: a driver that is never
    /// instantiated.
    pub(crate) fn absent() -> board::Code {
        rtc::Pl031::code(None)
    }
}

drivers! {
    /// The PCI host bridge.
    pub enum Pci: Binding => board::Pci {
        Ecam(pci_ecam::PciEcam),
        Ports(pci_ports::PciPorts),
    }
}

impl Pci {
    /// The types in `board.rs` for a board without a PCI host bridge: a driver that is never
    /// instantiated.
    pub(crate) fn absent() -> board::Code {
        pci_ecam::PciEcam::code(None)
    }
}
