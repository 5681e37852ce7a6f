//! Tests of parts that the workspace defines: the board's `[part.NAME]`, and the file of its kind.

use super::TOY;
use crate::diagnostic::Diagnostics;
use crate::source::InMemory;
use crate::{Board, board_names_from, load_from};

const LAMP: &str = r#"title = "A lamp"
compatible = ["acme,lamp"]
[registers.light]
size = "4 KiB"
[interrupts.burnt]
trigger = "edge"
[interrupts.door]
presence = "optional"
[values.watts]
least = 1
greatest = 100
[values.bulbs]
default = 1
"#;

const PART: &str = r#"
[part.desk]
kind = "lamp"
registers.light = 0x2100_0000
interrupts.burnt = { spi = 2 }
values.watts = 40
"#;

fn load(part: &str, definition: &str) -> Result<Board, Diagnostics> {
    let sources = InMemory::new()
        .with("toy", format!("{TOY}{part}"))
        .with("parts/lamp", definition);
    load_from(&sources, "toy")
}

/// Replaces text that is there once.
fn edited(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old:?}");
    text.replace(old, new)
}

/// Asserts the only error: its code, its title, and its file.
fn only(part: &str, definition: &str, code: &str, title: &str, file: &str) {
    let told = load(part, definition).expect_err("nothing was reported");
    let all: Vec<_> = told
        .iter()
        .map(|one| {
            let (path, ..) = told.position(one.primary.at);
            (one.code.written(), one.title.as_str(), path)
        })
        .collect();
    assert_eq!(all, [(code, title, file)], "\n{told}");
}

/// Asserts that the board file with a change in the part has this error.
fn wrong(old: &str, new: &str, code: &str, title: &str) {
    only(
        &edited(PART, old, new),
        LAMP,
        code,
        title,
        "boards/toy.toml",
    );
}

#[test]
fn a_part_has_what_its_kind_defines() {
    let board = match load(PART, LAMP) {
        Ok(board) => board,
        Err(told) => panic!("{told}"),
    };
    let [part] = &*board.parts else {
        panic!("{:?}", board.parts);
    };
    assert_eq!((&*part.key, &*part.kind), ("part.desk", "lamp"));
    assert_eq!(part.registers[0].1.size, 4096);
    assert_eq!(part.interrupts[0].1.number, 34);
    let values: Vec<_> = part
        .values
        .iter()
        .map(|(name, of)| (&**name, *of))
        .collect();
    assert_eq!(values, [("watts", 40), ("bulbs", 1)]);
    // What is claimed is mapped and enabled, and what is expected is looked for.
    let claims = |key: &str| board.ranges.iter().any(|claim| claim.key == key);
    assert!(claims("part.desk.registers.light"));
    let facts = format!("{:?}", board.firmware);
    assert!(facts.contains("acme,lamp"), "{facts}");
}

#[test]
fn a_definition_is_no_board() {
    let sources = InMemory::new().with("toy", TOY).with("parts/lamp", LAMP);
    assert_eq!(board_names_from(&sources).unwrap(), ["toy"]);
}

#[test]
fn what_the_board_states_wrong_is_reported_at_its_line() {
    wrong(
        "kind = \"lamp\"",
        "kind = \"lmap\"",
        "E0014",
        "there is no parts/lmap.toml",
    );
    wrong(
        "kind = \"lamp\"\n",
        "",
        "E0011",
        "missing key `kind` in [part.desk]",
    );
    wrong(
        "registers.light",
        "registers.lihgt",
        "E0010",
        "unknown key `lihgt` in [part.desk.registers]",
    );
}

#[test]
fn what_the_board_leaves_out_is_reported_with_its_definition() {
    wrong(
        "interrupts.burnt = { spi = 2 }\n",
        "",
        "E0011",
        "missing key `interrupts.burnt` in [part.desk]",
    );
    wrong(
        "values.watts = 40\n",
        "",
        "E0011",
        "missing key `values.watts` in [part.desk]",
    );
}

#[test]
fn a_value_is_in_the_range_of_its_definition() {
    let title = "`part.desk.values.watts` must be a number from 1 to 100";
    wrong("values.watts = 40", "values.watts = 101", "E0019", title);
    wrong("values.watts = 40", "values.watts = 0", "E0019", title);
}

#[test]
fn registers_and_interrupts_are_checked_like_those_of_any_part() {
    wrong(
        "0x2100_0000",
        "0x2000_0000",
        "E0033",
        "`part.desk.registers.light` overlaps `console.pl011`",
    );
    wrong(
        "spi = 2",
        "spi = 1",
        "E0040",
        "interrupt `spi = 1` is claimed twice",
    );
    wrong(
        "0x2100_0000",
        "0x6000_0000",
        "E0062",
        "0x6000_0000 is both described and left out",
    );
}

#[test]
fn what_is_wrong_in_a_definition_is_reported_there() {
    let file = "parts/lamp.toml";
    let definition = edited(LAMP, "size = \"4 KiB\"", "size = 4096");
    let told = load(PART, &definition).expect_err("nothing was reported");
    let (path, line, _) = told.position(told.iter().next().unwrap().primary.at);
    assert_eq!((path, line), (file, 4), "\n{told}");
    only(
        PART,
        &edited(LAMP, "compatible", "compatibel"),
        "E0010",
        "unknown key `compatibel` in [part.desk.definition]",
        file,
    );
    assert!(load(PART, "title = ").is_err());
    assert!(load(PART, "\u{0}").is_err());
}
