//! Creates a board file from a machine.
//!
//! Each class of parts searches for a device that it has a driver for and writes its table. A value
//! that cannot be determined from the machine becomes a `TODO` with what to look up, and devices
//! without a table are listed under `[undescribed]`.

mod foreign;
mod machine;
mod microcontroller;
mod origin;
mod pc;

use std::collections::BTreeMap;

use crate::binding::{
    Boot, Console, Ethernet, InterruptController, Pci, Power, Rtc, Timer, VirtioMmio,
};
use crate::description::ROOT;
use crate::language::hexadecimal;
use crate::language::schema::NEW_DRIVER;
use crate::machine::Facts;
use crate::machine::device::Device;
use crate::part::class::Recogniser;
use crate::part::draft::{Machine, NO_FIRMWARE};
use crate::part::section::Section;
use crate::source::InMemory;
use crate::verify::undescribed;

pub use crate::part::draft::{Origin, QemuOrigin};
pub use origin::origin;

/// A board file, as complete as the machine allows.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The text of the board file.
    pub text: String,
    /// The values that must be looked up, each with where to find it.
    pub todo: Vec<String>,
    /// The kinds of the devices that are left out because their interrupts go to a controller that the
    /// kernel does not use.
    pub unserved: Vec<String>,
}

/// Creates a board file from what is known of a machine.
pub fn import(origin: &Origin, facts: &Facts) -> Draft {
    let facts = &machine::with_ram(facts);
    let mut machine = Machine {
        origin,
        facts,
        root: ROOT,
        inputs: Vec::new(),
        messages: None,
    };
    let controller = first(InterruptController::RECOGNISERS, &machine)
        .unwrap_or_else(|| Section::missing("interrupt-controller", controllers(&machine)));
    machine.inputs.clone_from(&controller.inputs);
    machine.messages = controller.messages;
    let owners = facts.with_children(&controller.owners);
    let own = foreign::without(facts, &owners).numbered(&controller.further);
    machine.facts = &own;
    let powers: Vec<Section> = Power::RECOGNISERS
        .iter()
        .filter_map(|driver| driver.first(&machine))
        .collect();
    let mut sections = vec![
        machine::identity(&machine),
        machine::qemu(&machine, &powers, controller.option),
        first(Boot::RECOGNISERS, &machine).unwrap_or_else(|| {
            let what = "how the loader starts a kernel on this machine: see docs/new-board.md";
            Section::missing("boot", what)
        }),
        if machine.is_pc() {
            pc::memory(&machine)
        } else if machine.is_microcontroller() {
            microcontroller::memory(&machine)
        } else {
            machine::memory(&machine)
        },
        controller,
        first(Timer::RECOGNISERS, &machine).unwrap_or_else(|| {
            let what = "the clock and timer of the processor: see its manual";
            Section::missing("timer", what)
        }),
        console(&machine),
    ];
    sections.extend(first(Rtc::RECOGNISERS, &machine));
    sections.extend(first(Ethernet::RECOGNISERS, &machine));
    if powers.is_empty() {
        let what =
            "how to power the machine off: see the manual of its firmware or power controller";
        sections.push(Section::missing("power", what));
    }
    sections.extend(powers);
    sections.extend(VirtioMmio::import(&machine));
    sections.extend(first(Pci::RECOGNISERS, &machine));
    let todo = sections.iter().flat_map(|section| section.todo.clone());
    let mut draft = Draft {
        todo: todo.collect(),
        unserved: foreign::kinds(facts, &owners),
        text: format!("{SCHEMA}\n# From {}.\nschema = 1\n", origin.from),
    };
    for section in &sections {
        draft.text += &format!("\n{section}");
    }
    draft.text += &rest(&draft.text, origin, facts, &owners);
    draft
}

/// Returns the table of the first part of a class that is found in the machine.
fn first(class: &[Recogniser], machine: &Machine<'_>) -> Option<Section> {
    class.iter().find_map(|driver| driver.first(machine))
}

/// QEMU's names of the first serial line: its own, and that of a machine that `run` starts.
const FIRST_LINE: [&str; 2] = ["serial0", "console"];

/// Returns the console's table: the device that standard output goes to, or that of QEMU's first
/// serial line, or the first one that has a driver.
fn console(machine: &Machine<'_>) -> Section {
    let known = Console::RECOGNISERS.iter().flat_map(|driver| {
        let devices = driver.devices(machine).into_iter();
        devices.map(move |device| (driver, device))
    });
    let known: Vec<_> = known.collect();
    let is_console =
        |device: &Device| machine.facts.console.is_some() && device.base() == machine.facts.console;
    let is_first = |device: &Device| {
        let line = device.word("chardev");
        line.is_some_and(|line| FIRST_LINE.contains(&line))
    };
    let found = known
        .iter()
        .find(|(_, device)| is_console(device))
        .or_else(|| known.iter().find(|(_, device)| is_first(device)))
        .or(known.first());
    let section = found.and_then(|(driver, device)| (driver.import)(machine, device));
    section.unwrap_or_else(|| Section::missing("console", unknown_console(machine)))
}

fn unknown_console(machine: &Machine<'_>) -> String {
    let at = |address| {
        let mut devices = machine.facts.devices.iter();
        let device = devices.find(|device| device.base() == Some(address))?;
        device.kinds.first()
    };
    match machine.facts.console.and_then(at) {
        Some(kind) => no_driver(kind),
        None => "the UART of the machine and its address".to_owned(),
    }
}

/// Returns the error text about the machine's interrupt controllers, none of which has a driver.
fn controllers(machine: &Machine<'_>) -> String {
    let controllers = machine.facts.devices.iter();
    let controllers = controllers.filter(|device| {
        let is_one = device.number("#interrupt-cells").is_some() && device.bridge.is_none();
        is_one && !device.is(&["riscv,cpu-intc"])
    });
    let kinds: Vec<&str> = controllers
        .filter_map(|device| device.kinds.first().map(String::as_str))
        .collect();
    match kinds.as_slice() {
        [] => "the interrupt controller of the machine".to_owned(),
        kinds => no_driver(&kinds.join(", ")),
    }
}

/// Returns the table `[undescribed]` with the machine's devices that the text does not describe;
/// empty if there are none.
fn rest(draft: &str, origin: &Origin, facts: &Facts, owners: &[u64]) -> String {
    let sources = InMemory::new().with(&origin.name, draft);
    let left = undescribed(&sources, &origin.name, facts);
    if left.is_empty() {
        return String::new();
    }
    let mut section = Section::new("undescribed").note("devices that no table describes");
    // A container starts at the address of its first device: both have one line.
    let mut at: BTreeMap<u64, (Vec<String>, Option<String>)> = BTreeMap::new();
    for (range, name) in left {
        let (names, reason) = at.entry(range.base).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
        *reason = reason
            .take()
            .or_else(|| foreign::reason(facts, range, owners));
    }
    for (base, (names, reason)) in at {
        let key = format!("\"{}\"", hexadecimal(base));
        let reason = reason.as_deref().unwrap_or("not used");
        section = section.line(&key, text(&format!("{}: {reason}", names.join(", "))));
    }
    format!("\n{section}")
}

/// The schema for editors.
const SCHEMA: &str = "#:schema ../generated/board.schema.json";

/// Returns what to do if there is no driver for parts of these kinds.
fn no_driver(kinds: &str) -> String {
    format!("no driver for {kinds}: {NEW_DRIVER}")
}

/// Returns text in quotes.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests;
