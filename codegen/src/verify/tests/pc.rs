//! Tests a made-up PC against firmware's tables and QEMU's trees.

use super::{device, range};
use crate::diagnostic::Code;
use crate::diagnostic::Diagnostics;
use crate::machine::Facts;
use crate::machine::device::Device;
use crate::machine::device::{Bridge, WindowKind};
use crate::machine::memory_tree::{MemoryTree, Region, RegionKind};
use crate::source::InMemory;
use crate::verify::{Agreed, verify};

pub(super) const PC: &str = r#"schema = 1

[board]
name = "toy"
title = "A toy"
architecture = "x86_64"

[qemu]
system = "x86_64"
machine = "toy"
cpu = "toy-x1"
memory = "64 MiB"
arguments = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]

[boot.pvh]
load-address = 0x0010_0000

[memory]
ram.low = { base = 0x0000_0000, limit = "2 GiB" }
ram.high = { base = 0x1_0000_0000, rest-of = "low" }

[interrupt-controller.apic]
local = { base = 0xFEE0_0000 }
io.first = { base = 0xFEC0_0000, first = 0 }

[timer.local-apic]
reference.stated = { frequency = "1 GHz" }

[console.ns16550]
port = 0x3F8
clock = "1.8432 MHz"

[power.isa-debug-exit]
[power.port-write]
reset = { port = 0xCF9, value = 0x06, width = "8" }

[pci.ports]
windows.memory32 = { base = 0xC000_0000, size = "512 MiB" }
intx = { gsi = 20 }
"#;

/// A machine that matches the PC; firmware's tables contain only the bridge.
pub(super) fn machine() -> Facts {
    let region = |kind, base, size| Region {
        range: range(base, size),
        kind,
        name: "something".to_owned(),
    };
    let device_at = |base, size| region(RegionKind::Device, base, size);
    let at_ports = |kind: &str, port| Device {
        ports: vec![port],
        ..device(kind, &[], &[])
    };
    Facts {
        teller: "QEMU 0.0.0".to_owned(),
        tree: MemoryTree {
            memory: vec![
                region(RegionKind::Ram, 0, 64 << 20),
                device_at(0xFEC0_0000, 0x1000),
                device_at(0xFEE0_0000, 0x10_0000),
            ],
            ports: vec![
                device_at(0xCF8, 1),
                device_at(0xCF9, 1),
                device_at(0xCFC, 4),
            ],
        },
        more_ram: vec![range(0, 2 << 30), range(1 << 32, 6 << 30)],
        devices: vec![
            at_ports("isa-serial", 0x3F8),
            at_ports("isa-debug-exit", 0xF4),
            Device {
                bridge: Some(Bridge {
                    windows: vec![(WindowKind::Memory32, range(64 << 20, 0xDC00_0000))],
                    ..Bridge::default()
                }),
                ..device("acpi,pci-host", &[], &[])
            },
        ],
        ..Facts::default()
    }
}

fn verify_pc(text: &str, facts: &Facts) -> Result<Agreed, Diagnostics> {
    verify(&InMemory::new().with("toy", text), "toy", facts)
}

/// Returns the differences after some text of the board was replaced: each code, with the text at
/// its location.
fn told(old: &str, new: &str) -> Vec<(Code, String)> {
    assert_eq!(
        PC.matches(old).count(),
        1,
        "{old:?} does not occur exactly once"
    );
    let text = PC.replace(old, new);
    let told = verify_pc(&text, &machine()).expect_err("an error is reported");
    let all = told.iter().map(|one| {
        let at = one.primary.at;
        (one.code, text[at.start..at.end].to_owned())
    });
    all.collect()
}

#[test]
fn devices_missing_in_the_tables_are_searched_in_the_trees() {
    if let Err(told) = verify_pc(PC, &machine()) {
        panic!("{told}");
    }
}

#[test]
fn a_device_in_no_table_and_no_tree_is_reported() {
    let port = told("port = 0xCF9", "port = 0xCF0");
    assert!(port.contains(&(Code::NotOnMachine, "0xCF0".to_owned())));
    let apic = told("base = 0xFEC0_0000", "base = 0xFED0_0000");
    assert!(apic.contains(&(Code::NotOnMachine, "0xFED0_0000".to_owned())));
}

#[test]
fn a_window_may_start_at_the_end_of_ram() {
    let text = PC.replace(
        "base = 0xC000_0000, size = \"512 MiB\"",
        "base = 0xD000_0000, size = \"256 MiB\"",
    );
    assert!(verify_pc(&text, &machine()).is_ok());
}

#[test]
fn a_window_must_end_with_the_machines_window() {
    let told = told("size = \"512 MiB\"", "size = \"256 MiB\"");
    assert!(told.contains(&(Code::MachineSize, "\"256 MiB\"".to_owned())));
}

#[test]
fn the_limit_of_a_range_of_ram_is_compared_with_a_larger_machine() {
    let told = told("limit = \"2 GiB\"", "limit = \"3 GiB\"");
    assert_eq!(told, [(Code::MachineSize, "\"3 GiB\"".to_owned())]);
}

#[test]
fn an_unlisted_window_is_checked_by_the_devices_in_it() {
    let mut machine = machine();
    machine.devices.retain(|device| device.bridge.is_none());
    let bar = |base| Region {
        range: range(base, 0x1000),
        kind: RegionKind::Device,
        name: "a BAR".to_owned(),
    };
    machine.tree.memory.push(bar(0xD000_0000));
    machine.tree.memory.push(bar(0xD000_4000));
    machine.tree.memory.sort_by_key(|region| region.range);
    if let Err(told) = verify_pc(PC, &machine) {
        panic!("{told}");
    }
    let elsewhere = PC.replace(
        "base = 0xC000_0000, size = \"512 MiB\"",
        "base = 0xE000_0000, size = \"256 MiB\"",
    );
    assert!(verify_pc(&elsewhere, &machine).is_err());
}

#[test]
fn the_four_lines_of_pci_are_compared_one_by_one() {
    let lines = "intx-lines = [{ gsi = 11 }, { gsi = 10 }, { gsi = 10 }, { gsi = 11 }]";
    let text = PC.replace("intx = { gsi = 20 }", lines);
    let mut machine = machine();
    machine.intx_lines = Some([11, 10, 10, 11]);
    assert!(verify_pc(&text, &machine).is_ok());
    machine.intx_lines = Some([11, 10, 9, 11]);
    let told = verify_pc(&text, &machine).expect_err("an error is reported");
    let codes: Vec<Code> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::MachineInterrupt], "\n{told}");
}
