//! Runs machines that no board file in the repository describes, from their imported descriptions.
//!
//! Each test creates a repository, imports a machine into it, and runs the repository's app there.
//! `VMOS_QEMU` selects the version of QEMU. The images take minutes to build, so the tests are
//! ignored except by `cargo xtask test --all`.

mod dialogue;

use std::path::Path;
use std::process::Command;

use xtask::boards;
use xtask::install;
use xtask::workspace::Workspace;

/// Runs the command in a folder and returns all its output. It shares the build folder of this
/// repository, so that external crates are not compiled again.
fn xtask(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", Workspace::find().unwrap().target);
    dialogue::run(&mut command, |_| b"").1
}

/// Imports a machine and runs an app on it, with one processor and with two.
fn runs_from_its_draft(machine: &str, architecture: &str, options: &[&str]) {
    let emulator = match architecture {
        "arm32" => "arm",
        "arm64" => "aarch64",
        other => other,
    };
    if !install::in_path(&format!("qemu-system-{emulator}")) {
        eprintln!("not run: the QEMU of {architecture} is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sibling = boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0);
    let new = ["new-project", "it", "--board", "other", "--from", &sibling];
    xtask(folder.path(), &new);
    let project = folder.path().join("it");
    let name = ["--name", "imported"];
    let import = ["import", "--qemu-machine", machine, "--arch", architecture];
    let said = xtask(&project, &[&import[..], &name, options].concat());
    assert!(said.contains("the board file matches"), "{said}");
    for processors in ["1", "2"] {
        // With a network, the app would serve it for ever.
        let run = ["run", "imported", "--without", "net", "--smp", processors];
        let said = xtask(&project, &run);
        assert!(said.contains("hello from imported"), "{said}");
        let complaints = ["ERROR", "WARN", "conflict"];
        let is_clean = complaints.iter().all(|word| !said.contains(word));
        assert!(is_clean, "{said}");
    }
}

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
