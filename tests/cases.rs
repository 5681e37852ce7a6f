//! The machine test cases, by topic.

mod apps;
mod audit;
mod bench;
mod console_only;
mod demo;
mod denied;
mod description;
mod devices;
mod disk;
mod ethernet;
mod fault;
mod firmware;
mod floor;
mod frames;
mod idle;
mod ipv6;
mod memory;
mod misdescribed;
mod neighbours;
mod network;
mod reliability;
mod reset;
mod streams;

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

/// A test case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The name of the case.
    pub(crate) name: &'static str,
    /// The boards and attachments that the case runs on.
    pub(crate) scope: Scope,
    /// The parts of the board that the case needs.
    pub(crate) need: Need,
    /// The app, if it is one that is built only for few boards without `--all`. The case is tried only
    /// where its app is built.
    pub(crate) app: Option<&'static str>,
    /// Whether QEMU's messages are expected, for example about a queue that the test corrupts.
    pub(crate) provokes: bool,
    /// Runs the test.
    pub(crate) run: fn(&Setting) -> Outcome,
}

/// How often a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Once for every board, because it does not depend on the devices.
    Board,
    /// For every board and every way to attach devices.
    Attachment,
    /// With `--all`, for every board and every way to attach devices. Otherwise with one way, which
    /// differs from case to case, on every second board, on those that are tested seldom and on one that
    /// is tested alone; a case with an app of its own, on each board for which the app is built.
    Spread,
    /// With `--all`, for every board and every way to attach devices; otherwise not at all.
    Thorough,
    /// Only in a soak test: on every board with one way to attach devices.
    Soak,
}

/// What a case needs from the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// Virtio-mmio slots with modern devices (version 2).
    Slots,
    /// A loader that passes the size of the RAM and the command line.
    Table,
    /// The same, and a RAM that QEMU's arguments do not divide into nodes, whose amount is theirs.
    Amount,
    /// Another number of processors than the board's: none is assigned to a node of RAM.
    Processors,
    /// Firmware that can be enabled or disabled.
    Firmware,
    /// Room for a second disk and a second network device.
    Room,
    /// Names of a disk and of a network device, and room for both.
    Names,
    /// Room for 4 GiB of RAM.
    Memory4Gib,
    /// Devices on the PCI bus.
    Pci,
    /// Devices on the PCI bus that raise messages.
    Messages,
    /// Devices on the PCI bus that assert lines.
    Pins,
    /// Devices with the modern interface of virtio, not the legacy one.
    Modern,
    /// Devices in the slots of virtio-mmio, wired to an I/O APIC that is not the first.
    SecondIoApic,
    /// A unit that protects memory: an MMU or an MPU.
    Protection,
    /// An image that runs in flash.
    Flash,
}

impl Case {
    const fn new(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            name,
            scope: Scope::Attachment,
            need: Need::Nothing,
            app: None,
            provokes: false,
            run,
        }
    }

    const fn spread(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            scope: Scope::Spread,
            ..Self::new(name, run)
        }
    }

    const fn thorough(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            scope: Scope::Thorough,
            ..Self::new(name, run)
        }
    }

    const fn soak(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            scope: Scope::Soak,
            ..Self::new(name, run)
        }
    }

    const fn once_a_board(name: &'static str, run: fn(&Setting) -> Outcome) -> Self {
        Self {
            scope: Scope::Board,
            ..Self::new(name, run)
        }
    }

    /// Returns the case marked as one during which QEMU prints messages.
    const fn provoking(self) -> Self {
        Self {
            provokes: true,
            ..self
        }
    }

    /// Returns the case with its app, which is built only for few boards.
    const fn of(self, app: &'static str) -> Self {
        Self {
            app: Some(app),
            ..self
        }
    }

    const fn needing(self, need: Need) -> Self {
        Self { need, ..self }
    }
}

/// The cases of boards that are tested seldom: those whose result depends on the board's own parts,
/// above all on its interrupt controller and timer, and one for each of the kernel's means.
const BRIEF: [&str; 33] = [
    "answers_ping",
    "bench_measures_disk_and_timer",
    "c6_two_vectors",
    "can_be_imported",
    "counts_its_starts_on_the_disk",
    "does_without_pci_elsewhere",
    "echoes_a_datagram",
    "echoes_streams",
    "fills_memory",
    "finds_its_devices",
    "gets_its_address_by_dhcp",
    "images_are_as_described",
    "is_as_described",
    "m9_a_write_to_code_is_reported",
    "m9_data_that_is_run_is_reported",
    "names_a_further_controller",
    "names_a_local_controller_elsewhere",
    "names_a_timer_that_is_missing",
    "names_another_controller",
    "names_interrupts_of_another_controller",
    "names_power_and_timer_of_another_tree",
    "names_power_that_is_missing",
    "reports_a_null_access",
    "reports_a_panic",
    "reports_a_stack_overflow",
    "runs_no_instruction_while_idle",
    "shows_what_is_misdescribed",
    "survives_a_burst_of_32",
    "survives_a_reset_with_its_network_alive",
    "the_demo_is_small",
    "w2_an_interrupt_of_the_disk_is_lost",
    "w5_interrupts_that_lead_nowhere",
    "w6_messages_from_behind_a_pci_bridge",
];

impl Case {
    /// Returns whether the case is one of those for boards that are tested seldom.
    pub(crate) fn is_brief(&self) -> bool {
        BRIEF.contains(&self.name)
    }
}

/// Checks that each name in [`BRIEF`] is that of a case, because a misspelt one would be left out.
pub(crate) fn check_brief() -> Outcome {
    for name in BRIEF {
        ensure!(
            all().any(|case| case.name == name),
            "tests/cases.rs: BRIEF has {name}, which is not the name of a case"
        );
    }
    Ok(())
}

/// Returns the cases of boards whose machine has only a console.
pub(crate) fn of_a_console() -> impl Iterator<Item = &'static Case> {
    console_only::CASES.iter()
}

/// Returns the cases of boards with an Ethernet controller of their own.
pub(crate) fn of_ethernet() -> impl Iterator<Item = &'static Case> {
    ethernet::CASES.iter()
}

/// Returns all cases, the slowest first, so that the others run next to them.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    const GROUPS: &[&[Case]] = &[
        &reliability::SOAK,
        &idle::CASES,
        &ipv6::CASES,
        &reliability::LEASES,
        &reliability::LOSS,
        &reliability::NETWORK,
        &reliability::PEERS,
        &reliability::RINGS,
        &reliability::SILENCE,
        &reliability::STORM,
        &reliability::MACHINE,
        &reliability::PROCESSOR,
        &reliability::DISK,
        &reliability::CONFIGURATION,
        &bench::CASES,
        &neighbours::CASES,
        &network::CASES,
        &frames::CASES,
        &streams::CASES,
        &devices::CASES,
        &disk::CASES,
        &memory::CASES,
        &reset::CASES,
        &firmware::CASES,
        &denied::CASES,
        &misdescribed::CASES,
        &fault::CASES,
        &floor::CASES,
        &description::CASES,
        &audit::CASES,
    ];
    GROUPS.iter().copied().chain(apps::CASES).flatten()
}
