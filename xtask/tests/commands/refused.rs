//! Tests what commands refuse on boards with a console only and for apps that are processes, and how
//! they say so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use vmos_codegen::Board;
use vmos_codegen::board::Architecture;
use xtask::boards;
use xtask::transport::is_console_only;
use xtask::workspace::Workspace;

fn xtask(arguments: &[&str]) -> Output {
    xtask_in(Path::new("."), arguments)
}

fn xtask_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Returns the error for invalid arguments; checks that the exit status is 2 and stdout is empty.
fn refusal(arguments: &[&str]) -> String {
    refusal_in(Path::new("."), arguments)
}

fn refusal_in(folder: &Path, arguments: &[&str]) -> String {
    let output = xtask_in(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty());
    said
}

fn all() -> Vec<Board> {
    boards::load_all(&Workspace::find().unwrap()).unwrap()
}

#[test]
fn an_option_without_effect_on_the_kernel_names_the_boot_protocol_of_the_board() {
    for board in all().iter().filter(|board| !board.boot.leaves_a_table) {
        for option in [["--log", "debug"], ["--append", "x"], ["--memory", "16M"]] {
            let said = refusal(&["run", &board.name, option[0], option[1], "--dry-run"]);
            let expected = format!("because [{}] ", board.boot.key);
            assert!(said.contains(&expected), "{said}");
            let is_elf = board.boot.key == "boot.elf";
            assert_eq!(said.contains("device-tree"), is_elf, "{said}");
        }
    }
}

#[test]
fn a_folder_cannot_be_shared_with_a_board_that_has_a_console_only() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for board in all().iter().filter(|board| is_console_only(board)) {
        let said = refusal(&["run", &board.name, "--share", folder, "--dry-run"]);
        assert!(said.contains("--share: "), "{said}");
    }
}

#[test]
fn a_disk_of_a_process_is_checked_as_one_of_a_board() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "a text").unwrap();
    let run = ["run", "hosted", "--app", "hello", "--disk"];
    let said = refusal(&[&run[..], &[text.to_str().unwrap()]].concat());
    assert!(said.contains("no multiple of 512"), "{said}");
    for more in [&["a,b.img"][..], &["a,b.img", "--dry-run"]] {
        let said = refusal(&[&run[..], more].concat());
        assert!(said.contains("must have no comma"), "{said}");
    }
    assert_eq!(fs::read_to_string(&text).unwrap(), "a text");
}

#[test]
fn a_board_cannot_have_the_name_of_what_runs_instead_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let import = ["import", "--qemu-machine", "virt", "--arch", "arm64"];
    for arguments in [
        &["new", "hosted", "--from", "some"][..],
        &[&import[..], &["--name", "hosted"]].concat(),
    ] {
        let said = refusal_in(folder.path(), arguments);
        assert!(said.contains("cannot be named `hosted`"), "{said}");
    }
}

#[test]
fn a_command_about_boards_names_those_for_a_process() {
    for arguments in [
        &["verify", "hosted"][..],
        &["why", "hosted"],
        &["why", "hosted:console"],
        &["size", "hosted"],
        &["debug", "hosted"],
        &["audit", "hosted"],
        &["test", "hosted"],
        &["bench", "hosted"],
        &["profile", "hosted"],
        &["build", "hosted"],
        &["soak", "hosted"],
        &["gen", "hosted"],
        &["lint", "hosted"],
    ] {
        let said = refusal(arguments);
        assert!(said.contains("`hosted` has no board file"), "{said}");
        assert!(said.contains("cargo xtask run hosted"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// In place of a board of VMOS, it would be what the other boards of VMOS extend.
#[test]
fn a_board_of_a_project_cannot_have_the_name_of_one_of_vmos() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let project = ["new-project", "it", "--board"];
    let import = ["import", "--qemu-machine", "virt", "--arch", "arm64"];
    let names = boards::names(&Workspace::find().unwrap()).unwrap();
    for name in names.iter().map(String::as_str) {
        let extends = format!("my-{name} --from {name}`");
        for (arguments, way_out) in [
            (
                [&project[..], &[name]].concat(),
                format!("`--board {extends}"),
            ),
            (
                [&project[..], &[name, "--from", "virt-rv32"]].concat(),
                format!("`--board {extends}"),
            ),
            (
                vec!["new", name, "--from", "virt-rv32"],
                format!("`cargo xtask new {extends}"),
            ),
            (
                [&import[..], &["--name", name]].concat(),
                format!("`--name my-{name}`"),
            ),
        ] {
            let said = refusal_in(folder.path(), &arguments);
            assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
            for expected in [format!("VMOS has a board `{name}`"), way_out] {
                assert!(said.contains(&expected), "{arguments:?}: {said}");
            }
            for left in ["it", "boards", "generated"] {
                assert!(!folder.path().join(left).exists(), "{arguments:?}");
            }
        }
    }
}

#[test]
fn every_architecture_can_be_imported() {
    let said = refusal(&["import", "--qemu-machine", "x", "--arch", "nosuch"]);
    let (_, list) = said.split_once("expected one of ").unwrap();
    let words = list.lines().next().unwrap().split(", ");
    let named: Vec<_> = words
        .map(|word| Architecture::named(word).unwrap())
        .collect();
    for architecture in Architecture::ALL {
        assert!(named.contains(architecture), "{architecture}: {said}");
    }
}

#[test]
fn an_interrupt_is_found_by_what_its_board_writes() {
    let mut tried = BTreeSet::new();
    for board in all() {
        let list = xtask(&["why", "interrupt", "4000000000", "--board", &board.name]);
        let list = String::from_utf8(list.stderr).unwrap();
        // `  26: `console.cmsdk-uart.interrupt`, irq 10`
        for line in list.lines().filter(|line| line.starts_with("  ")) {
            let Some((number, rest)) = line.trim().split_once(": `") else {
                continue;
            };
            let Some((key, written)) = rest.split_once("`, ") else {
                continue;
            };
            let written = written.strip_prefix("from ").unwrap_or(written);
            let number = number.split(' ').next().unwrap();
            // Lines of PCI are a list of interrupts.
            let is_one = !written.is_empty() && !written.starts_with('[');
            if !is_one || !tried.insert(written.to_owned()) {
                continue;
            }
            let output = xtask(&["why", written, "--board", &board.name]);
            let said = String::from_utf8(output.stdout).unwrap();
            let expected = format!("the controller's input {number}, claimed by `{key}`");
            assert!(said.contains(&expected), "{}: {line}: {said}", board.name);
        }
    }
}
