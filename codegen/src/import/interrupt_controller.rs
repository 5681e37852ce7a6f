//! `[interrupt-controller]`.

use super::section::Section;
use super::{Machine, block};
use crate::description::{Size, hexadecimal};
use crate::machine::device::Device;

const GIC_V3: &[&str] = &["arm,gic-v3"];
const PLIC: &[&str] = &["riscv,plic0", "sifive,plic-1.0.0"];
const GIC_V2: &[&str] = &["arm,cortex-a15-gic", "arm,gic-400"];

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let found = gic_v3(machine)
        .or_else(|| gic_v2(machine))
        .or_else(|| plic(machine));
    found.unwrap_or_else(|| {
        let controllers = machine.facts.devices.iter();
        let controllers = controllers.filter(|device| {
            let is_one = device.number("#interrupt-cells").is_some() && device.bridge.is_none();
            is_one && !device.is(&["riscv,cpu-intc"])
        });
        let kinds: Vec<&str> = controllers
            .filter_map(|device| device.kinds.first().map(String::as_str))
            .collect();
        let what = match kinds.as_slice() {
            [] => "the interrupt controller of the machine".to_owned(),
            kinds => super::no_driver(&kinds.join(", ")),
        };
        Section::missing("interrupt-controller", what)
    })
}

/// The space of a controller's input and its number there.
pub(super) fn space(machine: &Machine<'_>, number: u32) -> Option<(&'static str, u32)> {
    let is_gic = machine
        .find(GIC_V3)
        .or_else(|| machine.find(GIC_V2))
        .is_some();
    if machine.find(PLIC).is_some() {
        return Some(("plic", number));
    }
    match number {
        16..32 if is_gic => Some(("ppi", number - 16)),
        32.. if is_gic => Some(("spi", number - 32)),
        _ => None,
    }
}

fn gic_v3(machine: &Machine<'_>) -> Option<Section> {
    let gic = machine.find(GIC_V3)?;
    let redistributors = register(gic, 1)?;
    let stride = gic.number("redistributor-stride");
    let stride = stride.map_or("\"128 KiB\"".to_owned(), |bytes| format!("{bytes:#x}"));
    let its = machine.find(&["arm,gic-v3-its"]);
    Some(
        Section::new("interrupt-controller.gic-v3")
            .line("distributor", block(register(gic, 0)?))
            .line(
                "redistributors",
                format!(
                    "{}, stride = {stride} }}",
                    block(redistributors).trim_end_matches(" }")
                ),
            )
            .optional("its", its.and_then(|its| register(its, 0)).map(block)),
    )
}

fn gic_v2(machine: &Machine<'_>) -> Option<Section> {
    let gic = machine.find(GIC_V2)?;
    let answering = |nth| register(gic, nth).map(|range| machine.answering(range));
    let v2m = machine.find(&["arm,gic-v2m-frame"]);
    Some(
        Section::new("interrupt-controller.gic-v2")
            .line("distributor", block(answering(0)?))
            .line("cpu-interface", block(answering(1)?))
            .optional("v2m", v2m.and_then(|frame| register(frame, 0)).map(block)),
    )
}

/// Supervisor and machine external interrupt: what a context is for (RISC-V privileged architecture,
/// table of `mcause`).
const SUPERVISOR: u32 = 9;
const MACHINE: u32 = 11;

fn plic(machine: &Machine<'_>) -> Option<Section> {
    let plic = machine.find(PLIC)?;
    let registers = register(plic, 0)?;
    // Some trees count source 0, which is none.
    let sources = plic.number("riscv,ndev")?;
    let sources = match sources % 32 {
        0 => sources - 1,
        _ => sources,
    };
    let contexts: Vec<u32> = plic.interrupts.iter().flatten().copied().collect();
    let is_usual = contexts.chunks(2).all(|pair| pair == [MACHINE, SUPERVISOR]);
    let section = Section::new("interrupt-controller.plic")
        .line("base", hexadecimal(registers.base))
        .line("size", Size(registers.size).written())
        .line("sources", sources);
    Some(match is_usual {
        true => section,
        false => section.todo(
            "contexts",
            "[\"M\", \"MS\"]",
            "the privilege modes of each hart that it delivers to: see `interrupts-extended` of its node",
        ),
    })
}

fn register(device: &Device, nth: usize) -> Option<crate::board::Range> {
    device.registers.get(nth).copied().flatten()
}
