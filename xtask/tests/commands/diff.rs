//! Tests `cargo xtask diff` in a copy of this workspace that is a separate git repository.

use std::fs;
use std::process::{Command, Output};

use crate::repository::Repository;

/// A board, and another one that extends it; both are read from the copy.
const PARENT: &str = "virt-arm64";
const HEIR: &str = "virt-arm64-gicv2";

fn run(repository: &Repository, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(words)
        .current_dir(repository.root())
        .output()
        .unwrap()
}

/// Returns the output of `diff`.
fn diff(repository: &Repository, words: &[&str]) -> String {
    let output = run(repository, &[&["diff"], words].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

fn board(name: &str) -> String {
    format!("boards/{name}.toml")
}

#[test]
fn a_changed_fact_is_shown_for_all_boards_that_inherit_it() {
    let repository = Repository::new();
    repository.edit(
        &board(PARENT),
        "interrupt = { spi = 1 }",
        "interrupt = { spi = 9 }",
    );
    let told = diff(&repository, &[]);
    let expected = format!("{PARENT}, {HEIR}: console.pl011.interrupt spi 1 -> spi 9");
    assert!(told.contains(&expected), "{told}");
    assert!(told.contains("changes, because of board.rs"), "{told}");
}

#[test]
fn a_changed_size_shows_the_difference() {
    let repository = Repository::new();
    repository.edit(
        &board(PARENT),
        "memory = \"128 MiB\"",
        "memory = \"256 MiB\"",
    );
    let told = diff(&repository, &[]);
    assert!(
        told.contains("memory.ram +128 MiB (128 MiB -> 256 MiB)"),
        "{told}"
    );
}

#[test]
fn the_other_boards_are_shown_as_unchanged() {
    let repository = Repository::new();
    repository.edit(&board(HEIR), "size = \"8 KiB\"", "size = \"64 KiB\"");
    let told = diff(&repository, &[]);
    assert!(
        told.contains(&format!("{HEIR}: board.md, board.rs, memory.svg changed")),
        "{told}"
    );
    let same: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("byte-identical"))
        .collect();
    assert!(
        matches!(same[..], [line] if line.contains(PARENT) && !line.contains(HEIR)),
        "{told}"
    );
}

#[test]
fn order_notation_and_comments_are_no_change() {
    let repository = Repository::new();
    let path = board(PARENT);
    repository.edit(&path, "schema = 1\n", "# Looked at again.\nschema = 1\n");
    repository.edit(
        &path,
        "base = 0x0900_0000\n",
        "base = 0x9000000 # the UART\n",
    );
    repository.edit(&path, "clock = \"24 MHz\"", "clock = \"24000 kHz\"");
    repository.edit(
        &path,
        "stride = 0x200\ncount = 32\n",
        "count = 32\nstride = \"512 bytes\"\n",
    );
    let told = diff(&repository, &[]);
    assert!(told.contains("no change: "), "{told}");
    assert!(diff(&repository, &["--markdown"]).contains("**No change:**"));
}

/// Replaces the extending board by one with another name and an edit.
fn replace_heir(repository: &Repository, old: &str, new: &str) {
    let folder = repository.root().join("boards");
    let text = fs::read_to_string(folder.join(format!("{HEIR}.toml"))).unwrap();
    let renamed = text.replace(&format!("name = \"{HEIR}\""), "name = \"another\"");
    assert!(renamed.contains(old), "{old}");
    fs::write(folder.join("another.toml"), renamed.replace(old, new)).unwrap();
    fs::remove_file(folder.join(format!("{HEIR}.toml"))).unwrap();
}

#[test]
fn added_and_removed_boards_are_shown() {
    let repository = Repository::new();
    replace_heir(&repository, "size = \"8 KiB\"", "size = \"64 KiB\"");
    let told = diff(&repository, &[]);
    assert!(told.contains("another: a new board"), "{told}");
    assert!(
        told.contains(&format!("{HEIR}: the board was removed")),
        "{told}"
    );
    let images = told.split("Images").nth(1).unwrap();
    assert!(images.contains("no input differs"), "{told}");
}

#[test]
fn a_renamed_board_is_shown_as_renamed() {
    let repository = Repository::new();
    replace_heir(&repository, "", "");
    let told = diff(&repository, &[]);
    let expected = format!("another: renamed from {HEIR}");
    assert!(told.contains(&expected), "{told}");
    assert!(!told.contains("was removed"), "{told}");
}

#[test]
fn a_source_of_the_kernel_may_change_every_image() {
    let repository = Repository::new();
    let folder = repository.root().join("kernel/src");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("new.rs"), "//! New.\n").unwrap();
    let told = diff(&repository, &[]);
    assert!(
        told.contains("may change, because of kernel/src/new.rs"),
        "{told}"
    );
    assert!(told.contains("no fact differs"), "{told}");
}

#[test]
fn a_branch_is_compared_with_where_it_left_main() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.edit(&board(PARENT), "stack = \"128 KiB\"", "stack = \"512 KiB\"");
    repository.commit("more stack");
    let told = diff(&repository, &[]);
    assert!(told.contains("the merge base with main"), "{told}");
    assert!(
        told.contains("memory.stack +384 KiB (128 KiB -> 512 KiB)"),
        "{told}"
    );
    assert!(diff(&repository, &["HEAD"]).contains("virt-arm64"));
    assert!(!diff(&repository, &["HEAD"]).contains("memory.stack"));
}

#[test]
fn the_pull_request_format_is_markdown() {
    let repository = Repository::new();
    repository.edit(
        &board(PARENT),
        "interrupt = { spi = 1 }",
        "interrupt = { spi = 9 }",
    );
    let told = diff(&repository, &["--markdown"]);
    let expected = format!("- `{PARENT}`, `{HEIR}`: `console.pl011.interrupt spi 1 -> spi 9`");
    assert!(told.starts_with("### "), "{told}");
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn the_working_tree_is_not_changed() {
    let repository = Repository::new();
    repository.edit(&board(PARENT), "stack = \"128 KiB\"", "stack = \"512 KiB\"");
    let index = repository.root().join(".git/index");
    let before = (
        repository.git(&["status", "--porcelain"]),
        fs::read(&index).unwrap(),
    );
    diff(&repository, &["HEAD"]);
    let after = fs::read(&index).unwrap();
    assert_eq!((repository.git(&["status", "--porcelain"]), after), before);
}

#[test]
fn an_unknown_revision_is_an_error() {
    let repository = Repository::new();
    for revision in ["nosuch", "HEAD~99", "--", "HEAD:boards"] {
        let output = run(&repository, &["diff", "--", revision]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{revision}: {said}");
        assert!(
            said.contains("is not a commit of this repository"),
            "{said}"
        );
    }
}

#[test]
fn a_description_that_can_no_longer_be_read_is_reported() {
    let repository = Repository::new();
    repository.edit(&board(HEIR), "schema = 1", "schema = 0");
    repository.commit("an old schema");
    repository.edit(&board(HEIR), "schema = 0", "schema = 1");
    let told = diff(&repository, &["HEAD"]);
    let expected = format!("{HEIR}: its description in the commit can no longer be read");
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn a_workspace_outside_a_repository_is_an_error() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.root().join(".git")).unwrap();
    let output = run(&repository, &["diff"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not in a git repository"), "{said}");
}
