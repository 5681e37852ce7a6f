//! `[interrupt-controller]`.

use super::section::Section;
use super::{Machine, block};
use crate::machine::device::Device;

const GIC_V3: &[&str] = &["arm,gic-v3"];
const GIC_V2: &[&str] = &["arm,cortex-a15-gic", "arm,gic-400"];

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let found = gic_v3(machine).or_else(|| gic_v2(machine));
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
            [] => "which one the machine has".to_owned(),
            kinds => format!("there is no driver for {}", kinds.join(", ")),
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

fn register(device: &Device, nth: usize) -> Option<crate::board::Range> {
    device.registers.get(nth).copied().flatten()
}
