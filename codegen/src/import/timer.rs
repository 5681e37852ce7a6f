//! `[timer]`.

use super::Machine;
use super::section::Section;
use crate::board::Architecture;
use crate::description::hexadecimal;

/// Which of the interrupts in the node is the virtual timer's (Linux,
/// Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
const VIRTUAL: usize = 2;

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let found = arm_generic(machine).or_else(|| risc_v(machine));
    found.unwrap_or_else(|| {
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

/// In M mode the machine's timer, in S mode the hart's own if it has one, or else the firmware's.
fn risc_v(machine: &Machine<'_>) -> Option<Section> {
    const NOTE: &str = "the device tree tells its frequency";
    let hart = machine.find(&["riscv"])?;
    if !machine.lacks_firmware() {
        let has_one = hart
            .word("riscv,isa")
            .is_some_and(|isa| isa.split('_').any(|extension| extension == "sstc"));
        let timer = if has_one { "timer.sstc" } else { "timer.sbi" };
        return Some(Section::new(timer).note(NOTE));
    }
    let clint = machine.find(&["riscv,clint0", "sifive,clint0"])?;
    let section = Section::new("timer.clint")
        .note(NOTE)
        .line("base", hexadecimal(clint.base()?))
        .line("clock", "\"csr\"");
    Some(match machine.origin.architecture {
        Architecture::Riscv32 => section.line("supervisor", "\"sbi\""),
        _ => section,
    })
}
