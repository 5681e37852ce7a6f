//! `[board]`, `[qemu]` and `[memory]`.

use super::{Machine, NO_FIRMWARE, text};
use crate::board::{Architecture, Range};
use crate::language::{Size, hexadecimal};
use crate::machine::{Facts, processors};
use crate::part::draft::block;
use crate::part::section::Section;
use crate::part::surroundings::System;

/// The root `compatible` strings of QEMU's machines, with their names.
const MACHINES: &[(&str, &str)] = &[("linux,dummy-virt", "virt"), ("riscv-virtio", "virt")];

pub(super) fn identity(machine: &Machine<'_>) -> Section {
    let origin = machine.origin;
    let title = match (&origin.qemu, machine.facts.compatible.first()) {
        (Some(qemu), _) => format!("QEMU {}, {}", qemu.machine, qemu.cpu),
        (None, Some(compatible)) => compatible.clone(),
        (None, None) => origin.name.clone(),
    };
    Section::new("board")
        .line("name", text(&origin.name))
        .line("title", text(&title))
        .line("architecture", format!("\"{}\"", origin.architecture))
}

/// `[qemu]`, given the means of power, for which QEMU may have to be told something, and the option
/// that selects the interrupt controller.
pub(super) fn qemu(machine: &Machine<'_>, powers: &[Section], controller: Option<&str>) -> Section {
    let origin = machine.origin;
    let system = System::of(origin.architecture).word();
    let section = Section::new("qemu").line("system", format!("\"{system}\""));
    let section = match &origin.qemu {
        Some(qemu) => section
            .line("machine", text(&qemu.machine))
            .line("cpu", text(&qemu.cpu))
            .line("memory", Size(amount(machine, qemu.memory)).written())
            .optional(
                "tested",
                qemu.version
                    .as_ref()
                    .map(|version| format!("[\"{version}\"]")),
            ),
        None => guessed(machine, controller, section),
    };
    let mut arguments: Vec<String> = Vec::new();
    let given = origin.qemu.as_ref();
    let mut given = given.map_or(Vec::new(), |qemu| qemu.arguments.clone());
    // The absence of firmware follows from `[boot]`.
    if machine.is_risc_v()
        && let Some(at) = given.windows(2).position(|pair| pair == NO_FIRMWARE)
    {
        given.drain(at..at + 2);
    }
    for power in powers {
        let is_given = |first: &&str| given.iter().any(|word| word == first);
        if !power.arguments.first().is_some_and(is_given) {
            arguments.extend(power.arguments.iter().map(|word| text(word)));
        }
    }
    arguments.extend(given.iter().map(|word| text(word)));
    match arguments.is_empty() {
        true => section,
        false => section.line("arguments", format!("[{}]", arguments.join(", "))),
    }
}

/// Adds QEMU's options for a device tree that may be that of one of its machines.
fn guessed(machine: &Machine<'_>, controller: Option<&str>, section: Section) -> Section {
    let compatible = &machine.facts.compatible;
    let known = MACHINES
        .iter()
        .find(|(root, _)| compatible.iter().any(|word| word == root));
    let section = match known {
        Some((_, name)) => {
            let option = controller.map_or(String::new(), |option| format!(",{option}"));
            section
                .line("machine", format!("\"{name}{option}\""))
                .beside("from the root of the device tree")
        }
        None => section.todo(
            "machine",
            "\"virt\"",
            "the name of QEMU's machine: see qemu-system-... -machine help",
        ),
    };
    let section = match processor(machine) {
        Some(processor) => section.line("cpu", text(&processor)),
        None => section.todo(
            "cpu",
            "\"max\"",
            "the processor: see qemu-system-... -cpu help",
        ),
    };
    let ram: u64 = machine.facts.ram.iter().map(|range| range.size).sum();
    match ram {
        0 => section.todo("memory", "\"128 MiB\"", "the amount of RAM in QEMU"),
        ram => section.line("memory", Size(ram).written()),
    }
}

/// Returns QEMU's name of the processor.
fn processor(machine: &Machine<'_>) -> Option<String> {
    match machine.origin.architecture {
        Architecture::Riscv64 => Some("rv64".to_owned()),
        Architecture::Riscv32 => Some("rv32".to_owned()),
        Architecture::Aarch64
        | Architecture::Arm
        | Architecture::ArmV6M
        | Architecture::ArmV7M
        | Architecture::ArmV8M => {
            let kinds = machine
                .facts
                .devices
                .iter()
                .flat_map(|device| &device.kinds);
            let mut names = kinds.filter_map(|kind| kind.strip_prefix("arm,"));
            names
                .find(|name| name.starts_with("cortex-") && !name.ends_with("-gic"))
                .map(|name| processors::without_variant(name).to_owned())
        }
        Architecture::X86_64 => None,
    }
}

/// Returns the facts with the RAM of the memory tree, if no table states the RAM.
pub(super) fn with_ram(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    if facts.ram.is_empty() && facts.compatible.is_empty() && !facts.has_tables() {
        facts.ram = whole(&facts.tree.ram());
    }
    facts
}

/// RAM is described in units of this many bytes.
const UNIT: u64 = 1 << 20;

/// Returns the ranges of RAM, in order, each joined with those that follow it without a gap.
fn joined(ram: &[Range]) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    for range in ram {
        match joined.last_mut() {
            Some(last) if last.base.checked_add(last.size) == Some(range.base) => {
                last.size = last.size.saturating_add(range.size);
            }
            _ => joined.push(*range),
        }
    }
    joined
}

/// Returns the ranges of RAM without the fragments between devices that hide a part of it.
pub(super) fn whole(ram: &[Range]) -> Vec<Range> {
    let joined = joined(ram);
    let rounded = joined.iter().filter_map(|range| {
        let first = range.base.checked_next_multiple_of(UNIT)?;
        let end = range.base.checked_add(range.size)? / UNIT * UNIT;
        let size = end.checked_sub(first).filter(|size| *size > 0)?;
        Some(Range { base: first, size })
    });
    let mut ranges: Vec<Range> = rounded.collect();
    let largest = ranges.iter().map(|range| range.size).max();
    ranges.retain(|range| range.size >= largest.unwrap_or_default() / 16);
    ranges
}

fn lacks_long_tables(machine: &Machine<'_>) -> bool {
    let qemu = machine.origin.qemu.as_ref();
    let name = qemu.map(|qemu| qemu.cpu.clone());
    let name = name.or_else(|| processor(machine)).unwrap_or_default();
    machine.origin.architecture == Architecture::Arm && !processors::has_extensions(&name)
}

/// Returns the amount of RAM of a machine that was started with `asked` bytes: some machines have a
/// fixed amount.
fn amount(machine: &Machine<'_>, asked: u64) -> u64 {
    if machine.has_tables() || machine.is_microcontroller() {
        return asked;
    }
    asked.max(total(&ranges(machine)))
}

/// Returns the size of all ranges together, in bytes.
fn total(ranges: &[Range]) -> u64 {
    let sizes = ranges.iter().map(|range| range.size);
    sizes.fold(0, u64::saturating_add)
}

/// Returns the ranges of RAM without the aliases of others.
fn ranges(machine: &Machine<'_>) -> Vec<Range> {
    let mut ram = machine.facts.ram.clone();
    ram.sort();
    // Ranges beyond the machine's memory are aliases.
    if let Some(qemu) = &machine.origin.qemu {
        let mut sum = 0_u64;
        ram.retain(|range| {
            let with_it = sum.saturating_add(range.size);
            let is_left = sum == 0 || with_it <= qemu.memory;
            sum = if is_left { with_it } else { sum };
            is_left
        });
    }
    // The nodes of a machine have a range each.
    joined(&ram)
}

pub(super) fn memory(machine: &Machine<'_>) -> Section {
    let mut section = Section::new("memory");
    let ram = ranges(machine);
    // The size is the machine's own, unless the device tree limits it.
    let total = total(&ram);
    let qemu = machine.origin.qemu.as_ref();
    let alone = ram.len() == 1 && qemu.is_none_or(|qemu| qemu.memory == total);
    let alone = alone && machine.has_tables();
    for (index, range) in ram.iter().enumerate() {
        let name = match index {
            0 => "ram.main".to_owned(),
            index => format!("ram.more{index}"),
        };
        let base = hexadecimal(range.base);
        section = match alone {
            true => section
                .line(&name, format!("{{ base = {base} }}"))
                .beside("the size is in the device tree"),
            false => section.line(&name, block(*range)),
        };
    }
    if ram.is_empty() {
        section = section.todo(
            "ram.main",
            "{ base = 0x8000_0000 }",
            "the start of RAM: see the memory map in the manual",
        );
    }
    let section = section.line("stack", "\"64 KiB\"");
    match lacks_long_tables(machine) {
        true => section
            .line("page-tables", "\"short\"")
            .beside("the processor has no large physical addresses"),
        false => section,
    }
}
