//! `cargo xtask diff` in a repository of its own, a copy of this workspace.

mod repository;

use std::fs;
use std::process::{Command, Output};

use repository::Repository;

/// A board that another one extends, both read from the copy.
const PARENT: &str = "virt-arm64";
const HEIR: &str = "virt-arm64-gicv2";

fn run(repository: &Repository, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(words)
        .current_dir(repository.root())
        .output()
        .unwrap()
}

/// What `diff` says.
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
fn another_fact_is_told_in_the_words_of_the_board_for_all_that_inherit_it() {
    let repository = Repository::new();
    repository.edit(
        &board(PARENT),
        "interrupt = { spi = 1 }",
        "interrupt = { spi = 9 }",
    );
    let told = diff(&repository, &[]);
    let expected = format!("{PARENT}, {HEIR}: console.pl011.interrupt spi 1 -> spi 9");
    assert!(told.contains(&expected), "{told}");
    assert!(told.contains("changes by board.rs"), "{told}");
}

#[test]
fn more_memory_is_told_by_how_much() {
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
fn the_other_boards_are_proved_to_be_the_same() {
    let repository = Repository::new();
    repository.edit(&board(HEIR), "size = \"8 KiB\"", "size = \"64 KiB\"");
    let told = diff(&repository, &[]);
    assert!(
        told.contains(&format!("{HEIR}: board.md, board.rs, memory.svg changed")),
        "{told}"
    );
    let same: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("byte by byte"))
        .collect();
    assert!(
        matches!(same[..], [line] if line.contains(PARENT) && !line.contains(HEIR)),
        "{told}"
    );
}

#[test]
fn another_order_another_wording_and_a_comment_are_no_change() {
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

/// Puts another board in the place of the heir: the same but for its name, and an edit.
fn replace_heir(repository: &Repository, old: &str, new: &str) {
    let folder = repository.root().join("boards");
    let text = fs::read_to_string(folder.join(format!("{HEIR}.toml"))).unwrap();
    let renamed = text.replace(&format!("name = \"{HEIR}\""), "name = \"another\"");
    assert!(renamed.contains(old), "{old}");
    fs::write(folder.join("another.toml"), renamed.replace(old, new)).unwrap();
    fs::remove_file(folder.join(format!("{HEIR}.toml"))).unwrap();
}

#[test]
fn boards_that_are_new_or_gone_are_told() {
    let repository = Repository::new();
    replace_heir(&repository, "size = \"8 KiB\"", "size = \"64 KiB\"");
    let told = diff(&repository, &[]);
    assert!(told.contains("another: a new board"), "{told}");
    assert!(
        told.contains(&format!("{HEIR}: the board is gone")),
        "{told}"
    );
    let images = told.split("Images").nth(1).unwrap();
    assert!(images.contains("nothing that goes into it"), "{told}");
}

#[test]
fn a_board_under_another_name_is_told_as_that() {
    let repository = Repository::new();
    replace_heir(&repository, "", "");
    let told = diff(&repository, &[]);
    let expected = format!("another: {HEIR} under another name");
    assert!(told.contains(&expected), "{told}");
    assert!(!told.contains("is gone"), "{told}");
}

#[test]
fn a_source_of_the_kernel_may_change_every_image() {
    let repository = Repository::new();
    let folder = repository.root().join("kernel/src");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("new.rs"), "//! New.\n").unwrap();
    let told = diff(&repository, &[]);
    assert!(told.contains("may change by kernel/src/new.rs"), "{told}");
    assert!(told.contains("the boards say what they said"), "{told}");
}

#[test]
fn a_branch_is_compared_with_where_it_left_main() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.edit(
        &board(PARENT),
        "[memory]\n",
        "[memory]\nstack = \"128 KiB\"\n",
    );
    repository.commit("more stack");
    let told = diff(&repository, &[]);
    assert!(told.contains("the merge base with main"), "{told}");
    assert!(
        told.contains("memory.stack +64 KiB (64 KiB -> 128 KiB)"),
        "{told}"
    );
    assert!(diff(&repository, &["HEAD"]).contains("virt-arm64"));
    assert!(!diff(&repository, &["HEAD"]).contains("memory.stack"));
}

#[test]
fn what_is_for_a_pull_request_is_markdown() {
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
fn nothing_in_the_working_tree_is_touched() {
    let repository = Repository::new();
    repository.edit(
        &board(PARENT),
        "[memory]\n",
        "[memory]\nstack = \"128 KiB\"\n",
    );
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
fn a_revision_that_there_is_not_is_refused() {
    let repository = Repository::new();
    for revision in ["nosuch", "HEAD~99", "--", "HEAD:boards"] {
        let output = run(&repository, &["diff", "--", revision]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{revision}: {said}");
        assert!(said.contains("is no commit of this repository"), "{said}");
    }
}

#[test]
fn what_a_commit_says_in_a_way_not_understood_now_is_told() {
    let repository = Repository::new();
    repository.edit(&board(HEIR), "schema = 1", "schema = 0");
    repository.commit("an old schema");
    repository.edit(&board(HEIR), "schema = 0", "schema = 1");
    let told = diff(&repository, &["HEAD"]);
    let expected = format!("{HEIR}: what it said then is not understood now");
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn a_workspace_in_no_repository_is_told_so() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.root().join(".git")).unwrap();
    let output = run(&repository, &["diff"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("in no git repository"), "{said}");
}
