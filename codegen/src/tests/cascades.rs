//! One mistake gives one diagnostic, and one diagnostic hides no other.

use super::{TOY, Toy, only};
use crate::diagnostic::Code;

#[test]
fn eight_mistakes_give_eight_diagnostics_at_their_places() {
    let toy = Toy::with(&[
        ("memory = \"64 MiB\"", "memory = 64"),
        ("load-address", "load_address"),
        ("[timer.arm-generic]", "[timer.arm-genric]"),
        ("base = 0x2000_0000", "base = 0x2000_0800"),
        ("conduit = \"hvc\"", "conduit = \"hwc\""),
        ("{ spi = 16 }", "{ spi = 2 }"),
        ("msi = \"its\"", "msi = \"v2m\""),
        ("0x5000_0000, size", "0x3000_0000 size"),
    ]);
    let told = toy.load().unwrap_err();
    let places: Vec<(Code, usize, usize)> = told
        .iter()
        .map(|one| {
            let (_, line, column) = told.position(one.primary.at);
            (one.code, line, column)
        })
        .collect();
    assert_eq!(
        places,
        [
            (Code::BadQuantity, 12, 10),
            (Code::UnknownKey, 17, 1),
            (Code::UnknownDriver, 34, 8),
            (Code::Misaligned, 38, 8),
            (Code::UnknownChoice, 44, 11),
            (Code::InterruptTwice, 55, 8),
            (Code::MsiMismatch, 56, 7),
            (Code::Syntax, 58, 33),
        ],
        "\n{told}"
    );
}

#[test]
fn a_key_under_another_name_is_not_missed() {
    // The word of a device tree, and one that only its value gives away.
    only(
        &[("base = 0x2000_0000", "«reg» = 0x2000_0000")],
        Code::UnknownKey,
        "unknown key `reg` in [console.pl011]",
    );
    only(
        &[("base = 0x2000_0000", "«registers» = 0x2000_0000")],
        Code::UnknownKey,
        "unknown key `registers` in [console.pl011]",
    );
}

#[test]
fn a_broken_table_is_not_missed() {
    for (old, new) in [
        ("[timer.arm-generic]", "[timer.arm-generic"),
        ("[timer.arm-generic]", "timer.arm-generic]"),
        ("interrupt = { ppi = 11 }", "interrupt = { ppi = 11"),
        ("interrupt = { ppi = 11 }", "interrupt { ppi = 11 }"),
        ("interrupt = { ppi = 11 }", "interrupt = "),
        ("interrupt = { ppi = 11 }", "interrupt"),
        ("clock = \"24 MHz\"", "clock = \"24 MHz"),
        ("clock = \"24 MHz\"", "clock = 24 MHz"),
        ("base = 0x2000_0000", "base = 020000000"),
        ("base = 0x2000_0000", "base = 0x2000_000O"),
        ("base = 0x2000_0000", "base: 0x2000_0000"),
        ("tested = [\"7.2\"]", "tested = [\"7.2\""),
        ("name = \"toy\"", "name = toy"),
    ] {
        let told = Toy::with(&[(old, new)]).load().unwrap_err();
        let codes: Vec<Code> = told.iter().map(|one| one.code).collect();
        assert_eq!(codes, [Code::Syntax], "{new:?}\n{told}");
    }
}

#[test]
fn a_mistake_beside_a_broken_statement_is_told_too() {
    let told = Toy::with(&[
        ("clock = \"24 MHz\"", "clock = \"24 MHz"),
        ("count = 8", "count = 0"),
    ])
    .load()
    .unwrap_err();
    let codes: Vec<Code> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::Syntax, Code::BadNumber]);
}

#[test]
fn a_bad_value_is_not_checked_further() {
    // The range that is not known overlaps nothing, and nothing lies outside of it.
    only(
        &[("base = 0x8000_0000", "base = «\"RAM\"»")],
        Code::WrongType,
        "`memory.ram.main.base` must be an address, such as 0x1234_5000",
    );
    // The controller that is not known has every interrupt and delivers every message.
    only(
        &[(
            "[interrupt-controller.gic-v3]",
            "[interrupt-controller.«gic-v4»]",
        )],
        Code::UnknownDriver,
        "unknown driver `gic-v4` in [interrupt-controller]",
    );
    only(
        &[(
            "its = { base = 0x1020_0000 }",
            "its = { base = «0x1020_1000» }",
        )],
        Code::Misaligned,
        "`interrupt-controller.gic-v3.its.base` is not a multiple of 64 KiB",
    );
    only(
        &[("its = { base = 0x1020_0000 }", "its = «0x1020_0000»")],
        Code::WrongType,
        "`interrupt-controller.gic-v3.its` must be a table, such as { base = ... }",
    );
}

#[test]
fn ram_that_is_not_known_has_nothing_outside() {
    only(
        &[("base = 0x8000_0000", "base = 0x8000_0000\nsize = «0x0»")],
        Code::EmptyRange,
        "`memory.ram.main` is empty",
    );
    only(
        &[("base = 0x8000_0000", "base = «0x8000_0001»")],
        Code::Misaligned,
        "`memory.ram.main.base` is not a multiple of 4 KiB",
    );
}

#[test]
fn a_waiver_of_what_is_bad_is_not_called_unused() {
    let waiver = "[waiver.shared-page]\nbetween = [\"console.pl011\", \"virtio-mmio\"]\n\
                  reason = \"the toy decodes them by width\"\n\n[undescribed]";
    only(
        &[
            ("[undescribed]", waiver),
            ("base = 0x2000_0000", "base = «2»"),
        ],
        Code::BadAddress,
        "`console.pl011.base` must be written in hexadecimal",
    );
    only(
        &[
            ("[undescribed]", waiver),
            ("[console.pl011]", "[console.«pl012»]"),
        ],
        Code::UnknownDriver,
        "unknown driver `pl012` in [console]",
    );
}

/// Every line of the toy that can be left out gives one diagnostic, whatever it is.
#[test]
fn a_line_left_out_gives_one_diagnostic() {
    let lines: Vec<&str> = TOY.lines().collect();
    for index in 0..lines.len() {
        // Without its header a table's keys fall into the table above, which is many mistakes.
        if lines[index].starts_with('[') {
            continue;
        }
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != index);
        let text: Vec<&str> = kept.map(|(_, line)| *line).collect();
        if let Err(told) = Toy::from(&(text.join("\n") + "\n")).load() {
            assert_eq!(told.len(), 1, "without {:?}:\n{told}", lines[index]);
        }
    }
}
