//! Compares the generated files of made-up boards byte by byte.
//!
//! A case is a directory under `tests/golden/`: `board.toml` shows one feature, and beside it are
//! the expected files that the feature affects. To add a case, write its `board.toml`, create empty
//! files with the names of those that matter, and run `UPDATE_GOLDEN=1 cargo test -p vmos-codegen
//! --test golden`, which fills them. Review the result.

mod fixture;

use std::process::Command;
use std::{env, fs};

use fixture::{board, smallest, workspace};
use vmos_codegen::{Board, emit};

/// The names of the cases.
fn cases() -> Vec<String> {
    let cases = fs::read_dir(workspace().join("tests/golden")).unwrap();
    let mut cases: Vec<String> = cases
        .map(|case| case.unwrap().file_name().into_string().unwrap())
        .collect();
    cases.sort();
    cases
}

/// Tests a board for every width of a line in `board.rs` near the limit at which rustfmt breaks it.
fn widths() -> impl Iterator<Item = Board> {
    (1..50).map(|width| {
        let mut board = smallest();
        let key = format!("a.{}", "b".repeat(width));
        board.ranges[0].key.clone_from(&key);
        board.ranges[1].key = key;
        board.title = "c".repeat(2 * width);
        board
    })
}

#[test]
fn each_case_gives_the_reviewed_files() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = String::new();
    for case in cases() {
        let files = emit::board(&board(&case)).unwrap();
        for entry in fs::read_dir(workspace().join("tests/golden").join(&case)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "board.toml" {
                continue;
            }
            let Some(text) = files.get(name) else {
                panic!("tests/golden/{case}/{name}: no board generates a file of this name");
            };
            let reviewed = fs::read_to_string(&path).unwrap();
            if reviewed == *text {
                continue;
            }
            if update {
                fs::write(&path, text).unwrap();
            } else {
                let diff = similar::TextDiff::from_lines(&reviewed, text);
                let from = format!("tests/golden/{case}/{name}");
                wrong += &diff.unified_diff().header(&from, "now").to_string();
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "if this is meant, set UPDATE_GOLDEN=1 and review:\n{wrong}"
    );
}

#[test]
fn rustfmt_would_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = vec![];
    let boards = cases().into_iter().map(|case| board(&case)).chain(widths());
    for (number, board) in boards.enumerate() {
        let path = directory.path().join(format!("{number}.rs"));
        fs::write(&path, &emit::board(&board).unwrap()["board.rs"]).unwrap();
        files.push(path);
    }
    for (name, text) in emit::index::emit(&["a-board", "another"]).unwrap() {
        // lib.rs refers to modules that do not exist here, and rustfmt would follow them.
        if name == "build.rs" {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            files.push(path);
        }
    }
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(workspace().join("rustfmt.toml"))
        .args(files)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
