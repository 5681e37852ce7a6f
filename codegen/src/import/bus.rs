//! What devices are attached to: `[virtio-mmio]` and `[pci]`.

use super::section::Section;
use super::{Machine, block};
use crate::description::hexadecimal;
use crate::machine::device::WindowKind;

pub(super) fn virtio_mmio(machine: &Machine<'_>) -> Option<Section> {
    let slots = machine.all(&["virtio,mmio"]);
    let (first, second) = (slots.first()?, slots.get(1));
    let base = first.base()?;
    let stride = second.and_then(|second| second.base()?.checked_sub(base));
    let interrupt = first.interrupts.first().copied().flatten()?;
    Some(
        Section::new("virtio-mmio")
            .line("base", hexadecimal(base))
            .line(
                "stride",
                stride.map_or("0x200".to_owned(), |stride| format!("{stride:#x}")),
            )
            .line("count", slots.len())
            .line("interrupt", machine.interrupt(interrupt))
            .beside("each slot raises the one after the last"),
    )
}

pub(super) fn pci(machine: &Machine<'_>) -> Option<Section> {
    let host = machine.find(&["pci-host-ecam-generic"])?;
    let bridge = host.bridge.as_ref()?;
    let ecam = host.registers.first().copied().flatten()?;
    if !machine.reaches(ecam) {
        return None;
    }
    let mut section = Section::new("pci.ecam")
        .line("base", hexadecimal(ecam.base))
        .line("buses", bridge.buses?);
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
    let section = section
        .line("intx", machine.interrupt(bridge.intx?))
        .beside("pin p of slot s raises this one + (s + p) % 4");
    Some(section.optional("msi", msi.map(|msi| format!("\"{msi}\""))))
}
