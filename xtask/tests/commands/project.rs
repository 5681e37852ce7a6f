//! Tests that a repository created by `cargo xtask new-project` is complete and runs. All tests run
//! the command in a folder outside this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;
use xtask::boards;
use xtask::install;
use xtask::target;
use xtask::transport;
use xtask::workspace::Workspace;

use crate::dialogue;
use crate::shared_build::{alone, command};

/// Runs the command in a folder.
fn xtask(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
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

/// Returns the board of VMOS that a new repository's board extends if no other one is named: the first
/// one with virtio devices.
fn sibling() -> String {
    let workspace = here();
    let has_devices = |name: &String| {
        let board = boards::load(&workspace, name).unwrap();
        !transport::is_console_only(&board)
    };
    let mut names = boards::names(&workspace).unwrap().into_iter();
    names.find(has_devices).unwrap()
}

/// Creates a repository with the board `mine`, which extends `sibling`.
fn project(sibling: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "new-project",
        "it",
        "--path",
        "--board",
        "mine",
        "--from",
        sibling,
    ];
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
fn a_new_repository_is_a_git_repository() {
    let (_folder, project) = project(&sibling());
    // Without git there is none.
    let has_git = install::in_path("git");
    assert_eq!(project.join(".git").is_dir(), has_git);
}

#[test]
fn a_new_app_is_complete_and_does_not_change_the_default_app() {
    let (_folder, project) = project(&sibling());
    let before = said(&project, &["run", "mine", "--dry-run"]);
    let told = said(
        &project,
        &["new-app", "another", "--description", "Tries it"],
    );
    assert!(told.contains("apps/another/src/main.rs"), "{told}");
    said(&project, &["new-app", "third", "--like", "another"]);
    assert_eq!(said(&project, &["run", "mine", "--dry-run"]), before);
    let list = said(&project, &["list"]);
    for app in ["another", "third"] {
        assert!(list.contains(app), "{list}");
        let words = ["run", "mine", "--app", app, "--dry-run"];
        assert!(said(&project, &words).contains(app));
    }
    for (name, expected) in [
        ("another", "already a package"),
        ("No", "not a valid app name"),
    ] {
        let complaint = refusal(&project, &["new-app", name], 2);
        assert!(complaint.contains(expected), "{complaint}");
    }
    let complaint = refusal(&project, &["new-app", "x", "--like", "anoter"], 2);
    assert!(complaint.contains("did you mean `another`?"), "{complaint}");
}

#[test]
fn the_board_of_a_new_repository_extends_one_with_devices() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["new-project", "it", "--path", "--board", "mine"];
    let answer = said(folder.path(), &arguments);
    let extends = format!("which extends {}\n", sibling());
    assert!(answer.contains(&extends), "{answer}");
}

/// Whether the QEMU of the example board is installed.
fn has_example_machine() -> bool {
    let board = boards::load(&here(), "virt-arm64").unwrap();
    let has = install::in_path(&target::qemu_program(&board));
    if !has {
        eprintln!("not run: the QEMU of virt-arm64 is not installed");
    }
    has
}

#[test]
fn a_part_of_the_repository_is_checked_and_verified() {
    let (_folder, project) = project("virt-arm64");
    let board = project.join("boards/buttons.toml");
    let text = fs::read_to_string(&board).unwrap();
    let with = |old: &str, new: &str| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        fs::write(&board, text.replace(old, new)).unwrap();
    };
    with("values.button = 3", "values.button = 8");
    let told = refusal(&project, &["gen"], 1);
    assert!(told.contains("must be a number from 0 to 7"), "{told}");
    assert!(told.contains("boards/buttons.toml:14:17"), "{told}");
    assert!(told.contains("parts/pl061.toml"), "{told}");
    with("pl061\"  ", "pl06\"   ");
    let told = refusal(&project, &["gen"], 1);
    assert!(told.contains("there is no parts/pl06.toml"), "{told}");
    fs::write(&board, &text).unwrap();
    let told = said(&project, &["why", "0x0903_0000", "--board", "buttons"]);
    assert!(told.contains("part.power.registers.gpio"), "{told}");
    if !has_example_machine() {
        return;
    }
    said(&project, &["verify", "buttons"]);
    with("0x0903_0000\n", "0x0903_1000\n");
    let told = refusal(&project, &["verify", "buttons"], 1);
    assert!(told.contains("part.power.registers.gpio"), "{told}");
    with("spi = 7", "spi = 9");
    let told = refusal(&project, &["verify", "buttons"], 1);
    assert!(told.contains("part.power.interrupts.lines"), "{told}");
}

#[test]
fn a_part_of_the_repository_raises_its_interrupt() {
    if !has_example_machine() {
        return;
    }
    let _alone = alone();
    let (_folder, project) = project("virt-arm64");
    let words = ["run", "buttons", "--app", "button"];
    let mut run = command(&project, &words);
    run.args(["--without", "rng,disk,net"]);
    let (succeeded, console) = dialogue::run(&mut run, |line| {
        if line.contains("waiting for the power button") {
            // Ctrl-A C leads to QEMU's monitor, and back.
            b"\x01csystem_powerdown\n\x01c"
        } else {
            b""
        }
    });
    assert!(succeeded, "{console}");
    assert!(console.contains("was pressed"), "{console}");
    assert!(console.contains("was released"), "{console}");
}

#[test]
fn a_folder_with_files_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("work"), "mine").unwrap();
    let complaint = refusal(folder.path(), &["new-project", "."], 2);
    assert!(complaint.contains("is not empty"), "{complaint}");
}

#[test]
fn nothing_is_left_of_a_repository_that_cannot_be_created() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        ["new-project", "a/b", "--from", "nosuch"],
        ["new-project", "a/b", "--board", "No"],
    ] {
        let output = xtask(folder.path(), &arguments);
        assert!(!output.status.success());
        assert!(!folder.path().join("a").exists(), "{arguments:?}");
    }
    // A folder that was there stays.
    fs::create_dir(folder.path().join("mine")).unwrap();
    let arguments = ["new-project", "mine/it", "--from", "nosuch"];
    refusal(folder.path(), &arguments, 2);
    let left = fs::read_dir(folder.path().join("mine")).unwrap();
    assert_eq!(left.count(), 0);
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
    let format = ["--message-format", "json"];
    let output = xtask(
        &project,
        &[&["new", "Other_one", "--from", "mine"], &format[..]].concat(),
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(
        lines.starts_with('{') && lines.contains("cannot be a name"),
        "{lines}"
    );
    assert!(!project.join("boards/Other_one.toml").exists());
}

/// Returns the code blocks of a page with this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let pieces = page.split("```").skip(1).step_by(2);
    let begins = format!("{language}\n");
    pieces
        .filter_map(|piece| piece.strip_prefix(&begins))
        .map(str::to_owned)
        .collect()
}

/// Follows docs/first-app.md: runs every command, but only with `--dry-run` for machines, except
/// for the last one, which runs the code of the page. The project is in a folder with a space in its name,
/// reached through a link, and the environment has flags for programs of the host.
#[test]
fn the_page_about_the_first_app_works() {
    let root = here().root;
    let page = fs::read_to_string(root.join("docs/first-app.md")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let (place, link) = (outside.path().join("a place"), outside.path().join("link"));
    fs::create_dir(&place).unwrap();
    std::os::unix::fs::symlink(&place, &link).unwrap();
    let project = link.join("my-project");
    let code = blocks(&page, "rust");
    let commands = blocks(&page, "console").concat();
    let commands: Vec<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert!(commands.len() >= 4 && code.len() == 1);
    let (last, others) = commands.split_last().unwrap();
    for command in others {
        let words: Vec<&str> = command.split(' ').collect();
        match &*words {
            ["cd", folder] => assert!(
                outside
                    .path()
                    .join("vmos")
                    .join(folder)
                    .ends_with("my-project")
            ),
            ["cargo", "xtask", "new-project", _, rest @ ..] => {
                let target = project.to_str().unwrap();
                // The commit that is tested may be nowhere else.
                said(&root, &[&["new-project", target, "--path"], rest].concat());
            }
            ["cargo", "xtask", "run", rest @ ..] => {
                said(&project, &[&["run"], rest, &["--dry-run"]].concat());
            }
            ["cargo", "xtask", rest @ ..] => drop(said(&project, rest)),
            _ => panic!("the page has a command that is not known here: {command}"),
        }
    }
    fs::write(project.join("apps/ticker/src/main.rs"), &code[0]).unwrap();
    let words: Vec<&str> = last.split(' ').skip(2).collect();
    if !has_example_machine() {
        return;
    }
    let _alone = alone();
    let mut run = command(&project, &words);
    run.args(["--without", "rng,disk,net"])
        .env("RUSTFLAGS", "-C relocation-model=pic")
        .env("CARGO_BUILD_TARGET", "no-such-target");
    let (succeeded, console) = dialogue::run(&mut run, |_| b"");
    assert!(succeeded, "{console}");
    assert!(
        console.contains("my-board has been up for 5 s"),
        "{console}"
    );
}
