//! The debugger: the two commands that would be run, and what gdb would be given.

use std::process::{Command, Output, Stdio};

use xtask::boards;
use xtask::debug::gdb_script;
use xtask::install::in_path;
use xtask::workspace::Workspace;

fn debug(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("debug")
        .args(arguments)
        .output()
        .unwrap()
}

fn board() -> String {
    boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0)
}

/// The two lines that a dry run prints.
fn dry_run(arguments: &[&str]) -> (String, String) {
    let output = debug(&[&[board().as_str(), "--dry-run"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let (qemu, debugger) = lines.trim_end().split_once('\n').unwrap();
    (qemu.to_owned(), debugger.to_owned())
}

#[test]
fn the_machine_waits_for_a_debugger_on_this_computer_only() {
    let (qemu, debugger) = dry_run(&[]);
    assert!(qemu.contains(" -S -gdb tcp:127.0.0.1:"), "{qemu}");
    assert!(debugger.starts_with("gdb"), "{debugger}");
}

#[test]
fn commands_to_execute_come_last_and_end_the_debugger() {
    let (_, debugger) = dry_run(&["--execute", "vmos tasks"]);
    assert!(debugger.ends_with(" -ex 'vmos tasks' -batch"), "{debugger}");
}

#[test]
fn lldb_reaches_the_port_that_the_machine_listens_on() {
    let (qemu, debugger) = dry_run(&["--lldb"]);
    let port = qemu.rsplit(':').next().unwrap();
    let reached = format!("'gdb-remote 127.0.0.1:{port}'");
    assert!(debugger.starts_with("lldb "), "{debugger}");
    assert!(debugger.contains(&reached), "{debugger}");
}

#[test]
fn an_unknown_board_gets_the_list_of_boards() {
    let output = debug(&["nosuch"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&board()), "{said}");
}

#[test]
fn every_board_comes_to_commands_that_python_understands() {
    for board in boards::load_all(&Workspace::find().unwrap()).unwrap() {
        let script = gdb_script(&board, 1234, &[("app::task".to_owned(), 0x1000)]);
        for claim in &board.ranges {
            assert!(script.contains(&format!("({:?}, ", claim.key)), "{script}");
        }
        let (_, python) = script.split_once("\npython\n").unwrap();
        let (python, _) = python.split_once("\nend\n").unwrap();
        if !in_path("python3") {
            continue;
        }
        let compile = "import sys; compile(sys.stdin.read(), 'vmos.py', 'exec')";
        let mut checked = Command::new("python3")
            .args(["-c", compile])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = checked.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, python.as_bytes()).unwrap();
        drop(input);
        assert!(checked.wait().unwrap().success(), "{}", board.name);
    }
}
