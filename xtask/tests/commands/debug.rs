//! Tests `cargo xtask debug`: the command lines that it would run, and gdb's output on a running
//! machine.

use std::process::{Command, Output, Stdio};

use xtask::boards;
use xtask::debug::gdb_script;
use xtask::install::{gdb_program, in_path};
use xtask::target;
use xtask::transport;
use xtask::workspace::Workspace;

use crate::shared_build::alone;

fn debug(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("debug")
        .args(arguments)
        .output()
        .unwrap()
}

/// Returns the first board whose machine has only a console, or the first one whose machine has devices.
fn board(is_console_only: bool) -> String {
    let workspace = Workspace::find().unwrap();
    let is_meant = |name: &String| {
        let board = boards::load(&workspace, name).unwrap();
        transport::is_console_only(&board) == is_console_only
    };
    let mut names = boards::names(&workspace).unwrap().into_iter();
    names.find(is_meant).unwrap()
}

/// Returns the two lines that a dry run prints.
fn dry_run(arguments: &[&str]) -> (String, String) {
    dry_run_on(&board(false), arguments)
}

fn dry_run_on(board: &str, arguments: &[&str]) -> (String, String) {
    let output = debug(&[&[board, "--dry-run"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let (qemu, debugger) = lines.trim_end().split_once('\n').unwrap();
    (qemu.to_owned(), debugger.to_owned())
}

#[test]
fn the_machine_waits_for_a_debugger_on_the_loopback_address() {
    let (qemu, debugger) = dry_run(&[]);
    assert!(qemu.contains(" -S -gdb tcp:127.0.0.1:"), "{qemu}");
    assert!(debugger.starts_with("gdb"), "{debugger}");
}

#[test]
fn a_machine_with_only_a_console_gets_no_devices() {
    let (qemu, debugger) = dry_run_on(&board(true), &["--app", "hello"]);
    assert!(
        !qemu.contains("-netdev user") && !qemu.contains("virtio"),
        "{qemu}"
    );
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
    assert!(said.contains(&board(false)), "{said}");
}

#[test]
fn the_commands_of_every_board_are_valid_python() {
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

/// Runs the board's machine under gdb until the kernel has slept some fifty times, with an app that
/// always has a pending timer: it ends after 2 s of the machine's time, and a stop of the debugger may
/// take 30 ms on a busy host; returns gdb's output, or `None` if gdb is not installed.
/// `architecture` is the kernel's module for the board's processor.
fn session(board: &str, architecture: &str, commands: &[&str]) -> Option<String> {
    let described = boards::load(&Workspace::find().unwrap(), board).unwrap();
    for program in [gdb_program(), &target::qemu_program(&described)] {
        if !in_path(program) {
            eprintln!("not run: {program} is not installed");
            return None;
        }
    }
    let _alone = alone();
    // When the processor sleeps, all tasks wait.
    let sleep = format!("break vmos::arch::{architecture}::interrupts::wait_for_interrupt");
    let before = [&*sleep, "ignore $bpnum 50", "continue"];
    let mut arguments = vec![board, "--app", "bench", "--append", "bench=timer"];
    for command in before.iter().chain(commands) {
        arguments.extend(["--execute", command]);
    }
    let output = debug(&arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    Some(said)
}

/// Checks that each of `lines` is in the output, ignoring differences in spaces.
fn shows(said: &str, lines: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<String> = said.lines().map(words).collect();
    for line in lines {
        assert!(
            said.iter().any(|shown| shown.ends_with(line)),
            "{line:?} is not in\n{}",
            said.join("\n")
        );
    }
}

/// Checks the commands that show the kernel's state, whose output is the same on every board.
const KERNEL: [&str; 3] = ["vmos tasks", "vmos timers", "vmos queues"];
const DOES: [&str; 7] = [
    "waiting bench::vmos_app_task",
    "not started bench::net::connection",
    "ns bench::vmos_app_task",
    "in flight free available used queue",
    "entropy.queue",
    "disks[0].queue",
    "256 0 256 0 network.nic.receive.queue",
];

#[test]
fn gdb_shows_the_devices_and_the_kernel_of_a_64_bit_arm() {
    let devices = ["vmos regions", "vmos registers"];
    let more = ["vmos registers console", "vmos registers distributor"];
    let commands = [&devices[..], &more, &KERNEL].concat();
    let Some(said) = session("virt-arm64", "aarch64", &commands) else {
        return;
    };
    shows(&said, &DOES);
    shows(
        &said,
        &[
            "0x000009000000 0x1000 bytes console.pl011",
            "console.pl011 at 0x9000000",
            // Bits that depend on received data or the baud rate are not compared; the UART is
            // idle.
            "UARTFR 0x00000090",
            "UARTLCR_H 0x00000070",
            "interrupt-controller.gic-v3.distributor at 0x8000000",
            "GICD_IIDR 0x0000043b",
        ],
    );
}

#[test]
#[ignore = "builds an image"]
fn gdb_shows_the_devices_and_the_kernel_of_a_64_bit_risc_v() {
    let devices = ["vmos regions", "vmos registers"];
    let more = ["vmos registers console", "vmos registers plic"];
    let commands = [&devices[..], &more, &KERNEL].concat();
    let Some(said) = session("virt-rv64", "riscv", &commands) else {
        return;
    };
    shows(&said, &DOES);
    shows(
        &said,
        &[
            "0x000010000000 0x100 bytes console.ns16550",
            "console.ns16550 at 0x10000000",
            "LCR 0x03",
            "interrupt-controller.plic at 0xc000000",
            // The three devices and the console, in the context of S mode.
            "priority10 0x00000001",
            "S enable0 0x000005c0",
            "S threshold 0x00000000",
            "M enable0 0x00000000",
        ],
    );
}
