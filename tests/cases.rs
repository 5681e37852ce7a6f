//! The cases, by what they are about.

mod audit;
mod bench;
mod demo;
mod description;
mod devices;
mod disk;
mod fault;
mod firmware;
mod floor;
mod frames;
mod idle;
mod memory;
mod network;
mod reliability;
mod reset;

use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

/// One thing that holds of a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it is tried.
    pub(crate) scope: Scope,
    /// What it cannot be tried without.
    pub(crate) need: Need,
    /// Whether it has QEMU complain, as of a queue that it is made to find broken.
    pub(crate) provokes: bool,
    /// Tries it.
    pub(crate) run: fn(&Setting) -> Outcome,
}

/// Where a case is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// On every board once, since it has nothing to do with its devices.
    Board,
    /// On every board with every way to attach devices.
    Attachment,
}

/// What a case cannot be tried without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// Devices in the slots of virtio-mmio, by the interface of the specification.
    Slots,
    /// A loader that tells the kernel how much RAM there is, and its command line.
    Table,
    /// Firmware that the board has room for and need not have.
    Firmware,
    /// Devices on the PCI bus.
    Pci,
    /// Devices on the PCI bus that raise messages.
    Messages,
    /// Devices by the interface of the specification.
    Modern,
    /// Devices in the slots of virtio-mmio, wired to an I/O APIC that is not the first.
    SecondIoApic,
}

impl Case {
    const fn new(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            name,
            scope: Scope::Attachment,
            need: Need::Nothing,
            provokes: false,
            run,
        }
    }

    const fn once_a_board(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            scope: Scope::Board,
            ..Self::new(name, run)
        }
    }

    /// One that has QEMU complain.
    const fn provoking(self) -> Self {
        Self {
            provokes: true,
            ..self
        }
    }

    const fn needing(self, need: Need) -> Self {
        Self { need, ..self }
    }
}

/// Every case. Those that take long come first, so that the others fill the time.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let groups: [&[Case]; 19] = [
        &idle::CASES,
        &reliability::NETWORK,
        &reliability::RINGS,
        &reliability::SILENCE,
        &reliability::MACHINE,
        &reliability::DISK,
        &reliability::CONFIGURATION,
        &bench::CASES,
        &network::CASES,
        &frames::CASES,
        &devices::CASES,
        &disk::CASES,
        &memory::CASES,
        &reset::CASES,
        &firmware::CASES,
        &fault::CASES,
        &floor::CASES,
        &description::CASES,
        &audit::CASES,
    ];
    groups.into_iter().flatten()
}
