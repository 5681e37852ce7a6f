//! Tests what the commands print where: into a pipe whose reader leaves, onto a full disk.

use std::process::{Command, Output};

use xtask::boards;
use xtask::workspace::Workspace;

/// Returns the name of any board.
fn board() -> String {
    boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0)
}

/// Returns the output of a shell script that runs the program as `$0`.
fn script(script: &str) -> Output {
    Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_xtask")])
        .output()
        .unwrap()
}

/// Tests commands of every way to print: tables, completions, help, diagnostics and messages.
#[test]
fn a_reader_that_leaves_ends_no_command() {
    let board = board();
    let commands = [
        "list".to_owned(),
        "completions bash".to_owned(),
        "explain".to_owned(),
        "--help".to_owned(),
        format!("run {board} --dry-run"),
        format!("gen --check {board}"),
    ];
    for command in commands {
        // The reader has left before the first byte, and the program's own output has no buffer.
        let closed = format!(r#"{{ sleep 0.3; "$0" {command}; echo "status $?" >&2; }} | true"#);
        let said = String::from_utf8(script(&closed).stderr).unwrap();
        assert_eq!(said, "status 0\n", "{command}");
    }
    // The messages to the terminal go to the same pipe.
    let closed = r#"{ sleep 0.3; "$0" run nosuch; echo "status $?" >&3; } 3>&2 2>&1 | true"#;
    let said = String::from_utf8(script(closed).stderr).unwrap();
    assert_eq!(said, "status 2\n");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("not run: this system has no /dev/full");
        return;
    }
    for command in ["list", "explain", "completions zsh"] {
        let output = script(&format!(r#""$0" {command} > /dev/full"#));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("cannot write to stdout: No space"), "{said}");
    }
}
