//! Fault injection: each case causes one fault. Afterwards the machine must work as before, and its
//! counts must show the fault.
//!
//! The letter and the number at the start of a name are those of the list of faults in
//! docs/reliability.md.

mod configuration;
mod disk;
mod leases;
mod loss;
mod machine;
mod network;
mod peers;
mod processor;
mod rings;
mod silence;
mod soak;
mod storm;

use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::Machine;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::service::{Counts, ECHO, REQUESTS, Service};
use vmos_machine_tests::setting::{Draft, Setting};
use vmos_machine_tests::virtqueues::Virtqueues;
use xtask::qemu::GUEST_ADDRESS;

use crate::console;

pub(super) use configuration::CASES as CONFIGURATION;
pub(super) use disk::CASES as DISK;
pub(super) use leases::CASES as LEASES;
pub(super) use leases::lease_address;
pub(super) use loss::CASES as LOSS;
pub(super) use machine::CASES as MACHINE;
pub(super) use network::CASES as NETWORK;
pub(super) use peers::CASES as PEERS;
pub(super) use processor::CASES as PROCESSOR;
pub(super) use rings::CASES as RINGS;
pub(super) use silence::CASES as SILENCE;
pub(super) use soak::CASES as SOAK;
pub(super) use storm::CASES as STORM;

const SELFTEST: &str = "selftest";

/// The time in which a machine must recover, on a busy computer.
const SOON: Duration = Duration::from_secs(20);

/// A running machine with the selftest app's services.
struct Tested {
    machine: Machine,
    service: Service,
    queues: Virtqueues,
}

impl Tested {
    /// Starts the machine, which is reached through ports of the loopback address.
    fn start(draft: Draft<'_>) -> Outcome<Self> {
        let tested = Self::start_without_waiting(draft)?;
        wait_until_ready(&tested.machine)?;
        Ok(tested)
    }

    /// Starts the machine without waiting until it reports that it is ready.
    fn start_without_waiting(mut draft: Draft<'_>) -> Outcome<Self> {
        let (echo, requests) = (draft.echo_port()?, draft.forward_udp(REQUESTS)?);
        let streams = draft.forward_tcp(ECHO)?;
        let service = Service::at_ports(echo, requests, streams)?;
        let (draft, queues) = draft.observed()?;
        Ok(Self {
            machine: draft.start()?,
            service,
            queues,
        })
    }

    /// Starts the machine with a link for raw frames.
    fn wired(draft: Draft<'_>) -> Outcome<Self> {
        let (draft, wire) = draft.wired()?;
        let (draft, queues) = draft.observed()?;
        let machine = draft.start()?;
        wait_until_ready(&machine)?;
        let service = Service::on_wire(wire)?;
        Ok(Self {
            machine,
            service,
            queues,
        })
    }

    /// Checks that the machine works; see [`Service::is_sound`].
    fn is_sound(&mut self) -> Outcome {
        self.service.is_sound(&mut self.machine, &self.queues, SOON)
    }

    /// Checks that the machine works, and that each of the named counts is greater than zero.
    fn is_sound_and_names(&mut self, names: &[&str]) -> Outcome {
        self.is_sound()?;
        let counts = self.service.counts()?;
        for &name in names {
            let count = counts.get(name);
            ensure!(
                count.is_some_and(|&count| count > 0),
                "the fault was not counted: {name} is {count:?}; all counts: {}",
                shown(&counts)
            );
        }
        Ok(())
    }
}

/// Returns the counts that are greater than zero.
fn shown(counts: &Counts) -> String {
    let counts = counts.iter().filter(|(_, count)| **count > 0);
    let counts: Vec<_> = counts
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}

fn wait_until_ready(machine: &Machine) -> Outcome {
    machine.wait_for("that it is ready", |line| {
        console::is_ready(line, GUEST_ADDRESS).then_some(())
    })
}

/// Returns a machine with all devices that runs the app.
fn draft(setting: &Setting) -> Outcome<Draft<'_>> {
    setting.machine(SELFTEST)
}

/// Returns a machine with all devices that runs the app, with further QEMU arguments.
fn draft_with<'a>(setting: &'a Setting, arguments: &[&str]) -> Outcome<Draft<'a>> {
    let mut draft = draft(setting)?;
    let arguments = arguments.iter().map(|&word| word.to_owned());
    draft.qemu.extra.extend(arguments);
    Ok(draft)
}
