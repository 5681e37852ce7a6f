//! Tests the completions of shells: what a user gets who presses the tab key.

use std::fs;
use std::process::Command;

use xtask::boards;
use xtask::workspace::Workspace;

fn completions(shell: &str) -> String {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = xtask.args(["completions", shell]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns what bash offers for the last word of each line: nothing means names of files.
fn offered_by_bash(lines: &[&str]) -> Vec<Vec<String>> {
    const COMPLETE: &str = r#"
        source "$1"; shift
        for line; do
            COMP_WORDS=($line ""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _xtask xtask "" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}"
        done"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("completions");
    fs::write(&file, completions("bash")).unwrap();
    let mut bash = Command::new("bash");
    let output = bash
        .args(["-c", COMPLETE, "bash"])
        .arg(&file)
        .args(lines)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_argument_that_takes_a_name_knows_the_names() {
    let board = boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0);
    let lines = [
        ("xtask run", &*board),
        ("xtask run BOARD --app", "udp-echo"),
        ("xtask new it --from", &board),
        ("xtask new-project it --from", &board),
        ("xtask new-app it --like", "udp-echo"),
        ("xtask test BOARD --app", "udp-echo"),
        ("xtask size --app", "udp-echo"),
        ("xtask why it --board", &board),
        ("xtask simulate", "kv"),
        ("xtask explain", "E0012"),
    ];
    let offered = offered_by_bash(&lines.map(|(line, _)| line));
    for ((line, name), offered) in lines.iter().zip(&offered) {
        assert!(offered.iter().any(|it| it == name), "{line}: {offered:?}");
    }
    let simulated = &offered[8];
    assert!(
        !simulated.iter().any(|it| it == "udp-echo"),
        "{simulated:?}"
    );
}

#[test]
fn every_shell_gets_completions() {
    let board = boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0);
    for (shell, part) in [
        ("bash", "complete -F _xtask"),
        ("fish", "-c xtask"),
        ("zsh", "#compdef xtask"),
    ] {
        let said = completions(shell);
        for word in [part, "new-project", &board, "udp-echo"] {
            assert!(said.contains(word), "{shell}, {word}: {said}");
        }
    }
}

#[test]
fn completions_of_run_know_apps_that_are_processes() {
    let said = completions("fish");
    for (command, expected) in [("run", true), ("build", false)] {
        let of = format!("__fish_xtask_using_subcommand {command}\"");
        let mut lines = said.lines().filter(|line| line.contains(&of));
        assert_eq!(
            lines.any(|line| line.contains("hosted")),
            expected,
            "{said}"
        );
    }
}
