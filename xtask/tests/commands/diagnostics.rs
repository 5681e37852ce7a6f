//! Tests the output for errors in board files, in each format, and the output of `explain`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use vmos_codegen::diagnostic::Code;

/// A valid board, which each test changes.
const BOARD: &str = include_str!("../../../codegen/src/diagnostic/explain/base.toml");

/// Creates a workspace with one board, `base`, in which `old` is replaced by `new`.
fn workspace(old: &str, new: &str) -> TempDir {
    assert!(BOARD.contains(old), "{old}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("boards")).unwrap();
    fs::write(
        folder.path().join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("boards/base.toml"),
        BOARD.replace(old, new),
    )
    .unwrap();
    folder
}

fn xtask(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn explain(arguments: &[&str]) -> Output {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask(here, &[&["explain"], arguments].concat())
}

#[test]
fn an_error_fails_and_nothing_is_written() {
    let folder = workspace("count = 8", "count = 0");
    let output = xtask(folder.path(), &["gen"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert!(said.contains("error[E0019]: "), "{said}");
    assert!(said.contains("--> boards/base.toml:49:9"), "{said}");
    assert!(
        said.ends_with("1 error; details: cargo xtask explain E0019\n"),
        "{said}"
    );
    assert!(!folder.path().join("generated").exists());
}

#[test]
fn piped_output_has_no_colour() {
    let folder = workspace("count = 8", "count = 0");
    let output = xtask(folder.path(), &["gen"]);
    assert!(!output.stderr.contains(&0x1b));
    assert!(!explain(&["E0019"]).stdout.contains(&0x1b));
}

#[test]
fn json_is_one_object_per_line() {
    let folder = workspace("count = 8", "count = 0\nstrid = 1");
    let output = xtask(folder.path(), &["gen", "--message-format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let places: Vec<(String, u64, u64)> = text(&output.stdout)
        .lines()
        .map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = |key: &str| object[key].as_u64().unwrap();
            let code = object["code"].as_str().unwrap().to_owned();
            (code, number("line"), number("column"))
        })
        .collect();
    assert_eq!(
        places,
        [("E0019".to_owned(), 49, 9), ("E0010".to_owned(), 50, 1)]
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn github_gets_one_annotation_per_error() {
    let folder = workspace("count = 8", "count = 0");
    let output = xtask(folder.path(), &["--message-format=github", "gen"]);
    let said = text(&output.stdout);
    assert!(
        said.starts_with("::error file=boards/base.toml,line=49,col=9,endLine=49,endColumn=9,"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn stdout_is_empty_for_programs_if_there_is_no_error() {
    let folder = workspace("count = 8", "count = 4");
    let output = xtask(folder.path(), &["gen", "--message-format", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn an_outdated_file_is_reported_in_the_format_too() {
    let folder = workspace("count = 8", "count = 4");
    assert!(xtask(folder.path(), &["gen"]).status.success());
    let path = folder.path().join("generated/base/qemu.args");
    let right = fs::read_to_string(&path).unwrap();
    fs::write(path, right.replace("64M", "32M")).unwrap();
    let output = xtask(
        folder.path(),
        &["gen", "--check", "--message-format", "github"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(
        said.starts_with("::error file=generated/base/qemu.args,line="),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let output = xtask(
        folder.path(),
        &["gen", "--check", "--message-format", "json"],
    );
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["file"], "generated/base/qemu.args");
}

#[test]
fn an_unknown_format_is_an_error_with_the_known_formats() {
    let folder = workspace("count = 8", "count = 4");
    let output = xtask(folder.path(), &["gen", "--message-format", "xml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("[possible values: human, json, github]"));
}

#[test]
fn a_code_is_explained_with_the_diagnostic_of_its_example() {
    for written in ["E0012", "e12"] {
        let output = explain(&[written]);
        let said = text(&output.stdout);
        assert!(output.status.success());
        assert!(
            said.starts_with("E0012: a value of the wrong type\n"),
            "{said}"
        );
        assert!(
            said.contains("error[E0012]: `virtio-mmio.count` must be"),
            "{said}"
        );
    }
}

#[test]
fn without_a_code_all_codes_are_listed() {
    let said = text(&explain(&[]).stdout);
    assert_eq!(said.lines().count(), Code::ALL.len());
    assert!(said.contains("E0033  two ranges that overlap\n"), "{said}");
}

#[test]
fn an_unknown_code_gets_a_suggestion() {
    let output = explain(&["E0112"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("no diagnostic has the code `E0112`; did you mean `E0012`?"),
        "{said}"
    );
    assert!(
        said.contains("`cargo xtask explain` lists all codes"),
        "{said}"
    );
}
