//! Tests the dependencies of lines on keys, with a made-up board.

use std::sync::LazyLock;

use crate::load_written;
use crate::source::InMemory;
use crate::tests::TOY;

use super::*;

fn toy() -> &'static Influence {
    static TOY_BOARD: LazyLock<Influence> = LazyLock::new(|| {
        let (board, written) = load_written(&InMemory::new().with("toy", TOY), "toy").unwrap();
        Influence::of(&board, &written).unwrap()
    });
    &TOY_BOARD
}

/// Returns the keys of the only line of `file` that contains `text`.
fn keys(file: &str, text: &str) -> Vec<&'static str> {
    let influence = toy();
    let mut lines = influence.artefacts()[file].text.lines().zip(1..);
    let (_, line) = lines.find(|(line, _)| line.contains(text)).unwrap();
    influence.keys_of(file, line)
}

#[test]
fn a_line_depends_on_the_key_whose_value_it_contains() {
    assert_eq!(
        keys("linker.ld", ". = 0x80080000"),
        ["boot.linux-image.load-address"]
    );
    assert_eq!(keys("linker.ld", "/* memory.stack */"), ["memory.stack"]);
    assert_eq!(
        keys("board.rs", "clock: 24_000_000"),
        ["console.pl011.clock"]
    );
    assert_eq!(keys("qemu.args", "64M"), ["qemu.memory"]);
}

#[test]
fn a_line_depends_on_all_keys_whose_values_it_contains() {
    let mut keys = keys("entry.S", ".quad   0x80000 ");
    keys.sort_unstable();
    // The architecture has a template of its own.
    assert_eq!(
        keys,
        ["boot.linux-image.load-address", "memory.ram.main.base"]
    );
}

#[test]
fn a_line_may_depend_on_an_absent_key() {
    assert_eq!(keys("board.rs", "baud: None"), ["console.pl011.baud"]);
}

#[test]
fn a_line_that_is_the_same_for_every_board_depends_on_no_key() {
    assert!(keys("board.rs", "use core::arch::global_asm").is_empty());
    assert!(keys("linker.ld", "ENTRY(_start)").is_empty());
}

#[test]
fn a_table_has_the_lines_of_its_keys() {
    let toy = toy();
    let whole = toy.lines_of("console.pl011");
    for key in ["console.pl011.base", "console.pl011.clock"] {
        for (file, lines) in toy.lines_of(key) {
            assert!(lines.is_subset(&whole[file]), "{key} {file}");
        }
    }
}

#[test]
fn every_value_of_the_board_changes_some_line() {
    let (_, written) = load_written(&InMemory::new().with("toy", TOY), "toy").unwrap();
    let toy = toy();
    for fact in written.facts() {
        assert!(!toy.lines_of(&fact.path).is_empty(), "{}", fact.path);
    }
}
