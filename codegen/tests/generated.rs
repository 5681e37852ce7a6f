//! Tests that `generated/` matches the boards under `boards/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};
use vmos_codegen::source::InMemory;
use vmos_codegen::tree::{Plan, Stale};
use vmos_codegen::{Board, board_names, load, load_from};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn generated_files_match_the_boards() {
    let names = board_names(&workspace()).unwrap();
    let boards: Vec<Board> = names
        .iter()
        .map(|name| {
            let board = load(&workspace(), name);
            board.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
        })
        .collect();
    let stale = Plan::all(&boards)
        .unwrap()
        .check(&workspace().join("generated"))
        .unwrap();
    assert!(stale.is_empty(), "\n{}", Stale::report(&stale));
}

/// Returns the files of `virt-arm64` and of the board that extends it, after `change` of the text
/// of `virt-arm64`.
fn plan(change: impl FnOnce(&str) -> String) -> Plan {
    let text = |name: &str| {
        fs::read_to_string(workspace().join("boards").join(format!("{name}.toml"))).unwrap()
    };
    let (parent, child) = ("virt-arm64", "virt-arm64-gicv2");
    let sources = InMemory::new()
        .with(parent, change(&text(parent)))
        .with(child, text(child));
    let boards = [parent, child].map(|name| {
        let board = load_from(&sources, name);
        board.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    });
    Plan::all(&boards).unwrap()
}

/// Returns the lines that differ, by file: removed ones after `-`, added ones after `+`, without
/// the padding of tables.
fn changes(before: &Plan, after: &Plan) -> BTreeMap<String, Vec<String>> {
    let mut changes = BTreeMap::new();
    for (path, old) in before.files() {
        let lines: Vec<String> = TextDiff::from_lines(old, &after.files()[path])
            .iter_all_changes()
            .filter_map(|change| {
                let sign = match change.tag() {
                    ChangeTag::Delete => "-",
                    ChangeTag::Insert => "+",
                    ChangeTag::Equal => return None,
                };
                let words: Vec<&str> = change.value().split_whitespace().collect();
                Some(format!("{sign}{}", words.join(" ")))
            })
            .collect();
        if !lines.is_empty() {
            changes.insert(path.clone(), lines);
        }
    }
    changes
}

#[test]
fn another_base_of_the_console_changes_its_lines_and_the_gaps_around_it() {
    let before = plan(str::to_owned);
    let after = plan(|text| text.replacen("base = 0x0900_0000", "base = 0x0900_8000", 1));
    let board_rs = [
        r#"-const CONSOLE_PL011: Region = Region::at("console.pl011", 0x0900_0000, 0x1000);"#,
        r#"+const CONSOLE_PL011: Region = Region::at("console.pl011", 0x0900_8000, 0x1000);"#,
    ];
    let with_gic_v3 = [
        "-| 0x0900_0000 | 0x0900_0FFF | 4 KiB | `console.pl011` |",
        "-| | | 60 KiB | not described |",
        "+| | | 32 KiB | not described |",
        "+| 0x0900_8000 | 0x0900_8FFF | 4 KiB | `console.pl011` |",
        "+| | | 28 KiB | not described |",
    ];
    let with_gic_v2 = [
        "-| | | 15.8 MiB | not described |",
        "-| 0x0900_0000 | 0x0900_0FFF | 4 KiB | `console.pl011` |",
        "-| | | 60 KiB | not described |",
        "+| | | 15.9 MiB | not described |",
        "+| 0x0900_8000 | 0x0900_8FFF | 4 KiB | `console.pl011` |",
        "+| | | 28 KiB | not described |",
    ];
    let lines = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    let expected = BTreeMap::from([
        (
            String::from("virt-arm64-gicv2/board.md"),
            lines(&with_gic_v2),
        ),
        (String::from("virt-arm64-gicv2/board.rs"), lines(&board_rs)),
        (String::from("virt-arm64/board.md"), lines(&with_gic_v3)),
        (String::from("virt-arm64/board.rs"), lines(&board_rs)),
    ]);
    // In the picture, the console's row moves down past a left-out device.
    let (pictures, others): (BTreeMap<_, _>, BTreeMap<_, _>) = changes(&before, &after)
        .into_iter()
        .partition(|(path, _)| path.ends_with(".svg"));
    assert_eq!(others, expected);
    for (path, lines) in pictures {
        let of_console = lines.iter().filter(|line| line.contains("console.pl011"));
        assert_eq!(of_console.count(), 2, "{path}: {lines:#?}");
        assert!(
            lines
                .iter()
                .all(|line| line[1..].starts_with("<rect class=")),
            "{path}"
        );
    }
}

#[test]
fn a_comment_at_the_top_of_a_board_file_changes_nothing() {
    let before = plan(str::to_owned);
    assert_eq!(plan(|text| format!("# Reviewed today.\n\n{text}")), before);
}
