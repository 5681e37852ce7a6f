//! Tests the program that builds the commands first, with a stand-in for cargo.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;
use xtask::workspace::cargo;

/// The program, compiled into a temporary folder.
fn start(folder: &TempDir) -> std::path::PathBuf {
    let program = folder.path().join("start");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/start/src/main.rs");
    let rustc = Command::new("rustc")
        .args(["--edition", "2024", source, "-o"])
        .arg(&program)
        .status();
    assert!(rustc.unwrap().success());
    program
}

/// Runs the program with a shell script as cargo.
fn with_cargo(folder: &TempDir, start: &std::path::Path, script: &str) -> Output {
    let cargo = folder.path().join("cargo");
    let text = folder.path().join("cargo.sh");
    fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
    // Another process writes the program: Linux does not execute a file that is open for writing, and a process
    // that another test starts at this moment has the open files of this one for a while.
    let installed = Command::new("install")
        .args(["-m", "755"])
        .arg(&text)
        .arg(&cargo)
        .status();
    assert!(installed.unwrap().success());
    Command::new(start)
        .args(["commands", "list", "--flag"])
        .env("CARGO", &cargo)
        .output()
        .unwrap()
}

#[test]
fn a_build_speaks_and_a_finished_one_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let start = start(&folder);
    let finished = "    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.05s";
    let cargo = |building: &str| {
        format!(r#"if [ $1 = build ]; then {building} else echo "$@"; exit 7; fi"#)
    };
    let idle = with_cargo(&folder, &start, &cargo(&format!("echo '{finished}' >&2;")));
    assert_eq!(String::from_utf8_lossy(&idle.stderr), "");
    let command = "run --quiet --package commands -- list --flag\n";
    assert_eq!(String::from_utf8_lossy(&idle.stdout), command);
    assert_eq!(idle.status.code(), Some(7));
    let building = format!("echo '   Compiling a v1' >&2; echo '{finished}' >&2;");
    let busy = with_cargo(&folder, &start, &cargo(&building));
    let said = String::from_utf8_lossy(&busy.stderr).into_owned();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].contains("building the commands"), "{said}");
    assert_eq!(lines[1], "   Compiling a v1");
    let failed = with_cargo(&folder, &start, "echo 'error: no' >&2; exit 101");
    assert_eq!(String::from_utf8_lossy(&failed.stderr), "error: no\n");
    assert_eq!(failed.status.code(), Some(101));
}

#[test]
fn the_alias_starts_the_commands_through_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let settings = fs::read_to_string(format!("{root}/.cargo/config.toml")).unwrap();
    let alias = "xtask = \"run --quiet --package xtask-start -- xtask\"";
    assert!(settings.contains(alias), "{settings}");
    let metadata = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    assert!(metadata.contains("\"name\":\"xtask-start\""));
}
