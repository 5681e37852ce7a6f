//! `[power]`: every means to stop the machine.

use super::Machine;
use super::section::Section;
use crate::description::hexadecimal;

/// What ends a machine with an exit status.
pub(super) const FINISHER: &[&str] = &["sifive,test1", "sifive,test0"];

pub(super) fn sections(machine: &Machine<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    if machine.has_semihosting() {
        let note = "ends QEMU with an exit status";
        sections.push(Section::new("power.semihosting").note(note));
    }
    sections.extend(sifive_test(machine));
    sections.extend(psci(machine));
    if sections.is_empty() {
        let what =
            "how to power the machine off: see the manual of its firmware or power controller";
        sections.push(Section::missing("power", what));
    }
    sections
}

fn sifive_test(machine: &Machine<'_>) -> Option<Section> {
    let test = machine.find(FINISHER)?;
    let registers = test.registers.first().copied().flatten()?;
    let section = Section::new("power.sifive-test").note("ends QEMU with an exit status");
    Some(section.line("base", hexadecimal(registers.base)))
}

fn psci(machine: &Machine<'_>) -> Option<Section> {
    let psci = machine.find(&["arm,psci-1.0", "arm,psci-0.2"])?;
    let conduit = psci.word("method")?;
    Some(Section::new("power.psci").line("conduit", format!("\"{conduit}\"")))
}
