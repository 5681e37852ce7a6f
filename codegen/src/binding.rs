//! What each driver needs to know of a machine.
//!
//! A binding is one file: the table of the driver's properties, the architectures it is for, the
//! addresses and interrupts it lays claim to, what else can be wrong with it, and how it is told to
//! the emitters. A new driver is a new file and its line in the class it belongs to, below.

pub mod apic;
pub mod arm_generic;
pub(crate) mod block;
pub mod clint;
pub mod elf;
mod exception_level;
pub mod gic_v2;
pub mod gic_v3;
mod image;
pub mod isa_debug_exit;
pub mod linux_image;
pub mod local_apic;
pub mod machine_mode;
pub mod mc146818;
pub mod ns16550;
pub mod pci_ecam;
pub mod pci_host;
pub mod pci_ports;
pub mod pl011;
pub mod plic;
pub mod psci;
pub mod pvh;
pub mod register_write;
mod riscv;
pub mod rtc;
pub mod sbi_payload;
pub mod sbi_reset;
pub mod semihosting;
pub mod sifive_test;
pub mod supervisor_timer;
pub mod virtio_mmio;

pub use virtio_mmio::VirtioMmio;

use crate::board::{self, Architecture, ExceptionLevel};
use crate::check::Claimed;
use crate::check::claims::Claims;
use crate::description::driver::drivers;
use crate::description::{Description, Located, Place, Space};
use crate::diagnostic::Problems;
use crate::machine::expect::Expected;

/// What the checks ask of every binding.
pub trait Binding {
    /// Where its table stands.
    fn place(&self) -> &Place;

    /// The architectures that have such a part; `None` if it can be on any.
    fn architectures() -> Option<&'static [Architecture]>
    where
        Self: Sized,
    {
        None
    }

    /// The same of this one.
    fn fits(&self) -> Option<&'static [Architecture]>;

    /// Claims the addresses and interrupts of the part.
    fn claim(&self, _claims: &mut Claims<'_>) {}

    /// Says what the part is expected to be in the machine, and which of its keys say what.
    fn expect(&self, _expected: &mut Expected) {}

    /// The keys of its table that are the author's to choose: nothing in the machine can tell
    /// whether they are right.
    fn choices(&self) -> &'static [&'static str] {
        &[]
    }

    /// Tells what else is wrong, the other parts of the board considered.
    fn check(&self, _description: &Description, _claimed: &Claimed, _problems: &mut Problems) {}
}

/// A binding that a board picks by its name.
pub trait Driver: Binding {
    /// The name.
    const NAME: &'static str;

    /// What the emitters see of it.
    type Resolved;

    /// Leaves nothing unsaid. `None` if something is missing or bad, which has been told then.
    fn resolve(&self, description: &Description) -> Option<Self::Resolved>;
}

/// What is asked of the binding of an interrupt controller besides.
pub trait Controller: Binding {
    /// The inputs it has, by the space that their numbers are given in.
    fn inputs(&self) -> Vec<Inputs>;

    /// Whether lines may be low as they ask.
    fn takes_low(&self) -> bool {
        false
    }

    /// Whether it delivers message-signalled interrupts of a kind.
    fn delivers(&self, msi: board::Msi) -> Delivery;
}

/// A row of inputs of an interrupt controller.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    /// The space that gives them numbers from 0 on.
    pub space: Space,
    /// The controller's own number of the one that is 0 in its space.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// Whether each processor has its own, for a controller that keeps the two apart.
    pub private: Option<bool>,
}

/// Whether a controller delivers message-signalled interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It does.
    Yes,
    /// It does not, and why.
    No(&'static str),
    /// That cannot be told.
    Unknown,
}

drivers! {
    /// How the loader loads and enters the kernel.
    pub enum Boot: Binding => board::Boot {
        LinuxImage(linux_image::LinuxImage),
        Elf(elf::Elf),
        SbiPayload(sbi_payload::SbiPayload),
        MachineMode(machine_mode::MachineMode),
        Pvh(pvh::Pvh),
    }
}

impl Boot {
    /// The exception level at which it says that an Arm processor enters the kernel.
    pub(crate) fn exception_level(&self) -> Option<&Located<ExceptionLevel>> {
        match self {
            Self::LinuxImage(boot) => boot.exception_level.get(),
            Self::Elf(boot) => boot.exception_level.get(),
            Self::Pvh(_) | Self::SbiPayload(_) | Self::MachineMode(_) => None,
        }
    }
}

drivers! {
    /// The interrupt controller.
    pub enum InterruptController: Controller => board::InterruptController {
        GicV2(gic_v2::GicV2),
        GicV3(gic_v3::GicV3),
        Apic(apic::Apic),
        Plic(plic::Plic),
    }
}

drivers! {
    /// The clock and timer of the kernel.
    pub enum Timer: Binding => board::Timer {
        ArmGeneric(arm_generic::ArmGeneric),
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
    }
}

drivers! {
    /// A means to stop the machine. Those that hand over an exit status come first.
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
    pub enum Rtc: Binding => board::Rtc {
        Pl031(rtc::Pl031),
        Goldfish(rtc::Goldfish),
        Mc146818(mc146818::Mc146818),
    }
}

drivers! {
    /// The PCI host bridge.
    pub enum Pci: Binding => board::Pci {
        Ecam(pci_ecam::PciEcam),
        Ports(pci_ports::PciPorts),
    }
}

/// Implements the parts of [`Binding`] that are the same everywhere.
macro_rules! place {
    () => {
        fn place(&self) -> &$crate::description::Place {
            &self.place
        }

        fn fits(&self) -> Option<&'static [$crate::board::Architecture]> {
            Self::architectures()
        }
    };
}

use place;
