//! `cargo xtask new-project`: the new repository is complete and runs. All tests call the command
//! in a folder outside this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use xtask::boards;
use xtask::install;
use xtask::target;
use xtask::workspace::Workspace;

/// Runs the command in a folder. It shares the build folder of this repository, so that external
/// crates are not compiled again.
fn xtask(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", here().target)
        .output()
        .unwrap()
}

fn here() -> Workspace {
    Workspace::find().unwrap()
}

/// Returns the output of a command that must succeed.
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = xtask(folder, arguments);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the error of a command that must fail with this exit status.
fn refusal(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = xtask(folder, arguments);
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{complaints}");
    complaints
}

/// Returns a board of VMOS.
fn sibling() -> String {
    boards::names(&here()).unwrap().remove(0)
}

/// Creates a repository with the board `mine`, which extends `sibling`.
fn project(sibling: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["new-project", "it", "--board", "mine", "--from", sibling];
    said(folder.path(), &arguments);
    let project = folder.path().join("it");
    (folder, project)
}

#[test]
fn a_new_repository_is_complete_and_its_generated_code_is_up_to_date() {
    let (_folder, project) = project(&sibling());
    assert!(said(&project, &["gen", "--check"]).contains("up to date"));
    let list = said(&project, &["list"]);
    assert!(list.contains("mine ") && list.contains("hello "), "{list}");
    assert!(!list.contains(&format!("\n{} ", sibling())), "{list}");
}

#[test]
fn a_new_repository_runs() {
    let sibling = sibling();
    let board = boards::load(&here(), &sibling).unwrap();
    let (_folder, project) = project(&sibling);
    if !install::in_path(&target::qemu_program(&board)) {
        // `cargo xtask test` installs missing programs before this test runs.
        eprintln!("not run: the QEMU of {sibling} is not installed");
        return;
    }
    let console = said(&project, &["run", "mine", "--without", "rng,disk,net"]);
    assert!(console.contains("hello from mine"), "{console}");
}

#[test]
fn a_folder_with_files_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("work"), "mine").unwrap();
    let complaint = refusal(folder.path(), &["new-project", "."], 2);
    assert!(complaint.contains("is not empty"), "{complaint}");
}

#[test]
fn a_repository_inside_vmos_is_rejected() {
    let root = here().root;
    let folder = tempfile::tempdir_in(&root).unwrap();
    let path = folder.path().to_str().unwrap();
    let complaint = refusal(&root, &["new-project", path], 2);
    assert!(complaint.contains("choose a folder outside"), "{complaint}");
}

#[test]
fn a_new_board_equals_the_board_that_it_extends() {
    let (_folder, project) = project(&sibling());
    let told = said(&project, &["new", "other", "--from", "mine"]);
    assert!(told.contains("cargo xtask run other"), "{told}");
    assert!(said(&project, &["gen", "--check"]).contains("up to date"));
    let rust = |board: &str| {
        let path = project.join("generated").join(board).join("board.rs");
        let text = fs::read_to_string(path).unwrap();
        let facts = text.lines().filter(|line| line.contains("0x"));
        facts.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rust("mine"), rust("other"));
}

#[test]
fn an_existing_board_is_never_overwritten() {
    let (_folder, project) = project(&sibling());
    let path = project.join("boards/mine.toml");
    let before = fs::read(&path).unwrap();
    let complaint = refusal(&project, &["new", "mine", "--from", &sibling()], 2);
    assert!(complaint.contains("already exists"), "{complaint}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_unknown_board_to_extend_is_an_error() {
    let (_folder, project) = project(&sibling());
    let complaint = refusal(&project, &["new", "other", "--from", "mien"], 2);
    assert!(complaint.contains("did you mean `mine`?"), "{complaint}");
    assert!(!project.join("boards/other.toml").exists());
}

#[test]
fn an_invalid_name_is_reported_before_anything_is_written() {
    let (_folder, project) = project(&sibling());
    let complaint = refusal(&project, &["new", "Other_one", "--from", "mine"], 1);
    assert!(complaint.contains("cannot be a name"), "{complaint}");
    assert!(!project.join("boards/Other_one.toml").exists());
}
