//! Runs machines that no board file in the repository describes, from their imported descriptions.
//!
//! Each test creates a repository, imports a machine into it, and runs the repository's app there.
//! `VMOS_QEMU` selects the version of QEMU. The images take minutes to build, so the tests are
//! ignored except by `cargo xtask test --all`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xtask::boards;
use xtask::install;
use xtask::transport::is_console_only;
use xtask::workspace::Workspace;

use crate::dialogue;
use crate::shared_build::{alone, command};

/// Runs the command in a folder and returns all its output.
fn xtask(folder: &Path, arguments: &[&str]) -> String {
    dialogue::run(&mut command(folder, arguments), |_| b"").1
}

/// Creates a repository in a temporary folder.
fn project() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    // The apps of a project need devices.
    let sibling = boards.into_iter().find(|board| !is_console_only(board));
    let sibling = sibling.expect("a board with devices").name;
    let new = [
        "new-project",
        "it",
        "--path",
        "--board",
        "other",
        "--from",
        &sibling,
    ];
    xtask(folder.path(), &new);
    let project = folder.path().join("it");
    (folder, project)
}

/// Returns whether the QEMU of an architecture, in its own spelling, is installed.
fn has_emulator(architecture: &str) -> bool {
    let is_there = install::in_path(&format!("qemu-system-{architecture}"));
    if !is_there {
        eprintln!("not run: the QEMU of {architecture} is not installed");
    }
    is_there
}

/// Imports a machine and runs an app on it, with one processor and with two.
fn runs_from_its_draft(machine: &str, architecture: &str, options: &[&str]) {
    let emulator = match architecture {
        "arm32" => "arm",
        "arm64" => "aarch64",
        other => other,
    };
    if !has_emulator(emulator) {
        return;
    }
    let _alone = alone();
    let (_folder, project) = project();
    import(&project, machine, architecture, options);
    for processors in ["1", "2"] {
        run(&project, &["--smp", processors]);
    }
}

/// Imports a machine as the board `imported`.
fn import(project: &Path, machine: &str, architecture: &str, options: &[&str]) {
    let name = ["--name", "imported"];
    let import = ["import", "--qemu-machine", machine, "--arch", architecture];
    let said = xtask(project, &[&import[..], &name, options].concat());
    assert!(said.contains("the board file matches"), "{said}");
}

/// Runs the app on the board `imported`, and checks that the kernel has no complaints.
fn run(project: &Path, options: &[&str]) {
    // With a network, the app would serve it for ever.
    let run = ["run", "imported", "--without", "net"];
    let said = xtask(project, &[&run[..], options].concat());
    assert!(said.contains("hello from imported"), "{said}");
    let complaints = ["ERROR", "WARN", "conflict"];
    let is_clean = complaints.iter().all(|word| !said.contains(word));
    assert!(is_clean, "{said}");
}

/// Imports a RISC-V machine with two sockets of two harts each, and runs an app whose devices raise
/// sources of the second socket's interrupt controller.
fn runs_on_two_sockets(machine: &str, architecture: &str, options: &[&str]) {
    if !has_emulator(architecture) {
        return;
    }
    let _alone = alone();
    let (_folder, project) = project();
    let mut all = vec!["--memory", "128M"];
    for word in [
        "-smp",
        "4,sockets=2",
        "-object",
        "memory-backend-ram,id=ram0,size=64M",
        "-object",
        "memory-backend-ram,id=ram1,size=64M",
        "-numa",
        "node,memdev=ram0",
        "-numa",
        "node,memdev=ram1",
    ] {
        all.extend(["--qemu-arg", word]);
    }
    import(
        &project,
        machine,
        architecture,
        &[&all[..], options].concat(),
    );
    let board = fs::read_to_string(project.join("boards/imported.toml")).unwrap();
    let slots = "lic = 1, controller = \"socket1\" }";
    assert!(board.contains(slots), "{board}");
    if board.contains("[interrupt-controller.plic]") && board.contains("tested = [\"7.2\"]") {
        eprintln!("not run: QEMU 7.2 does not connect a second PLIC to its harts");
        return;
    }
    fs::write(project.join("apps/hello/src/main.rs"), WORKING).unwrap();
    for transport in ["mmio", "pci"] {
        run(&project, &["--transport", transport]);
    }
}

/// An app that waits for interrupts of its devices. The kernel warns if a device responds without one.
const WORKING: &str = r#"//! Uses the devices.
#![no_std]
#![no_main]

use vmos::{Kernel, Result, Spawner, println};

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let (disk, entropy) = (kernel.disk(0)?, kernel.entropy()?);
    let mut bytes = [0; 16];
    for _ in 0..20 {
        disk.read(0, kernel.buffer(512)?).await?;
        entropy.fill(&mut bytes).await?;
    }
    println!("hello from {}", kernel.board_name());
    Ok(())
}
"#;

/// The options of a RISC-V machine without firmware, which starts the kernel in M mode.
const IN_M_MODE: [&str; 4] = ["--qemu-arg", "-bios", "--qemu-arg", "none"];

#[test]
#[ignore = "builds an image"]
fn an_aplic_in_m_mode() {
    runs_from_its_draft("virt,aia=aplic", "riscv64", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn an_imsic_in_m_mode() {
    runs_from_its_draft("virt,aia=aplic-imsic", "riscv64", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn an_aplic_of_32_bits() {
    runs_from_its_draft("virt,aia=aplic", "riscv32", &[]);
}

#[test]
#[ignore = "builds an image"]
fn an_imsic_of_32_bits() {
    runs_from_its_draft("virt,aia=aplic-imsic", "riscv32", &[]);
}

#[test]
#[ignore = "builds an image"]
fn aplics_of_two_sockets() {
    runs_on_two_sockets("virt,aia=aplic", "riscv64", &[]);
}

#[test]
#[ignore = "builds an image"]
fn imsics_of_two_sockets() {
    runs_on_two_sockets("virt,aia=aplic-imsic", "riscv64", &[]);
}

#[test]
#[ignore = "builds an image"]
fn imsics_of_two_sockets_in_m_mode() {
    runs_on_two_sockets("virt,aia=aplic-imsic", "riscv64", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn aplics_of_two_sockets_in_m_mode() {
    runs_on_two_sockets("virt,aia=aplic", "riscv64", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn plics_of_two_sockets_in_m_mode() {
    runs_on_two_sockets("virt,aclint=on", "riscv64", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn plics_of_two_sockets_with_32_bits() {
    runs_on_two_sockets("virt", "riscv32", &IN_M_MODE);
}

#[test]
#[ignore = "builds an image"]
fn a_pc_with_pci_express() {
    runs_from_its_draft("q35", "x86_64", &[]);
}

#[test]
#[ignore = "builds an image"]
fn a_pc_with_pci() {
    runs_from_its_draft("pc", "x86_64", &[]);
}

#[test]
#[ignore = "builds an image"]
fn a_pc_without_pci() {
    runs_from_its_draft("microvm", "x86_64", &[]);
}

/// A board whose loader places a tagged list at 0x100, in the first page of RAM.
const HIGHBANK: &str = r#"schema = 1

[board]
name = "highbank"
title = "Calxeda Highbank"
architecture = "arm"

[qemu]
system = "arm"
machine = "highbank"
cpu = "cortex-a9"
memory = "256 MiB"
arguments = ["-semihosting-config", "enable=on,target=native"]

[boot.linux-image]
load-address = 0x0001_0000

[memory]
ram.main = { base = 0x0000_0000 }
page-tables = "short"

[interrupt-controller.gic-v2]
distributor = { base = 0xFFF1_1000, size = "4 KiB" }
cpu-interface = { base = 0xFFF1_0100, size = "256 bytes" }

[timer.cortex-a9-global]
base = 0xFFF1_0200
interrupt = { ppi = 11 }
clock = "100 MHz"

[console.pl011]
base = 0xFFF3_6000
interrupt = { spi = 20 }
clock = "24 MHz"

[power.semihosting]
"#;

/// An app that prints the command line.
const PRINTING: &str = r#"//! Prints the command line.
#![no_std]
#![no_main]

use vmos::{Kernel, Result, Spawner, println};

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    println!("the command line is {:?}", kernel.command_line().as_str());
    Ok(())
}
"#;

#[test]
#[ignore = "builds an image"]
fn a_command_line_in_the_first_page_is_readable() {
    if !has_emulator("arm") {
        return;
    }
    let _alone = alone();
    let (_folder, project) = project();
    fs::write(project.join("boards/highbank.toml"), HIGHBANK).unwrap();
    fs::write(project.join("apps/hello/src/main.rs"), PRINTING).unwrap();
    let said = xtask(&project, &["run", "highbank", "--log", "debug"]);
    if said.contains("unsupported machine type") {
        eprintln!("not run: this QEMU has no machine whose tagged list is in the first page");
        return;
    }
    assert!(said.contains("the command line is \"log=debug\""), "{said}");
    let said = xtask(&project, &["run", "highbank"]);
    assert!(said.contains("the command line is \"\""), "{said}");
}
