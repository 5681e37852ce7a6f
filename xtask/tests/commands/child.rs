//! Tests that a program started by a command ends with the command, even after SIGKILL.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the program would run. It holds the pipe that the test reads to the end.
const TIME: Duration = Duration::from_secs(30);

/// Starts a shell that runs `script`, kills it after its first line, and returns whether what it
/// started ended early.
fn ends_with_its_parent(script: &str) -> bool {
    let started = Instant::now();
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    shell.kill().unwrap();
    shell.wait().unwrap();
    output.read_to_string(&mut line).unwrap();
    started.elapsed() < TIME / 2
}

#[test]
fn a_program_ends_when_its_parent_is_killed() {
    let xtask = env!("CARGO_BIN_EXE_xtask");
    let program = format!("sh -c 'echo started; exec sleep {}'", TIME.as_secs());
    let script = format!("'{xtask}' --end-with-parent $$ {program} & wait");
    assert!(ends_with_its_parent(&script));
}

#[test]
fn a_program_whose_parent_has_ended_is_not_started() {
    let xtask = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["--end-with-parent", "1", "echo", "started"])
        .output()
        .unwrap();
    assert!(!xtask.status.success());
    assert_eq!(xtask.stdout, b"");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let script = format!(
        "'{}' --end-with-parent $$ /no/such/program; exit $?",
        env!("CARGO_BIN_EXE_xtask")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot start /no/such/program"), "{said}");
}
