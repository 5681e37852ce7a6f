//! What devices are attached to: `[virtio-mmio]` and `[pci]`.

use super::section::Section;
use super::{Machine, block};
use crate::board::Range;
use crate::description::hexadecimal;
use crate::machine::device::WindowKind;
use crate::machine::overlap;

pub(super) fn virtio_mmio(machine: &Machine<'_>) -> Option<Section> {
    let slots = machine.all(&["virtio,mmio"]);
    let (first, second) = (slots.first()?, slots.get(1));
    let base = first.base()?;
    let stride = second.and_then(|second| second.base()?.checked_sub(base));
    let interrupt = first.interrupts.first().copied().flatten()?;
    let section = Section::new("virtio-mmio")
        .line("base", hexadecimal(base))
        .line(
            "stride",
            stride.map_or("0x200".to_owned(), |stride| format!("{stride:#x}")),
        )
        .line("count", slots.len());
    let section = machine.interrupt(section, "interrupt", interrupt);
    Some(section.beside("slot n raises this number plus n"))
}

/// What a bus takes of configuration space, and how much of it is looked at where 32 bits do not
/// reach all.
const BUS: u64 = 1 << 20;
const VIEW: u64 = 16 << 20;

/// Where there is room for a view: memory that stores no code of ours may lie behind it.
fn view(machine: &Machine<'_>) -> Option<u64> {
    let devices = machine.facts.devices.iter();
    let devices = devices.filter(|device| !device.is(&["cfi-flash"]));
    let taken: Vec<Range> = devices
        .flat_map(|device| device.regions())
        .chain(machine.facts.ram.iter().copied())
        .collect();
    let is_free = |base: &u64| {
        let view = Range {
            base: *base,
            size: VIEW,
        };
        !taken.iter().any(|range| overlap(*range, view))
    };
    (1..1 << 8).map(|index| index * VIEW).find(is_free)
}

pub(super) fn pci(machine: &Machine<'_>) -> Option<Section> {
    let host = machine.find(&["pci-host-ecam-generic"])?;
    let bridge = host.bridge.as_ref()?;
    let ecam = host.registers.first().copied().flatten()?;
    let mut section = Section::new("pci.ecam")
        .line("base", hexadecimal(ecam.base))
        .line("buses", bridge.buses?);
    if !machine.reaches(ecam) {
        let base = hexadecimal(view(machine)?);
        section = section
            .line(
                "view",
                format!("{{ base = {base}, buses = {} }}", VIEW / BUS),
            )
            .beside("where 32 bits reach as much of it as has room");
    }
    for (kind, range) in bridge
        .windows
        .iter()
        .filter(|(_, range)| machine.reaches(*range))
    {
        let name = match kind {
            WindowKind::Io => "io",
            WindowKind::Memory32 => "memory32",
            WindowKind::Memory64 => "memory64",
        };
        section = section.line(&format!("windows.{name}"), block(*range));
    }
    let msi = match machine.find(&["arm,gic-v3-its"]) {
        Some(_) => Some("its"),
        None => machine.find(&["arm,gic-v2m-frame"]).map(|_| "v2m"),
    };
    let section = machine
        .interrupt(section, "intx", bridge.intx?)
        .beside("pin p of slot s raises this one + (s + p) % 4");
    Some(section.optional("msi", msi.map(|msi| format!("\"{msi}\""))))
}
