//! Tests a made-up board against made-up machines that differ from it.

mod guilty;
mod left_out;
mod models;
mod mutation;
mod owner;
mod part_values;
mod pc;
mod processor;
mod slots;
mod written;

use super::*;
use crate::diagnostic::Code;
use crate::machine::device::{Bridge, Device, WindowKind};
use crate::machine::memory_tree::{MemoryTree, Region, RegionKind};
use crate::source::InMemory;
use crate::tests::TOY;

fn range(base: u64, size: u64) -> Range {
    Range { base, size }
}

fn device(kind: &str, registers: &[(u64, u64)], interrupts: &[u32]) -> Device {
    Device {
        kinds: vec![kind.to_owned()],
        registers: registers
            .iter()
            .map(|(base, size)| Some(range(*base, *size)))
            .collect(),
        interrupts: interrupts.iter().map(|number| Some(*number)).collect(),
        ..Device::default()
    }
}

/// A machine that matches the board.
fn machine() -> Facts {
    let mut devices = vec![
        device(
            "arm,gic-v3",
            &[(0x1000_0000, 0x1_0000), (0x1010_0000, 0x10_0000)],
            &[],
        ),
        device("arm,gic-v3-its", &[(0x1020_0000, 0x2_0000)], &[]),
        device("arm,armv8-timer", &[], &[29, 30, 27, 26]),
        Device {
            clock: Some(24_000_000),
            ..device("arm,pl011", &[(0x2000_0000, 0x1000)], &[33])
        },
        Device {
            words: vec![("method".to_owned(), "hvc".to_owned())],
            ..device("arm,psci-1.0", &[], &[])
        },
        Device {
            bridge: Some(Bridge {
                buses: Some(16),
                windows: vec![(WindowKind::Memory32, range(0x5000_0000, 0x1000_0000))],
                intx: Some(36),
                ..Bridge::default()
            }),
            ..device(
                "pci-host-ecam-generic",
                &[(0x40_0000_0000, 0x100_0000)],
                &[],
            )
        },
        device("some,clock", &[(0x6000_0000, 0x1000)], &[40]),
    ];
    // A device tree lists devices in any order.
    for slot in [3_u32, 0, 1, 2, 7, 6, 5, 4] {
        let base = 0x3000_0000 + 0x200 * u64::from(slot);
        devices.push(device("virtio,mmio", &[(base, 0x200)], &[48 + slot]));
    }
    let ram = range(0x8000_0000, 0x400_0000);
    let regions = devices
        .iter()
        .flat_map(|device| device.registers.clone())
        .flatten();
    let region = |kind, name: &str| {
        let name = name.to_owned();
        move |range| Region {
            range,
            kind,
            name: name.clone(),
        }
    };
    let mut memory: Vec<Region> = regions.map(region(RegionKind::Device, "device")).collect();
    memory.push(region(RegionKind::Device, "window")(range(
        0x5000_0000,
        0x1000_0000,
    )));
    memory.push(region(RegionKind::Ram, "ram")(ram));
    memory.sort_by_key(|region| region.range);
    Facts {
        teller: "QEMU 0.0.0".to_owned(),
        tree: MemoryTree {
            memory,
            ports: Vec::new(),
        },
        ram: vec![ram],
        devices,
        timebase: Some(62_500_000),
        ..Facts::default()
    }
}

fn of_kind<'f>(facts: &'f mut Facts, kind: &str) -> &'f mut Device {
    let found = facts.devices.iter_mut().find(|device| device.is(&[kind]));
    found.expect("a device of this kind")
}

fn verify_toy(text: &str, facts: &Facts) -> Result<Agreed, Diagnostics> {
    verify(&InMemory::new().with("toy", text), "toy", facts)
}

/// Returns the only difference from the machine after some text of the board was replaced: its
/// code, its title, and the text at its location.
fn only(old: &str, new: &str, facts: &Facts) -> (Code, String, String) {
    assert_eq!(
        TOY.matches(old).count(),
        1,
        "{old:?} does not occur exactly once"
    );
    let text = TOY.replace(old, new);
    let told = verify_toy(&text, facts).expect_err("an error is reported");
    let mut all = told.iter().map(|one| {
        let at = one.primary.at;
        (
            one.code,
            one.title.clone(),
            text[at.start..at.end].to_owned(),
        )
    });
    let first = all.next().expect("at least one error");
    assert_eq!(all.next(), None, "\n{told}");
    first
}

/// Returns the only difference of the board from another machine.
fn only_of_machine(change: impl FnOnce(&mut Facts)) -> (Code, String, String) {
    let mut facts = machine();
    change(&mut facts);
    only("title = \"A toy\"", "title = \"A toy\"", &facts)
}

fn assert_told(told: (Code, String, String), code: Code, title: &str, at: &str) {
    assert_eq!(told, (code, title.to_owned(), at.to_owned()));
}

#[test]
fn the_board_matches_its_machine() {
    let agreed = verify_toy(TOY, &machine()).unwrap();
    let expected = Agreed {
        ranges: 8,
        interrupts: 4,
        frequencies: 1,
        undescribed: 1,
    };
    assert_eq!(agreed, expected);
}

#[test]
fn a_wrong_address_is_reported_with_the_right_one() {
    let told = only("base = 0x2000_0000", "base = 0x2000_1000", &machine());
    let title = "the machine has `console.pl011` at another address";
    assert_told(told, Code::MachineAddress, title, "0x2000_1000");
}

#[test]
fn the_first_address_of_a_row_is_compared() {
    let told = only("base = 0x3000_0000", "base = 0x3000_0200", &machine());
    let title = "the machine has `virtio-mmio` at another address";
    assert_told(told, Code::MachineAddress, title, "0x3000_0200");
}

#[test]
fn a_wrong_size_is_reported_at_the_size() {
    let told = only("size = \"1 MiB\"", "size = \"512 KiB\"", &machine());
    let title = "the machine has another size for `interrupt-controller.gic-v3.redistributors`";
    assert_told(told, Code::MachineSize, title, "\"512 KiB\"");
}

#[test]
fn a_reserved_size_and_a_used_size_are_both_correct() {
    let mut facts = machine();
    of_kind(&mut facts, "arm,pl011").registers = vec![Some(range(0x2000_0000, 0x1_0000))];
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn another_amount_of_memory_is_reported_at_its_size() {
    let told = only("memory = \"64 MiB\"", "memory = \"128 MiB\"", &machine());
    let title = "the machine has another size for `memory.ram.main`";
    assert_told(told, Code::MachineSize, title, "\"128 MiB\"");
}

#[test]
fn a_wrong_interrupt_is_reported_with_the_right_one() {
    let told = only("{ spi = 1 }", "{ spi = 2 }", &machine());
    let title = "the machine has another interrupt for `console.pl011.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 2 }");
}

#[test]
fn the_interrupt_of_the_other_timer_is_wrong() {
    let told = only("{ ppi = 11 }", "{ ppi = 14 }", &machine());
    assert_eq!(told.0, Code::MachineInterrupt);
    let physical = "{ ppi = 14 }\ncounter = \"physical\"";
    assert!(verify_toy(&TOY.replace("{ ppi = 11 }", physical), &machine()).is_ok());
}

#[test]
fn the_first_interrupt_of_a_row_is_compared() {
    let told = only("{ spi = 16 }", "{ spi = 17 }", &machine());
    let title = "the machine has another interrupt for `virtio-mmio.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 17 }");
}

#[test]
fn interrupts_that_are_not_consecutive_are_reported() {
    let told = only_of_machine(|facts| {
        let last = facts.devices.last_mut().expect("a slot");
        last.interrupts = vec![Some(99)];
    });
    let title = "the interrupts of the machine's slots do not follow `virtio-mmio.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 16 }");
}

#[test]
fn the_lines_of_pci_are_compared() {
    let told = only("{ spi = 4 }", "{ spi = 5 }", &machine());
    let title = "the machine has another interrupt for `pci.ecam.intx`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 5 }");
}

#[test]
fn a_wrong_frequency_is_reported_with_the_right_one() {
    let told = only("clock = \"24 MHz\"", "clock = \"48 MHz\"", &machine());
    let title = "the machine has another frequency for `console.pl011.clock`";
    assert_told(told, Code::MachineFrequency, title, "\"48 MHz\"");
}

#[test]
fn the_counter_of_the_processor_is_compared() {
    let frequency = "{ ppi = 11 }\nfrequency = \"1 GHz\"";
    let told = only("{ ppi = 11 }", frequency, &machine());
    let title = "the machine has another frequency for `timer.arm-generic.frequency`";
    assert_told(told, Code::MachineFrequency, title, "\"1 GHz\"");
}

#[test]
fn a_wrong_stride_is_reported_with_the_right_one() {
    let told = only("stride = 0x200", "stride = 0x1000", &machine());
    let title = "the machine has another stride for `virtio-mmio`";
    assert_told(told, Code::MachineRow, title, "0x1000");
}

#[test]
fn a_wrong_count_is_reported_with_the_right_one() {
    let told = only("count = 8", "count = 7", &machine());
    let title = "the machine has another count for `virtio-mmio`";
    assert_told(told, Code::MachineRow, title, "7");
}

#[test]
fn another_conduit_is_reported() {
    let told = only("conduit = \"hvc\"", "conduit = \"smc\"", &machine());
    let title = "the machine has another value for `power.psci.conduit`";
    assert_told(told, Code::MachineProperty, title, "\"smc\"");
}

#[test]
fn a_window_at_another_address_is_reported() {
    let told = only("base = 0x5000_0000", "base = 0x4800_0000", &machine());
    let title = "the machine has `pci.ecam.windows.memory32` at another address";
    assert_told(told, Code::MachineAddress, title, "0x4800_0000");
}

#[test]
fn a_missing_device_is_reported_at_its_table() {
    let told = only_of_machine(|facts| {
        facts.devices.retain(|device| !device.is(&["arm,pl011"]));
        facts
            .tree
            .memory
            .retain(|region| region.range.base != 0x2000_0000);
    });
    let title = "the machine has no `console.pl011`";
    assert_told(told, Code::NotOnMachine, title, "[console.pl011]");
}

#[test]
fn a_missing_row_is_reported_at_its_table() {
    let told = only_of_machine(|facts| {
        facts.devices.retain(|device| !device.is(&["virtio,mmio"]));
    });
    let title = "the machine has no `virtio-mmio`";
    assert_told(told, Code::NotOnMachine, title, "[virtio-mmio]");
}

#[test]
fn devices_are_distinguished_by_their_addresses() {
    let mut facts = machine();
    // A second device of the kind comes first; it is only listed as left out.
    facts
        .devices
        .insert(0, device("arm,pl011", &[(0x7000_0000, 0x1000)], &[99]));
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn errors_of_the_board_and_differences_from_the_machine_are_reported_together() {
    let text = TOY
        .replace("{ spi = 1 }", "{ spi = 2 }")
        .replace("stack = \"64 KiB\"", "stack = \"1 KiB\"");
    let told = verify_toy(&text, &machine()).unwrap_err();
    let codes: Vec<_> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes.len(), 2, "\n{told}");
    assert!(codes.contains(&Code::MachineInterrupt), "\n{told}");
}
