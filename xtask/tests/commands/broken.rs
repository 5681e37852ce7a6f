//! Tests that an invalid board file does not prevent work on the other boards.

use std::fs;
use std::process::{Command, Output};

use crate::repository::Repository;
use xtask::boards;
use xtask::transport;
use xtask::workspace::Workspace;

fn xtask(repository: &Repository, words: &[&str]) -> (bool, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(words)
        .current_dir(repository.root())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Returns a repository in which one more board has a broken file, and the name of a valid board.
fn with_a_broken_board() -> (Repository, String) {
    let workspace = Workspace::find().unwrap();
    let has_devices = |name: &String| {
        let board = boards::load(&workspace, name).unwrap();
        !transport::is_console_only(&board)
    };
    let mut names = boards::names(&workspace).unwrap().into_iter();
    let sound = names.find(has_devices).unwrap();
    let repository = Repository::new();
    let broken = "schema = 1\n[board]\nname = \"broken\"\n";
    fs::write(repository.root().join("boards/broken.toml"), broken).unwrap();
    (repository, sound)
}

fn status_of_generated(repository: &Repository) -> String {
    repository.git(&["status", "--porcelain", "generated"])
}

#[test]
fn the_list_shows_the_other_boards_and_names_the_broken_one() {
    let (repository, sound) = with_a_broken_board();
    let (succeeds, list, said) = xtask(&repository, &["list"]);
    assert!(succeeds && list.contains(&sound), "{list}{said}");
    assert!(!list.contains("broken"), "{list}");
    assert!(said.contains("the board `broken` is left out"), "{said}");
    assert!(said.contains("boards/broken.toml:2:1"), "{said}");
}

#[test]
fn why_works_for_the_other_boards() {
    let (repository, sound) = with_a_broken_board();
    let (succeeds, answer, said) = xtask(&repository, &["why", "memory.stack"]);
    assert!(succeeds && answer.contains(&sound), "{answer}{said}");
}

#[test]
fn diff_reports_the_other_boards_and_the_error() {
    let (repository, sound) = with_a_broken_board();
    let path = format!("boards/{sound}.toml");
    repository.edit(&path, "stack = \"256 KiB\"", "stack = \"512 KiB\"");
    let (succeeds, told, said) = xtask(&repository, &["diff", "HEAD"]);
    assert!(succeeds, "{said}");
    assert!(told.contains("memory.stack +256 KiB"), "{told}");
    assert!(
        told.contains("broken: its description has a mistake"),
        "{told}"
    );
}

#[test]
fn generating_another_board_does_not_change_shared_files() {
    let (repository, sound) = with_a_broken_board();
    let (succeeds, _, said) = xtask(&repository, &["gen", &sound]);
    assert!(succeeds, "{said}");
    assert_eq!(status_of_generated(&repository), "");
}

#[test]
fn a_broken_board_keeps_its_generated_files() {
    let (repository, sound) = with_a_broken_board();
    let names = boards::names(&Workspace::find().unwrap()).unwrap();
    let other = names.iter().find(|name| **name != sound).unwrap();
    let path = format!("boards/{other}.toml");
    repository.edit(&path, "schema = 1", "schema = 1\nnonsense = 1");
    let (succeeds, _, said) = xtask(&repository, &["gen", &sound]);
    assert!(succeeds, "{said}");
    assert_eq!(status_of_generated(&repository), "");
}
