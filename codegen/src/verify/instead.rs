//! The table of the part that a machine has in place of a described one.

use super::Comparison;
use crate::binding::{Console, Ethernet, InterruptController, Pci, Rtc, Timer};
use crate::board::Msi;
use crate::description::ROOT;
use crate::language::hexadecimal;
use crate::machine::device::Device;
use crate::part::class::Recogniser;
use crate::part::draft::{Machine, NO_FIRMWARE, Origin, QemuOrigin};
use crate::part::expect::Part;
use crate::part::{Delivery, Entered};

/// The beginning of the key of a further controller.
const FURTHER: &str = "further.";

impl Comparison<'_> {
    /// Returns the table of another driver of the same class, for a device that the machine has;
    /// `None` if there is no such device, or if the part is not selected by its driver's name.
    pub(super) fn instead(&self, part: &Part) -> Option<String> {
        let (class, driver) = part.path().split_once('.')?;
        let recognisers: &[Recogniser] = match class {
            "interrupt-controller" => InterruptController::RECOGNISERS,
            "timer" => Timer::RECOGNISERS,
            "console" => Console::RECOGNISERS,
            "rtc" => Rtc::RECOGNISERS,
            "ethernet" => Ethernet::RECOGNISERS,
            "pci" => Pci::RECOGNISERS,
            _ => return None,
        };
        if driver.contains('.') {
            return None;
        }
        let table = self.table(recognisers)?;
        let is_same = table.starts_with(&format!("[{}]", part.path()));
        (!is_same).then(|| {
            format!(
                "the machine has another one; write instead:\n{}",
                table.trim_end()
            )
        })
    }

    /// Returns the lines that describe the interrupt controller at `base` as a further one of the
    /// described controller, with the name that they give it.
    pub(super) fn further(&self, base: u64) -> Option<(String, String)> {
        let place = self.description.controller()?.binding().place();
        let table = self.table(InterruptController::RECOGNISERS)?;
        let mut lines = table.lines();
        if lines.next()? != format!("[{}]", place.path) {
            return None;
        }
        // The kernel may use a domain of an APLIC above the one that the devices name.
        let all = self.facts.devices.iter().filter_map(Device::base);
        let receivers = all.filter(|one| self.facts.with_children(&[*one]).contains(&base));
        let bases: Vec<String> = receivers
            .map(|base| format!("base = {},", hexadecimal(base)))
            .collect();
        let has_it = |line: &&str| bases.iter().any(|base| line.contains(base));
        let line = lines
            .filter(|line| line.starts_with(FURTHER))
            .find(has_it)?;
        let name = line.strip_prefix(FURTHER)?.split_once(" =")?.0;
        let missing = self.missing_for_further(&table);
        let all: Vec<&str> = missing.into_iter().chain([line]).collect();
        Some((all.join("\n"), name.to_owned()))
    }

    /// Returns the lines that describe all further interrupt controllers of the machine; empty if the
    /// described controller has no further ones.
    pub(super) fn all_further(&self) -> Vec<String> {
        let Some(table) = self.table(InterruptController::RECOGNISERS) else {
            return Vec::new();
        };
        let further = table.lines().filter(|line| line.starts_with(FURTHER));
        let missing = self.missing_for_further(&table);
        let all = missing.into_iter().chain(further);
        all.map(str::to_owned).collect()
    }

    /// Returns the line with the key that the described controller lacks and needs for further ones, if
    /// the table has it.
    fn missing_for_further<'t>(&self, table: &'t str) -> Option<&'t str> {
        let controller = self.description.controller()?.binding();
        let start = format!("{} = ", controller.missing_for_further()?);
        table.lines().find(|line| line.starts_with(&start))
    }

    /// Returns the table of the first of these drivers of which the machine has the device.
    fn table(&self, recognisers: &[Recogniser]) -> Option<String> {
        let around = self.description.surroundings();
        let inputs = self.description.controller();
        let origin = Origin {
            name: String::new(),
            architecture: around.architecture()?.value,
            qemu: self.qemu(),
            from: String::new(),
        };
        let machine = Machine {
            origin: &origin,
            facts: self.facts,
            root: ROOT,
            inputs: inputs.map_or_else(Vec::new, |one| one.binding().inputs()),
            messages: inputs.and_then(|one| {
                let mut all = InterruptController::MESSAGES.iter().copied().flatten();
                let delivers = |msi: &&Msi| one.binding().delivers(**msi) == Delivery::Yes;
                all.find(delivers).copied()
            }),
        };
        // A driver without kinds is recognised without a device.
        let of_devices = recognisers.iter().filter(|one| one.is_of_device());
        let sections = of_devices.filter_map(|driver| driver.first(&machine));
        let mut sections = sections.filter(|section| section.todo.is_empty());
        Some(sections.next()?.to_string())
    }

    fn qemu(&self) -> Option<QemuOrigin> {
        let qemu = self.description.qemu.value()?;
        let arguments = qemu.arguments.value()?.iter();
        let mut arguments: Vec<String> = arguments.map(|one| one.value.0.clone()).collect();
        let loader = self.description.surroundings().loader;
        let entered = loader.and_then(|loader| loader.entered());
        if entered.is_some_and(|(entered, _)| entered != Entered::Supervisor) {
            arguments.extend(NO_FIRMWARE.map(str::to_owned));
        }
        Some(QemuOrigin {
            machine: qemu.machine.value()?.0.clone(),
            cpu: qemu.cpu.value()?.0.clone(),
            memory: qemu.memory.value()?.0,
            arguments,
            version: None,
        })
    }
}
