//! Tests board files of PCs: ports, APICs, and the memory hole below 4 GiB.

use super::{Toy, other_places_of};
use crate::Board;
use crate::board::Trigger;
use crate::diagnostic::Code;

/// A made-up PC.
const PC: &str = r#"schema = 1

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
io.second = { base = 0xFEC1_0000, first = 24 }
i8259 = {}

[timer.local-apic]
reference.acpi-pm = { port = 0x608 }

[console.ns16550]
port = 0x3F8
interrupt = { gsi = 4, trigger = "edge" }
clock = "1.8432 MHz"

[rtc.mc146818]
century = 0x32
interrupt = { gsi = 8 }

[power.isa-debug-exit]
[power.port-write]
off = { port = 0x604, value = 0x2000, width = "16" }

[pci.ports]
windows.memory32 = { base = 0xC000_0000, size = "512 MiB" }
intx = { gsi = 20 }
intx-slots.last = { first = 25, last = 31, lines = [{ gsi = 16 }, { gsi = 17 }, { gsi = 18 }, { gsi = 19 }] }
msi = "local-apic"
"#;

const INTX: &str = "intx = { gsi = 20 }";
const LOW: &str = "ram.low = { base = 0x0000_0000, limit = \"2 GiB\" }";
const REST: &str = "rest-of = \"low\"";

/// Returns the PC with some of its text replaced.
fn with(edits: &[(&str, &str)]) -> Toy {
    let text = edits.iter().fold(PC.to_owned(), |text, (old, new)| {
        assert_eq!(
            text.matches(old).count(),
            1,
            "{old:?} does not occur exactly once"
        );
        text.replace(old, new)
    });
    Toy::from(&text)
}

fn fine(edits: &[(&str, &str)]) -> Board {
    with(edits).load().unwrap_or_else(|told| panic!("{told}"))
}

fn only(edits: &[(&str, &str)], code: Code, title: &str) {
    with(edits).has_only(code, title);
}

#[test]
fn the_pc_is_valid() {
    fine(&[]);
}

#[test]
fn a_port_is_hexadecimal_and_has_16_bits() {
    only(
        &[("port = 0x608", "port = «608»")],
        Code::BadAddress,
        "`timer.local-apic.reference.acpi-pm.port` must be written in hexadecimal",
    );
    only(
        &[("port = 0x608", "port = «0x1_0608»")],
        Code::BadNumber,
        "`timer.local-apic.reference.acpi-pm.port` is not a port",
    );
}

#[test]
fn ports_end_at_the_last_one() {
    only(
        &[("port = 0x3F8", "port = «0xFFFC»")],
        Code::OutsideAddressSpace,
        "`console.ns16550` goes beyond the last port",
    );
}

#[test]
fn two_parts_at_the_same_ports_are_reported() {
    only(
        &[
            ("port = 0x3F8", "port = 0x600"),
            ("port = 0x604", "port = «0x604»"),
        ],
        Code::Overlap,
        "`power.port-write.off` overlaps `console.ns16550`",
    );
    only(
        &[
            ("[rtc.mc146818]\n", "[rtc.mc146818]\nport = 0xF6\n"),
            ("[power.isa-debug-exit]", "«[power.isa-debug-exit]»"),
        ],
        Code::Overlap,
        "`power.isa-debug-exit` overlaps `rtc.mc146818`",
    );
}

#[test]
fn the_exit_device_must_be_at_the_described_port_in_qemu() {
    only(
        &[(
            "[power.isa-debug-exit]\n",
            "[power.isa-debug-exit]\nport = «0x501»\n",
        )],
        Code::QemuOption,
        "QEMU has this device at another port",
    );
    only(
        &[
            ("\"-device\", \"isa-debug-exit,iobase=0xf4,iosize=4\"", ""),
            ("[power.isa-debug-exit]", "«[power.isa-debug-exit]»"),
        ],
        Code::QemuOption,
        "QEMU's arguments do not add this device",
    );
}

#[test]
fn an_input_belongs_to_one_io_apic() {
    let edits = [(
        "{ base = 0xFEC1_0000, first = 24 }",
        "{ base = 0xFEC1_0000, first = «16» }",
    )];
    only(
        &edits,
        Code::InterruptTwice,
        "two I/O APICs have the input 16",
    );
    assert_eq!(other_places_of(&with(&edits)), ["0"]);
}

#[test]
fn a_wrong_first_input_is_not_also_reported_where_its_inputs_are_used() {
    let edits = [
        (
            "{ base = 0xFEC1_0000, first = 24 }",
            "{ base = 0xFEC1_0000, first = «2» }",
        ),
        (
            "interrupt = { gsi = 4, trigger",
            "interrupt = { gsi = 40, trigger",
        ),
    ];
    let title = "two I/O APICs have the input 2";
    only(&edits, Code::InterruptTwice, title);
}

#[test]
fn an_input_beyond_the_last_io_apic_is_reported() {
    only(
        &[("{ gsi = 8 }", "«{ gsi = 48 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `gsi = 48`",
    );
    fine(&[("{ gsi = 8 }", "{ gsi = 47 }")]);
}

#[test]
fn the_lines_of_pci_follow_one_another_or_are_four() {
    only(
        &[(INTX, "intx-lines = «[{ gsi = 10 }, { gsi = 11 }]»")],
        Code::BadInterrupt,
        "`pci.ports.intx-lines` has 2 lines",
    );
    only(
        &[(
            INTX,
            "intx = { gsi = 20 }\nintx-lines = «[{ gsi = 10 }, { gsi = 11 }, { gsi = 10 }, { gsi = 11 }]»",
        )],
        Code::DuplicateKey,
        "`pci.ports.intx` and `pci.ports.intx-lines` exclude each other",
    );
    fine(&[(
        INTX,
        "intx-lines = [{ gsi = 10 }, { gsi = 11 }, { gsi = 10 }, { gsi = 11 }]",
    )]);
}

#[test]
fn an_io_apic_supports_active_low_lines() {
    let board = fine(&[(INTX, "intx = { gsi = 20, trigger = \"level-low\" }")]);
    let mut lines = board.interrupts.iter();
    let intx = lines.find(|line| line.key == "pci.ports.intx").unwrap();
    assert_eq!(intx.what.trigger, Trigger::LevelLow);
}

#[test]
fn a_row_of_slots_must_not_end_before_its_start() {
    only(
        &[("last = 31", "last = «24»")],
        Code::EmptyRange,
        "[pci.ports.intx-slots.last] has no slots",
    );
    only(
        &[("last = 31", "last = «32»")],
        Code::BadNumber,
        "`pci.ports.intx-slots.last.last` must be a number from 0 to 31",
    );
}

#[test]
fn each_slot_has_four_lines() {
    only(
        &[(
            "[{ gsi = 16 }, { gsi = 17 }, { gsi = 18 }, { gsi = 19 }]",
            "«[{ gsi = 16 }, { gsi = 17 }, { gsi = 18 }]»",
        )],
        Code::BadInterrupt,
        "`pci.ports.intx-slots.last.lines` has 3 lines",
    );
}

#[test]
fn messages_go_to_the_local_apic() {
    only(
        &[("msi = \"local-apic\"", "msi = «\"its\"»")],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
}

#[test]
fn rest_of_must_name_a_range_with_a_limit() {
    only(
        &[(REST, "rest-of = «\"lower\"»")],
        Code::MissingKey,
        "there is no `memory.ram.lower`",
    );
    only(
        &[
            (LOW, "ram.low = { base = 0x0000_0000, size = \"64 MiB\" }"),
            (REST, "rest-of = «\"low\"»"),
        ],
        Code::QemuMemory,
        "`memory.ram.low` has no excess memory",
    );
    only(
        &[(REST, "rest-of = \"low\", size = «\"16 MiB\"»")],
        Code::QemuMemory,
        "`memory.ram.high.size` and `memory.ram.high.rest-of` exclude each other",
    );
}

#[test]
fn memory_beyond_a_limit_is_expected_in_the_range_for_the_rest() {
    let sizes = |memory: &str| {
        let board = fine(&[("memory = \"64 MiB\"", &format!("memory = \"{memory}\""))]);
        let ram = board.memory.ram.into_iter();
        ram.map(|ram| ram.expected_size >> 20).collect::<Vec<_>>()
    };
    assert_eq!(sizes("64 MiB"), [64, 0]);
    assert_eq!(sizes("2 GiB"), [2048, 0]);
    assert_eq!(sizes("8 GiB"), [2048, 6144]);
}

#[test]
fn a_limit_requires_a_size_from_firmware() {
    only(
        &[
            (
                "limit = \"2 GiB\"",
                "limit = «\"2 GiB\"», size = \"32 MiB\"",
            ),
            (
                "ram.high = { base = 0x1_0000_0000, rest-of = \"low\" }\n",
                "",
            ),
            ("memory = \"64 MiB\"", "memory = \"32 MiB\""),
        ],
        Code::QemuMemory,
        "`memory.ram.low.limit` and `memory.ram.low.size` exclude each other",
    );
    only(
        &[(REST, "rest-of = \"low\", limit = «\"1 GiB\"»")],
        Code::QemuMemory,
        "`memory.ram.high.limit` and `memory.ram.high.rest-of` exclude each other",
    );
    only(
        &[("limit = \"2 GiB\"", "limit = «\"2049 bytes\"»")],
        Code::Misaligned,
        "`memory.ram.low.limit` is not a multiple of 4 KiB",
    );
}

#[test]
fn the_century_register_must_be_in_the_clocks_memory() {
    only(
        &[("century = 0x32", "century = «9»")],
        Code::BadNumber,
        "`rtc.mc146818.century` must be a number from 14 to 127",
    );
}

#[test]
fn an_interrupt_between_the_inputs_is_reported() {
    let second = "io.second = { base = 0xFEC1_0000, first = 24 }";
    let wrong = "io.second = { base = 0xFEC1_0000, first = 28 }";
    with(&[(second, wrong), ("{ gsi = 8 }", "«{ gsi = 25 }»")]).has_only(
        Code::InterruptOutOfRange,
        "there is no interrupt `gsi = 25`",
    );
    fine(&[(second, wrong), ("{ gsi = 8 }", "{ gsi = 28 }")]);
}

#[test]
fn a_first_input_above_0_is_reported_once() {
    with(&[(
        "io.first = { base = 0xFEC0_0000, first = 0 }\nio.second = { base = 0xFEC1_0000, first = 24 }",
        "io.first = { base = 0xFEC0_0000, first = «24» }",
    )])
    .has_only(Code::BadNumber, "no I/O APIC has the input 0");
}

#[test]
fn io_apics_that_cannot_be_read_hide_no_interrupt() {
    let both = "io.first = { base = 0xFEC0_0000, first = 0 }\n\
                io.second = { base = 0xFEC1_0000, first = 24 }";
    with(&[(both, "io = «{ base = 0xFEC0_0000, first = 0 }»")]).has_only(
        Code::WrongType,
        "[interrupt-controller.apic.io] contains an entry without a name",
    );
}

#[test]
fn a_driver_as_a_value_is_offered_as_a_table() {
    let right = "reference.acpi-pm = { port = 0x608 }";
    let told = with(&[(right, "reference = \"acpi_pm\"")])
        .load()
        .unwrap_err();
    let text = told.to_string();
    let help = "help: write [timer.local-apic.reference.acpi-pm]";
    let is_only = !text.contains("reference.pit]");
    assert!(text.contains(help) && is_only, "{text}");
}

#[test]
fn every_driver_with_the_properties_is_suggested() {
    with(&[(
        "reference.acpi-pm = { port = 0x608 }",
        "reference.«hpet» = { port = 0x608 }",
    )])
    .has_only(
        Code::OtherDriver,
        "[timer.local-apic.reference.hpet] has the properties of `pit` or `acpi-pm`",
    );
}
