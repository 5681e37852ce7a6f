//! Tests `extends` and `without`.

use super::TOY;
use crate::diagnostic::{Code, Diagnostics, Problems};
use crate::language::tree::Value;
use crate::source::{FileId, InMemory};
use crate::{Board, description, load_from};

/// Returns the board `child`, which extends `toy`.
fn child(text: &str) -> InMemory {
    InMemory::new().with("toy", TOY).with("child", text)
}

const HEAD: &str = "schema = 1\nextends = \"toy\"\n[board]\nname = \"child\"\n";

fn load(sources: &InMemory) -> Result<Board, Diagnostics> {
    load_from(sources, "child")
}

/// Returns the code, path, line and column of each error of `child`.
fn told(sources: &InMemory) -> Vec<(Code, String, usize, usize)> {
    let told = load(sources).expect_err("an error is reported");
    told.iter()
        .map(|one| {
            let (path, line, column) = told.position(one.primary.at);
            (one.code, path.to_owned(), line, column)
        })
        .collect()
}

fn in_child(code: Code, line: usize, column: usize) -> Vec<(Code, String, usize, usize)> {
    vec![(code, "boards/child.toml".to_owned(), line, column)]
}

#[test]
fn a_child_shows_only_what_differs() {
    let board = load(&child(&format!(
        "{HEAD}[console.pl011]\nclock = \"48 MHz\"\n"
    )))
    .unwrap();
    assert_eq!(board.name, "child");
    assert_eq!(board.title, "A toy");
    assert_eq!(board.sources, ["boards/child.toml", "boards/toy.toml"]);
    let part = board.console.part;
    assert_eq!(part.card, "PL011, 48 MHz, baud rate set by firmware");
    assert_eq!(part.registers[0].base, 0x2000_0000);
}

#[test]
fn another_driver_takes_the_place_of_the_inherited_one() {
    let board = load(&child(&format!(
        "{HEAD}[interrupt-controller.gic-v2]\ndistributor = {{ base = 0x1000_0000 }}\n\
         cpu-interface = {{ base = 0x1001_0000 }}\nv2m = {{ base = 0x1002_0000 }}\n\
         [pci.ecam]\nmsi = \"v2m\"\n"
    )));
    let controller = board.unwrap().interrupt_controller;
    assert_eq!(controller.part.key, "interrupt-controller.gic-v2");
}

#[test]
fn an_inherited_value_that_does_not_fit_another_driver_is_reported_there() {
    let sources = child(&format!(
        "{HEAD}[interrupt-controller.gic-v2]\ndistributor = {{ base = 0x1000_0000 }}\n\
         cpu-interface = {{ base = 0x1001_0000 }}\n"
    ));
    assert_eq!(
        told(&sources),
        [(Code::MsiMismatch, "boards/child.toml".to_owned(), 5, 1)]
    );
}

#[test]
fn several_ways_to_stop_are_merged() {
    let sources = InMemory::new()
        .with("toy", TOY.replace("[power.psci]\nconduit = \"hvc\"", ""))
        .with("child", format!("{HEAD}[power.psci]\nconduit = \"smc\"\n"));
    assert_eq!(load(&sources).unwrap().power.len(), 2);
}

#[test]
fn an_interrupt_is_one_value() {
    let sources = child(&format!(
        "{HEAD}[console.pl011]\ninterrupt = {{ spi = 2, trigger = \"edge\" }}\n"
    ));
    let claims = load(&sources).unwrap().interrupts;
    let console = claims
        .iter()
        .find(|claim| claim.key == "console.pl011.interrupt")
        .unwrap();
    assert_eq!(console.what.number, 34);
}

#[test]
fn a_value_that_was_overridden_is_remembered() {
    let sources = child(&format!("{HEAD}[console.pl011]\nclock = \"48 MHz\"\n"));
    let mut problems = Problems::default();
    let loaded = description::inherit::load(&sources, "child", &mut problems).unwrap();
    let Value::Table(root) = &loaded.root.value else {
        panic!("not a table")
    };
    let clock = root.find("console.pl011.clock").unwrap();
    assert_eq!(clock.node.at.file, FileId(0));
    let old = clock.overridden[0];
    assert_eq!((clock.overridden.len(), old.file), (1, FileId(1)));
    assert_eq!(&TOY[old.start..old.end], "\"24 MHz\"");
}

#[test]
fn an_error_in_the_parent_is_reported_there() {
    let sources = InMemory::new()
        .with("toy", TOY.replace("count = 8", "count = 0"))
        .with("child", HEAD);
    assert_eq!(
        told(&sources),
        [(Code::BadNumber, "boards/toy.toml".to_owned(), 49, 9)]
    );
}

#[test]
fn two_places_in_two_files_are_both_shown() {
    let sources = child(&format!("{HEAD}[console.pl011]\nbase = 0x3000_0000\n"));
    let text = load(&sources).unwrap_err().render(false);
    assert!(text.contains("--> boards/child.toml:6:8"), "{text}");
    assert!(text.contains("::: boards/toy.toml:47:8"), "{text}");
}

#[test]
fn errors_of_the_own_file_come_first() {
    let sources = InMemory::new()
        .with("toy", TOY.replace("count = 8", "count = 0"))
        .with("child", format!("{HEAD}[console.pl011]\nclock = 1\n"));
    let files: Vec<String> = told(&sources).into_iter().map(|one| one.1).collect();
    assert_eq!(files, ["boards/child.toml", "boards/toy.toml"]);
}

#[test]
fn a_missing_parent_is_reported_once() {
    let sources = child("schema = 1\nextends = \"toi\"\n[board]\nname = \"child\"\n");
    assert_eq!(told(&sources), in_child(Code::ExtendsUnknown, 2, 11));
    assert!(
        load(&sources)
            .unwrap_err()
            .render(false)
            .contains("did you mean `toy`?")
    );
}

#[test]
fn a_cycle_is_reported_once() {
    let sources = InMemory::new()
        .with(
            "child",
            "schema = 1\nextends = \"other\"\n[board]\nname = \"child\"\n",
        )
        .with("other", "schema = 1\nextends = \"child\"\n");
    let told = told(&sources);
    assert_eq!(
        told,
        [(Code::ExtendsCycle, "boards/other.toml".to_owned(), 2, 11)]
    );
}

#[test]
fn a_file_that_extends_itself_is_reported() {
    let sources = child("schema = 1\nextends = \"child\"\n[board]\nname = \"child\"\n");
    assert_eq!(told(&sources), in_child(Code::ExtendsCycle, 2, 11));
}

#[test]
fn fragments_extend_fragments() {
    let (first, rest) = TOY.split_once("[qemu]").unwrap();
    let sources = InMemory::new()
        .with("bottom", format!("schema = 1\n[qemu]{rest}"))
        .with(
            "middle",
            "schema = 1\nextends = \"bottom\"\n[console.pl011]\nclock = \"1 MHz\"\n",
        )
        .with(
            "child",
            first
                .replace("schema = 1", "schema = 1\nextends = \"middle\"")
                .replace("toy", "child"),
        );
    let board = load(&sources).unwrap();
    assert_eq!(
        board.sources,
        [
            "boards/child.toml",
            "boards/middle.toml",
            "boards/bottom.toml"
        ]
    );
}

#[test]
fn a_board_has_a_name_of_its_own() {
    let sources = child("schema = 1\nextends = \"toy\"\n[board]\ntitle = \"A child\"\n");
    assert_eq!(told(&sources), in_child(Code::NameMismatch, 3, 1));
}

#[test]
fn a_child_without_a_board_is_a_fragment() {
    let sources = child("schema = 1\nextends = \"toy\"\n");
    assert_eq!(told(&sources), in_child(Code::NotABoard, 1, 1));
}

#[test]
fn without_removes_inherited_tables_and_keys() {
    let without =
        |paths: &str| child(&HEAD.replace("[board]", &format!("without = [{paths}]\n[board]")));
    let board = load(&without("\"pci\", \"memory.reserved.firmware\"")).unwrap();
    assert_eq!((board.pci, board.memory.reserved), (None, Vec::new()));
    // Required keys are still reported as missing, at the entry that removes them.
    assert_eq!(
        told(&without("\"timer\"")),
        in_child(Code::MissingKey, 3, 12)
    );
}

#[test]
fn a_removed_table_can_be_described_again() {
    let sources = child(
        &format!("{HEAD}[console.pl011]\nbase = 0x0\nclock = \"1 MHz\"\n")
            .replace("[board]", "without = [\"console\"]\n[board]"),
    );
    let console = load(&sources).unwrap().console;
    assert_eq!(console.interrupt, None);
}

#[test]
fn only_inherited_tables_can_be_removed() {
    let sources = child(&HEAD.replace("[board]", "without = [\"pci.ecan\"]\n[board]"));
    assert_eq!(told(&sources), in_child(Code::WithoutUnknown, 3, 12));
    assert!(
        load(&sources)
            .unwrap_err()
            .render(false)
            .contains("did you mean `pci.ecam`?")
    );
}

#[test]
fn a_misspelt_extends_gets_a_suggestion_and_no_missing_key_is_reported() {
    let sources = child("schema = 1\nextend = \"toy\"\n[board]\nname = \"child\"\n");
    assert_eq!(told(&sources), in_child(Code::UnknownKey, 2, 1));
}

#[test]
fn the_schema_of_every_file_counts() {
    let sources = InMemory::new()
        .with("toy", TOY.replace("schema = 1", "schema = 7"))
        .with("child", HEAD);
    assert_eq!(
        told(&sources),
        [(Code::SchemaVersion, "boards/toy.toml".to_owned(), 1, 10)]
    );
}
