//! What devices are attached to: `[virtio-mmio]` and `[pci]`.

use super::section::Section;
use super::{Machine, block};
use crate::board::Architecture;
use crate::description::hexadecimal;
use crate::machine::device::{Bridge, WindowKind};

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

/// How many buses are seen of configuration space that is out of the processor's reach.
const SEEN_BUSES: u64 = 16;

/// Where they are: below the windows.
fn view(bridge: &Bridge) -> Option<String> {
    let windows = bridge.windows.iter().map(|(_, range)| range.base);
    let base = windows.min()?.checked_sub(SEEN_BUSES << 20)?;
    let base = hexadecimal(base);
    Some(format!("{{ base = {base}, buses = {SEEN_BUSES} }}"))
}

pub(super) fn pci(machine: &Machine<'_>) -> Option<Section> {
    let host = machine.find(&["pci-host-ecam-generic"])?;
    let bridge = host.bridge.as_ref()?;
    let ecam = host.registers.first().copied().flatten()?;
    let is_moved = !machine.reaches(ecam);
    if is_moved && machine.origin.architecture != Architecture::Arm {
        return None;
    }
    let mut section = Section::new("pci.ecam")
        .line("base", hexadecimal(ecam.base))
        .line("buses", bridge.buses?);
    if is_moved {
        section = section.line("view", view(bridge)?);
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
    let section = section
        .line("intx", machine.interrupt(bridge.intx?))
        .beside("pin p of slot s raises this one + (s + p) % 4");
    Some(section.optional("msi", msi.map(|msi| format!("\"{msi}\""))))
}
