//! A toy board beside toy machines that differ from it.

mod mutation;
mod pc;

use super::device::{Bridge, WindowKind};
use super::memory_tree::{Region, RegionKind};
use super::*;
use crate::diagnostic::Code;
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

/// The machine that the toy describes.
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
            }),
            ..device(
                "pci-host-ecam-generic",
                &[(0x40_0000_0000, 0x100_0000)],
                &[],
            )
        },
        device("some,clock", &[(0x6000_0000, 0x1000)], &[40]),
    ];
    // A tree lists them in any order.
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

/// The toy with some of its text replaced, and the only thing told of it: its code, its title, and
/// the text that it points at.
fn only(old: &str, new: &str, facts: &Facts) -> (Code, String, String) {
    assert_eq!(
        TOY.matches(old).count(),
        1,
        "{old:?} is not there just once"
    );
    let text = TOY.replace(old, new);
    let told = verify_toy(&text, facts).expect_err("nothing was told");
    let mut all = told.iter().map(|one| {
        let at = one.primary.at;
        (
            one.code,
            one.title.clone(),
            text[at.start..at.end].to_owned(),
        )
    });
    let first = all.next().expect("something was told");
    assert_eq!(all.next(), None, "\n{told}");
    first
}

/// The same for a machine that differs from the toy.
fn only_of_machine(change: impl FnOnce(&mut Facts)) -> (Code, String, String) {
    let mut facts = machine();
    change(&mut facts);
    only("title = \"A toy\"", "title = \"A toy\"", &facts)
}

fn assert_told(told: (Code, String, String), code: Code, title: &str, at: &str) {
    assert_eq!(told, (code, title.to_owned(), at.to_owned()));
}

#[test]
fn the_toy_is_as_its_machine() {
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
fn a_wrong_address_is_told_with_the_right_one() {
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
fn a_wrong_size_is_told_at_the_size() {
    let told = only("size = \"1 MiB\"", "size = \"512 KiB\"", &machine());
    let title = "the machine has another size for `interrupt-controller.gic-v3.redistributors`";
    assert_told(told, Code::MachineSize, title, "\"512 KiB\"");
}

#[test]
fn a_size_that_is_set_aside_and_one_that_answers_are_both_right() {
    let mut facts = machine();
    of_kind(&mut facts, "arm,pl011").registers = vec![Some(range(0x2000_0000, 0x1_0000))];
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn memory_of_another_size_is_told_where_it_is_said() {
    let told = only("memory = \"64 MiB\"", "memory = \"128 MiB\"", &machine());
    let title = "the machine has another size for `memory.ram.main`";
    assert_told(told, Code::MachineSize, title, "\"128 MiB\"");
}

#[test]
fn a_wrong_interrupt_is_told_with_the_right_one() {
    let told = only("{ spi = 1 }", "{ spi = 2 }", &machine());
    let title = "the machine has another interrupt than `console.pl011.interrupt`";
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
    let title = "the machine has another interrupt than `virtio-mmio.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 17 }");
}

#[test]
fn interrupts_that_do_not_follow_one_another_are_told() {
    let told = only_of_machine(|facts| {
        let last = facts.devices.last_mut().expect("a slot");
        last.interrupts = vec![Some(99)];
    });
    let title = "the machine does not count on from `virtio-mmio.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 16 }");
}

#[test]
fn the_lines_of_pci_are_compared() {
    let told = only("{ spi = 4 }", "{ spi = 5 }", &machine());
    let title = "the machine has another interrupt than `pci.ecam.intx`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 5 }");
}

#[test]
fn a_wrong_frequency_is_told_with_the_right_one() {
    let told = only("clock = \"24 MHz\"", "clock = \"48 MHz\"", &machine());
    let title = "the machine has another frequency than `console.pl011.clock`";
    assert_told(told, Code::MachineFrequency, title, "\"48 MHz\"");
}

#[test]
fn the_counter_of_the_processor_is_compared() {
    let frequency = "{ ppi = 11 }\nfrequency = \"1 GHz\"";
    let told = only("{ ppi = 11 }", frequency, &machine());
    let title = "the machine has another frequency than `timer.arm-generic.frequency`";
    assert_told(told, Code::MachineFrequency, title, "\"1 GHz\"");
}

#[test]
fn a_wrong_stride_is_told_with_the_right_one() {
    let told = only("stride = 0x200", "stride = 0x1000", &machine());
    let title = "the machine has another stride for `virtio-mmio`";
    assert_told(told, Code::MachineRow, title, "0x1000");
}

#[test]
fn a_wrong_count_is_told_with_the_right_one() {
    let told = only("count = 8", "count = 7", &machine());
    let title = "the machine has another count for `virtio-mmio`";
    assert_told(told, Code::MachineRow, title, "7");
}

#[test]
fn another_conduit_is_told() {
    let told = only("conduit = \"hvc\"", "conduit = \"smc\"", &machine());
    let title = "the machine says otherwise than `power.psci.conduit`";
    assert_told(told, Code::MachineProperty, title, "\"smc\"");
}

#[test]
fn a_window_elsewhere_is_told() {
    let told = only("base = 0x5000_0000", "base = 0x4800_0000", &machine());
    let title = "the machine has `pci.ecam.windows.memory32` at another address";
    assert_told(told, Code::MachineAddress, title, "0x4800_0000");
}

#[test]
fn a_device_that_is_not_there_is_told_at_its_table() {
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
fn a_row_that_is_not_there_is_told_at_its_table() {
    let told = only_of_machine(|facts| {
        facts.devices.retain(|device| !device.is(&["virtio,mmio"]));
    });
    let title = "the machine has no `virtio-mmio`";
    assert_told(told, Code::NotOnMachine, title, "[virtio-mmio]");
}

#[test]
fn what_nobody_speaks_of_is_told_with_what_to_write() {
    let told = only_of_machine(|facts| {
        let new = device("some,gpio", &[(0x7000_0000, 0x1000)], &[]);
        facts.tree.memory.push(Region {
            range: range(0x7000_0000, 0x800),
            kind: RegionKind::Device,
            name: "a name".to_owned(),
        });
        facts.devices.push(new);
    });
    let title = "the machine has some,gpio at 0x7000_0000, of which nothing is said";
    assert_told(told, Code::NotDescribed, title, "[undescribed]");
}

#[test]
fn a_line_that_hides_nothing_is_told() {
    let entries = "\"0x6000_0000\" = \"a clock\"\n\"0x6100_0000\" = \"nothing\"";
    let told = only("\"0x6000_0000\" = \"a clock\"", entries, &machine());
    let title = "the machine has nothing at 0x6100_0000 to be left out";
    assert_told(told, Code::HidesNothing, title, "\"0x6100_0000\"");
}

#[test]
fn an_inherited_line_that_hides_nothing_is_to_be_done_without() {
    let child = "schema = 1\nextends = \"toy\"\n[board]\nname = \"child\"\ntitle = \"A child\"\n";
    let sources = InMemory::new().with("toy", TOY).with("child", child);
    let mut facts = machine();
    let is_clock = |base| base == 0x6000_0000;
    facts
        .tree
        .memory
        .retain(|region| !is_clock(region.range.base));
    let told = verify(&sources, "child", &facts).expect_err("nothing was told");
    let help = told.iter().flat_map(|one| &one.helps).next();
    let expected = "write without = [\"undescribed.0x6000_0000\"] at the beginning of this board";
    assert_eq!(help.map(String::as_str), Some(expected));
}

#[test]
fn a_line_into_the_middle_of_something_is_told() {
    let told = only("\"0x6000_0000\"", "\"0x6000_0800\"", &machine());
    let title = "nothing begins at 0x6000_0800";
    assert_told(told, Code::HidesNothing, title, "\"0x6000_0800\"");
}

#[test]
fn devices_are_told_apart_by_their_addresses() {
    let mut facts = machine();
    // A second one of the kind comes first and is described nowhere but as left out.
    facts
        .devices
        .insert(0, device("arm,pl011", &[(0x7000_0000, 0x1000)], &[99]));
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn without_a_device_tree_the_memory_tree_shows_what_is_wrong() {
    let mut facts = machine();
    facts.devices.clear();
    facts.ram.clear();
    assert!(verify_toy(TOY, &facts).is_ok());
    let text = TOY.replace("base = 0x2000_0000", "base = 0x2100_0000");
    let told = verify_toy(&text, &facts).unwrap_err();
    let codes: Vec<_> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::NotOnMachine, Code::NotDescribed], "\n{told}");
}

/// The machine as QEMU's own list has it: kinds by the names of models, and no address of what is
/// mapped within something else.
fn machine_of_models() -> Facts {
    let mut facts = machine();
    facts.ram.clear();
    let within = |kind: &str| Device {
        registers: vec![None, None],
        ..device(kind, &[], &[])
    };
    facts.devices = vec![
        device("pl011", &[(0x2000_0000, 0x1000)], &[]),
        within("arm-gicv3"),
        within("arm-gicv3-its"),
        within("gpex-pcihost"),
    ];
    let slots = (0..8).map(|slot| (0x3000_0000 + slot * 0x200, 0x200));
    let slots = slots.map(|slot| device("virtio-mmio", &[slot], &[]));
    facts.devices.extend(slots);
    facts
}

#[test]
fn a_device_whose_address_is_not_listed_is_looked_for_in_the_memory_tree() {
    assert!(verify_toy(TOY, &machine_of_models()).is_ok());
    let moved = (
        "distributor = { base = 0x1000_0000 }",
        "distributor = { base = 0x1080_0000 }",
    );
    let told = verify_toy(&TOY.replace(moved.0, moved.1), &machine_of_models()).unwrap_err();
    assert!(
        told.iter().any(|one| one.code == Code::NotOnMachine),
        "\n{told}"
    );
}

#[test]
fn a_register_may_be_one_of_many() {
    let off = |address| {
        let write = format!("[power.register-write]\noff = {{ address = {address}, value = 1 }}");
        TOY.replace(
            "[power.semihosting]",
            &format!("{write}\n[power.semihosting]"),
        )
    };
    assert!(verify_toy(&off("0x6000_0080"), &machine()).is_ok());
    let told = verify_toy(&off("0x6100_0000"), &machine()).unwrap_err();
    assert!(
        told.iter().any(|one| one.code == Code::NotOnMachine),
        "\n{told}"
    );
}

#[test]
fn mistakes_of_the_board_and_of_the_machine_are_told_together() {
    let text = TOY
        .replace("{ spi = 1 }", "{ spi = 2 }")
        .replace("stack = \"64 KiB\"", "stack = \"1 KiB\"");
    let told = verify_toy(&text, &machine()).unwrap_err();
    let codes: Vec<_> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes.len(), 2, "\n{told}");
    assert!(codes.contains(&Code::MachineInterrupt), "\n{told}");
}

/// The toy with slots 28 to 31 wired otherwise, and a machine that says so.
fn with_slots(first: u32, lines: [u32; 4]) -> (String, Facts) {
    let lines = lines.map(|line| format!("{{ spi = {line} }}")).join(", ");
    let row = format!("intx-slots.end = {{ first = {first}, last = 31, lines = [{lines}] }}");
    let text = TOY.replace("msi = \"its\"", &format!("msi = \"its\"\n{row}"));
    let mut facts = machine();
    facts.slot_lines = (28..32).map(|slot| (slot, [60, 61, 62, 63])).collect();
    (text, facts)
}

#[test]
fn slots_that_are_wired_as_described_agree() {
    let (text, facts) = with_slots(28, [28, 29, 30, 31]);
    if let Err(told) = verify_toy(&text, &facts) {
        panic!("{told}");
    }
}

#[test]
fn a_wrong_line_of_a_slot_is_told_at_the_line() {
    let (text, facts) = with_slots(28, [28, 29, 40, 31]);
    let told = verify_toy(&text, &facts).unwrap_err();
    let all: Vec<_> = told
        .iter()
        .map(|one| (one.code, &text[one.primary.at.start..one.primary.at.end]))
        .collect();
    assert_eq!(all, [(Code::MachineInterrupt, "{ spi = 40 }")], "\n{told}");
}

#[test]
fn slots_that_are_not_all_of_their_kind_are_told() {
    let (text, facts) = with_slots(29, [28, 29, 30, 31]);
    let told = verify_toy(&text, &facts).unwrap_err();
    let all: Vec<_> = told
        .iter()
        .map(|one| (one.code, &text[one.primary.at.start..one.primary.at.end]))
        .collect();
    assert_eq!(all, [(Code::MachineProperty, "29")], "\n{told}");
}

#[test]
fn firmware_may_begin_before_the_line_that_leaves_it_out() {
    let mut facts = machine();
    facts.tree.memory.push(Region {
        range: range(0x7000_0000, 0x2_0000),
        kind: RegionKind::Rom,
        name: "bios".to_owned(),
    });
    let entries = "\"0x6000_0000\" = \"a clock\"\n\"0x7001_0000\" = \"firmware\"";
    let text = TOY.replace("\"0x6000_0000\" = \"a clock\"", entries);
    if let Err(told) = verify_toy(&text, &facts) {
        panic!("{told}");
    }
}
