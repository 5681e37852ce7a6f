//! `[rtc]`: what tells the date, if there is one.

use super::Machine;
use super::section::Section;
use crate::description::{Size, hexadecimal};

/// The drivers, by the kinds of devices that they drive.
const DRIVERS: &[(&[&str], &str)] = &[
    (&["arm,pl031"], "pl031"),
    (&["google,goldfish-rtc"], "goldfish"),
];

/// The size of registers that need not be said.
const USUAL_SIZE: u64 = 0x1000;

pub(super) fn section(machine: &Machine<'_>) -> Option<Section> {
    DRIVERS.iter().find_map(|(kinds, name)| {
        let device = machine.find(kinds)?;
        let registers = device.registers.first().copied().flatten()?;
        let size = Some(registers.size).filter(|size| *size != USUAL_SIZE);
        let section = Section::new(&format!("rtc.{name}"))
            .line("base", hexadecimal(registers.base))
            .optional("size", size.map(|size| Size(size).written()));
        Some(match device.interrupts.first().copied().flatten() {
            Some(interrupt) => machine.interrupt(section, "interrupt", interrupt),
            None => section,
        })
    })
}
