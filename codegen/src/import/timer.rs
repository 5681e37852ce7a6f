//! `[timer]`.

use super::Machine;
use super::section::Section;

/// Which of the interrupts in the node is the virtual timer's (Linux,
/// Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
const VIRTUAL: usize = 2;

pub(super) fn section(machine: &Machine<'_>) -> Section {
    arm_generic(machine).unwrap_or_else(|| {
        Section::missing(
            "timer",
            "which clock and alarm the processor has: its manual",
        )
    })
}

fn arm_generic(machine: &Machine<'_>) -> Option<Section> {
    let timer = machine.find(&["arm,armv8-timer", "arm,armv7-timer"])?;
    let interrupt = timer.interrupts.get(VIRTUAL).copied().flatten()?;
    let section = Section::new("timer.arm-generic")
        .note("the virtual one; CNTFRQ tells its frequency")
        .line("interrupt", machine.interrupt(interrupt));
    Some(section)
}
