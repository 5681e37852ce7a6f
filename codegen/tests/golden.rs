//! What boards come to, byte by byte: made-up ones with one feature each against the reviewed files
//! under `tests/golden/`, and the real ones against `generated/`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p vmos-codegen --test golden` writes the former anew.

#[path = "golden/cases.rs"]
mod cases;
mod fixture;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use vmos_codegen::emit;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn each_feature_comes_to_the_reviewed_files() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = String::new();
    for (case, board, names) in cases::cases() {
        let directory = workspace().join("tests/golden").join(case);
        let files = emit::board(&board).unwrap();
        for name in names {
            let path = directory.join(name);
            if update {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, &files[name]).unwrap();
            }
            let reviewed = fs::read_to_string(&path).unwrap_or_default();
            if reviewed != files[name] {
                let diff = similar::TextDiff::from_lines(&reviewed, &files[name]);
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
fn no_golden_file_is_left_over() {
    let cases = cases::cases();
    for case in fs::read_dir(workspace().join("tests/golden")).unwrap() {
        let case = case.unwrap();
        let name = case.file_name().into_string().unwrap();
        let Some((_, _, names)) = cases.iter().find(|(case, ..)| *case == name) else {
            panic!("tests/golden/{name} is of no case");
        };
        for file in fs::read_dir(case.path()).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            assert!(
                names.contains(&&*file),
                "tests/golden/{name}/{file} is of no case"
            );
        }
    }
}

#[test]
fn rustfmt_would_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = vec![];
    let cases = cases::cases().into_iter().map(|(_, board, _)| board);
    for (number, board) in cases.chain(cases::widths()).enumerate() {
        let path = directory.path().join(format!("{number}.rs"));
        fs::write(&path, &emit::board(&board).unwrap()["board.rs"]).unwrap();
        files.push(path);
    }
    for (name, text) in emit::index::emit(&["a-board", "another"]).unwrap() {
        // lib.rs names modules that are not there, which rustfmt would follow.
        if name == "build.rs" {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            files.push(path);
        }
    }
    let config = workspace().join("rustfmt.toml");
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(config)
        .args(files)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
