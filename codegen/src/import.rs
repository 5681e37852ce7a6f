//! The other way: from what a machine says of itself to a board file.
//!
//! Each class of parts looks for a device that it has a driver for and writes its table. What cannot
//! be told from the machine is a `TODO` with what to look up, and what no table describes is listed
//! under `[undescribed]`.

mod boot;
mod bus;
mod console;
mod interrupt_controller;
mod machine;
mod power;
mod rtc;
mod section;
mod timer;

use crate::board::{Architecture, Range};
use crate::description::driver::NEW_DRIVER;
use crate::description::scalar::example;
use crate::description::{Size, hexadecimal};
use crate::machine::device::Device;
use crate::machine::{Facts, undescribed};
use crate::source::InMemory;
use section::Section;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The board's name.
    pub name: String,
    /// The processor.
    pub architecture: Architecture,
    /// How QEMU is started, where that is known.
    pub qemu: Option<QemuOrigin>,
    /// Where this was read from, for the comment at the top.
    pub from: String,
}

/// The options of QEMU for this board.
#[derive(Clone, Debug)]
pub struct QemuOrigin {
    /// `-machine`
    pub machine: String,
    /// `-cpu`
    pub cpu: String,
    /// `-m`, in bytes.
    pub memory: u64,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Its version, as "7.2".
    pub version: Option<String>,
}

/// A board file as far as the machine tells it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// What is left to be found out, each with what to look up.
    pub todo: Vec<String>,
}

/// Writes a board file of what a machine says of itself.
pub fn import(origin: &Origin, facts: &Facts) -> Draft {
    let machine = Machine { origin, facts };
    let controller = interrupt_controller::section(&machine);
    let mut sections = vec![
        machine::identity(&machine),
        machine::qemu(&machine),
        boot::section(&machine),
        machine::memory(&machine),
        controller,
        timer::section(&machine),
        console::section(&machine),
    ];
    sections.extend(rtc::section(&machine));
    sections.extend(power::sections(&machine));
    sections.extend(bus::virtio_mmio(&machine));
    sections.extend(bus::pci(&machine));
    let todo = sections.iter().flat_map(|section| section.todo.clone());
    let mut draft = Draft {
        todo: todo.collect(),
        text: format!("{SCHEMA}\n# From {}.\nschema = 1\n", origin.from),
    };
    for section in &sections {
        draft.text += &format!("\n{section}");
    }
    draft.text += &rest(&draft.text, origin, facts);
    draft
}

/// What is on the machine and in no table.
fn rest(text: &str, origin: &Origin, facts: &Facts) -> String {
    let sources = InMemory::new().with(&origin.name, text);
    let left = undescribed(&sources, &origin.name, facts);
    if left.is_empty() {
        return String::new();
    }
    let mut section = Section::new("undescribed").note("devices without a description");
    for (range, name) in left {
        let key = format!("\"{}\"", hexadecimal(range.base));
        section = section.line(&key, format!("\"{name}: not used\""));
    }
    format!("\n{section}")
}

/// Where editors find the schema.
const SCHEMA: &str = "#:schema ../generated/board.schema.json";

/// Has QEMU start the kernel itself.
const NO_FIRMWARE: [&str; 2] = ["-bios", "none"];

/// What the classes look into.
struct Machine<'a> {
    origin: &'a Origin,
    facts: &'a Facts,
}

impl Machine<'_> {
    /// The first device of these kinds.
    fn find(&self, kinds: &[&str]) -> Option<&Device> {
        self.facts.devices.iter().find(|device| device.is(kinds))
    }

    /// Every device of these kinds, ascending by address.
    fn all(&self, kinds: &[&str]) -> Vec<&Device> {
        let devices = self.facts.devices.iter();
        let mut found: Vec<&Device> = devices.filter(|device| device.is(kinds)).collect();
        found.sort_by_key(|device| device.base());
        found
    }

    /// Adds a key that says an input of the interrupt controller, as its space gives it a number.
    fn interrupt(&self, section: Section, key: &str, number: u32) -> Section {
        match interrupt_controller::space(self, number) {
            Some((space, number)) => section.line(key, format!("{{ {space} = {number} }}")),
            None => section.todo(
                key,
                &example(Some(self.origin.architecture), "1"),
                "the input of the interrupt controller: see the interrupt map in the manual",
            ),
        }
    }

    /// How much of a range answers, where that is less than is set aside.
    fn answering(&self, range: Range) -> Range {
        let regions = self.facts.tree.memory.iter();
        let ends = regions
            .filter(|region| range.base <= region.range.base)
            .map(|region| region.range.base - range.base + region.range.size)
            .filter(|end| *end <= range.size);
        Range {
            base: range.base,
            size: ends.max().unwrap_or(range.size),
        }
    }

    /// Whether QEMU is started with an option of the machine, as `secure=on`.
    fn has_option(&self, option: &str) -> bool {
        let qemu = self.origin.qemu.as_ref();
        qemu.is_some_and(|qemu| qemu.machine.split(',').any(|given| given == option))
    }

    /// Whether QEMU answers semihosting calls of this processor.
    fn has_semihosting(&self) -> bool {
        let has_finisher = || self.find(power::FINISHER).is_some();
        self.is_arm() || (self.is_risc_v() && !has_finisher())
    }

    /// Whether the kernel's 32 bits can address a range, if it has no more.
    fn reaches(&self, range: Range) -> bool {
        let is_narrow = matches!(
            self.origin.architecture,
            Architecture::Arm | Architecture::Riscv32
        );
        let end = range.base.checked_add(range.size);
        !is_narrow || end.is_some_and(|end| end <= 1 << 32)
    }

    fn is_arm(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Aarch64 | Architecture::Arm
        )
    }

    /// Whether firmware starts the kernel. QEMU has one of its own, unless it is told otherwise.
    fn has_firmware(&self) -> bool {
        let mut words = self.origin.qemu.iter();
        let is_none = words.any(|qemu| qemu.arguments.windows(2).any(|pair| pair == NO_FIRMWARE));
        self.is_risc_v() && !is_none
    }

    fn is_risc_v(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Riscv64 | Architecture::Riscv32
        )
    }
}

/// What is left to do where there is no driver for parts of these kinds.
fn no_driver(kinds: &str) -> String {
    format!("no driver for {kinds}: {NEW_DRIVER}")
}

/// Text in quotes.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `{ base = ..., size = ... }`
fn block(range: Range) -> String {
    let (base, size) = (hexadecimal(range.base), Size(range.size).written());
    format!("{{ base = {base}, size = {size} }}")
}

#[cfg(test)]
mod tests;
