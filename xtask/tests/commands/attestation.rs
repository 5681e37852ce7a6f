//! Tests the kernel's boot log for board files that conflict with their machine.
//!
//! Each test creates a repository with one board that extends a board of VMOS. The new board has a
//! wrong RAM, console and timer, a wrong interrupt controller or a wrong way to power off, and runs on
//! the machine of the board that it extends. The code is the same for all of them, so some of the tests
//! run only with the others that build images (`cargo xtask test --all`).

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use vmos_codegen::Board;
use vmos_codegen::board::Range;
use vmos_codegen::language::hexadecimal;
use xtask::boards;
use xtask::install;
use xtask::target;
use xtask::workspace::Workspace;

use crate::dialogue;
use crate::shared_build::{alone, command};

/// Runs the command in a folder, and returns all its output, whether or not it succeeds.
fn xtask(folder: &Path, arguments: &[&str]) -> String {
    dialogue::run(&mut command(folder, arguments), |_| b"").1
}

/// The board file in a repository of [`project_like`].
const FILE: &str = "boards/wrong.toml";

/// Creates a repository in a folder, with a board that extends `name`.
fn project_like(name: &str, folder: &Path) -> PathBuf {
    let from = ["--path", "--board", "wrong", "--from", name];
    xtask(folder, &[&["new-project", "it"][..], &from].concat());
    folder.join("it")
}

/// Appends entries to a board file.
fn append(path: &Path, entries: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    write!(file, "\n{entries}").unwrap();
}

/// Returns an address at which the board has nothing.
fn nowhere(board: &Board) -> u64 {
    const ROOM: u64 = 16 << 20;
    let is_free = |base: &u64| {
        let taken = |range: &Range| range.base < base + ROOM && *base < range.base + range.size;
        !board.ranges.iter().any(|claim| taken(&claim.what))
    };
    (1..256)
        .rev()
        .map(|index| index * ROOM)
        .find(is_free)
        .unwrap()
}

/// Returns wrong entries for the board file: RAM, the console and the timer differ from the
/// machine.
fn mistakes(board: &Board, console: &str, timer: &str) -> String {
    let ram = &board.memory.ram[0];
    let size = (2 * board.qemu.memory) >> 20;
    format!(
        "[qemu]\nmemory = \"{size} MiB\"\n\
         [memory]\nram.{} = {{ base = {}, size = \"{size} MiB\" }}\n\
         [{console}]\nbase = {}\n\
         [{timer}]\nfrequency = \"1 MHz\"\n",
        ram.name,
        hexadecimal(ram.base),
        hexadecimal(nowhere(board)),
    )
}

/// Returns the board, if its QEMU is installed. `cargo xtask test` installs missing programs before
/// this test runs.
fn board_with_qemu(name: &str) -> Option<Board> {
    let board = boards::load(&Workspace::find().unwrap(), name).unwrap();
    let is_there = install::in_path(&target::qemu_program(&board));
    if !is_there {
        eprintln!("not run: the QEMU of {name} is not installed");
    }
    is_there.then_some(board)
}

fn says_what_is_wrong(name: &str, console: &str, timer: &str) {
    let Some(board) = board_with_qemu(name) else {
        return;
    };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let project = project_like(name, folder.path());
    let path = project.join(FILE);
    append(&path, &mistakes(&board, console, timer));
    let memory = format!("{}M", board.qemu.memory >> 20);
    let run = ["run", "wrong", "--without", "rng,disk,net", "--memory"];
    let said = xtask(&project, &[&run[..], &[&memory]].concat());
    for expected in [
        format!(
            "memory.ram.{}: the description says ",
            board.memory.ram[0].name
        ),
        format!("{console}.base: the description says "),
        format!("{timer}.frequency: the description says 1 MHz, "),
        "conflicts between board file and machine: 3;".to_owned(),
        // It continues with the values of the device tree.
        "hello from wrong".to_owned(),
    ] {
        assert!(
            said.contains(&expected),
            "{expected:?} is not in\n{said}\n{}",
            fs::read_to_string(&path).unwrap()
        );
    }
}

#[test]
fn conflicts_are_reported_on_64_bit_arm() {
    says_what_is_wrong("virt-arm64", "console.pl011", "timer.arm-generic");
}

#[test]
#[ignore = "builds an image"]
fn conflicts_are_reported_on_32_bit_arm() {
    says_what_is_wrong("virt-arm32", "console.pl011", "timer.arm-generic");
}

#[test]
#[ignore = "builds an image"]
fn conflicts_are_reported_on_64_bit_risc_v_in_s_mode() {
    says_what_is_wrong("virt-rv64", "console.ns16550", "timer.sstc");
}

#[test]
#[ignore = "builds an image"]
fn conflicts_are_reported_on_32_bit_risc_v_in_m_mode() {
    says_what_is_wrong("virt-rv32", "console.ns16550", "timer.clint");
}

/// The loader of this machine passes a tagged list, which contains no devices.
#[test]
#[ignore = "builds an image"]
fn a_gic_elsewhere_is_reported_where_firmware_has_no_tables() {
    if board_with_qemu("vexpress-a9").is_none() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let project = project_like("vexpress-a9", folder.path());
    // The machine ignores accesses to an address without a device.
    let entries = "[interrupt-controller.gic-v2]\ndistributor.base = 0x1E00_5000\n";
    append(&project.join(FILE), entries);
    let said = xtask(&project, &["run", "wrong", "--without", "rng,disk,net"]);
    let expected =
        "cannot start: the timer raises no interrupt: see [timer], [interrupt-controller] and";
    assert!(said.contains(expected), "{said}");
}

/// Runs the board until it has printed the report. The processor is parked at the end, so the test
/// stops the machine.
#[test]
fn a_machine_that_cannot_be_powered_off_reports_that() {
    if board_with_qemu("virt-arm64").is_none() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let project = project_like("virt-arm64", folder.path());
    let path = project.join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let without = "without = [\"power.semihosting\"]\n\n[board]";
    let text = text.replacen("[board]", without, 1) + "\n[power.psci]\nconduit = \"smc\"\n";
    fs::write(&path, text).unwrap();
    let expected = "the machine cannot be powered off: see [power] in the board file";
    let mut run = command(&project, &["run", "wrong", "--without", "rng,disk,net"]);
    // Ctrl-A X ends QEMU.
    let (_, text) = dialogue::run(&mut run, |line| {
        if line.contains(expected) {
            b"\x01x"
        } else {
            b""
        }
    });
    assert!(text.contains(expected), "{text}");
    // The fault is reported once.
    assert_eq!(text.matches("panic: ").count(), 1, "{text}");
}
