//! `[timer]`.

use super::Machine;
use super::section::Section;
use crate::description::{Size, hexadecimal};

/// Which of the interrupts in the node is the virtual timer's (Linux,
/// Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
const VIRTUAL: usize = 2;

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let found = arm_generic(machine).or_else(|| risc_v(machine));
    found.unwrap_or_else(|| {
        Section::missing(
            "timer",
            "the clock and timer of the processor: see its manual",
        )
    })
}

fn arm_generic(machine: &Machine<'_>) -> Option<Section> {
    let timer = machine.find(&["arm,armv8-timer", "arm,armv7-timer"])?;
    let interrupt = timer.interrupts.get(VIRTUAL).copied().flatten()?;
    let section =
        Section::new("timer.arm-generic").note("the virtual timer; its frequency is in CNTFRQ");
    Some(machine.interrupt(section, "interrupt", interrupt))
}

/// M mode has the CLINT, S mode what its hart or its firmware has.
fn risc_v(machine: &Machine<'_>) -> Option<Section> {
    if !machine.is_risc_v() {
        return None;
    }
    if !machine.has_firmware() {
        let section = clint(machine).or_else(|| aclint(machine))?;
        // QEMU's harts have the register; of others a device tree does not tell.
        let section = match machine.origin.qemu {
            Some(_) => section.line("clock", "\"csr\""),
            None => section,
        };
        return Some(match super::boot::takes_firmware(machine) {
            true => section.line("supervisor", "\"sbi\""),
            false => section,
        });
    }
    let isa = machine.facts.devices.iter();
    let isa = isa.filter_map(|device| device.word("riscv,isa"));
    let name = match isa.clone().any(|isa| isa.contains("_sstc")) {
        true => "timer.sstc",
        false => "timer.sbi",
    };
    Some(Section::new(name).note("the frequency is in the device tree"))
}

fn clint(machine: &Machine<'_>) -> Option<Section> {
    let clint = machine.find(&["riscv,clint0", "sifive,clint0"])?;
    let registers = clint.registers.first().copied().flatten()?;
    let section = Section::new("timer.clint")
        .note("the frequency is in the device tree")
        .line("base", hexadecimal(registers.base))
        .line("size", Size(registers.size).written());
    Some(section)
}

/// Its clock comes first, then its comparators (Linux,
/// Documentation/devicetree/bindings/timer/riscv,aclint-mtimer.yaml).
fn aclint(machine: &Machine<'_>) -> Option<Section> {
    let timer = machine.find(&["riscv,aclint-mtimer"])?;
    let registers = |index: usize| timer.registers.get(index).copied().flatten();
    let section = Section::new("timer.aclint")
        .note("the frequency is in the device tree")
        .line("mtimecmp", hexadecimal(registers(1)?.base))
        .line("mtime", hexadecimal(registers(0)?.base));
    Some(section)
}
