//! Tests that one mistake causes one diagnostic, and that no diagnostic hides another.

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
fn a_misspelt_key_is_not_also_reported_as_missing() {
    // A word from device trees, and a misspelt key recognised by its value.
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
fn a_broken_table_is_not_also_reported_as_missing() {
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
fn an_error_next_to_a_broken_statement_is_reported_too() {
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
fn an_invalid_value_is_not_checked_further() {
    // An unknown range overlaps nothing, and nothing is outside of it.
    only(
        &[("base = 0x8000_0000", "base = «\"RAM\"»")],
        Code::WrongType,
        "`memory.ram.main.base` must be an address, such as 0x1234_5000",
    );
    // An unknown controller is assumed to support every interrupt and message.
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
            "its = { base = «0x1020_0800» }",
        )],
        Code::Misaligned,
        "`interrupt-controller.gic-v3.its.base` is not a multiple of 4 KiB",
    );
    only(
        &[("its = { base = 0x1020_0000 }", "its = «0x1020_0000»")],
        Code::WrongType,
        "`interrupt-controller.gic-v3.its` must be a table, such as { base = ... }",
    );
}

#[test]
fn nothing_is_reported_as_outside_unknown_ram() {
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
fn a_waiver_for_an_invalid_key_is_not_reported_as_unused() {
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

/// Asserts that each line of the board, if it is removed, causes at most one diagnostic.
#[test]
fn a_missing_line_gives_at_most_one_diagnostic() {
    let lines: Vec<&str> = TOY.lines().collect();
    for index in 0..lines.len() {
        // Without its header, the keys of a table belong to the table above, which causes many
        // errors.
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
