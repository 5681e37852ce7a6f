//! `[console]`: the device that standard output goes to, or the first that there is a driver for.

use super::Machine;
use super::section::Section;
use crate::description::{Frequency, Size, hexadecimal};
use crate::machine::device::Device;

/// A driver: the kinds of devices that it drives, its name, and the size of registers that need not
/// be said.
struct Driver {
    kinds: &'static [&'static str],
    name: &'static str,
    usual_size: u64,
}

const DRIVERS: &[Driver] = &[
    Driver {
        kinds: &["arm,pl011"],
        name: "pl011",
        usual_size: 0x1000,
    },
    Driver {
        kinds: &["ns16550a", "ns16550", "snps,dw-apb-uart"],
        name: "ns16550",
        usual_size: 8,
    },
];

pub(super) fn section(machine: &Machine<'_>) -> Section {
    let known = DRIVERS.iter().flat_map(|driver| {
        machine
            .all(driver.kinds)
            .into_iter()
            .map(move |device| (driver, device))
    });
    let is_console = |device: &Device| device.base() == machine.facts.console;
    let known: Vec<_> = known.collect();
    let found = known
        .iter()
        .find(|(_, device)| is_console(device))
        .or(known.first());
    match found {
        Some((driver, device)) => write(machine, driver, device),
        None => Section::missing("console", unknown(machine)),
    }
}

fn unknown(machine: &Machine<'_>) -> String {
    let at = |address| {
        let mut devices = machine.facts.devices.iter();
        let device = devices.find(|device| device.base() == Some(address))?;
        device.kinds.first()
    };
    match machine.facts.console.and_then(at) {
        Some(kind) => super::no_driver(kind),
        None => "the UART of the machine and its address".to_owned(),
    }
}

fn write(machine: &Machine<'_>, driver: &Driver, device: &Device) -> Section {
    let kind = device.kinds.first().cloned().unwrap_or_default();
    let section = Section::new(&format!("console.{}", driver.name)).note(kind);
    let Some(registers) = device.registers.first().copied().flatten() else {
        return section.todo(
            "base",
            "0x1000_0000",
            "the address of its registers: see the memory map",
        );
    };
    let size = Some(registers.size).filter(|size| *size != driver.usual_size);
    let shift = device
        .number("reg-shift")
        .filter(|shift| (1..=12).contains(shift));
    let width = device.number("reg-io-width").filter(|width| *width > 1);
    let section = section
        .line("base", hexadecimal(registers.base))
        .optional("size", size.map(|size| Size(size).written()))
        .optional("stride", shift.map(|shift| Size(1 << shift).written()))
        .optional("width", width.map(|width| Size(u64::from(width)).written()));
    let section = match device.interrupts.first().copied().flatten() {
        Some(interrupt) => machine.interrupt(section, "interrupt", interrupt),
        None => section,
    };
    match device.clock {
        Some(clock) => section.line("clock", Frequency(clock).written()),
        None => section.todo(
            "clock",
            "\"24 MHz\"",
            "the reference clock of the UART: see the clock tree in the manual",
        ),
    }
}
