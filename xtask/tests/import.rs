//! `cargo xtask import` as one types it, into a workspace of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A workspace without boards.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::with_prefix("vmos-").unwrap();
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("boards")).unwrap();
        Self { folder }
    }

    fn board(&self, name: &str) -> PathBuf {
        self.folder
            .path()
            .join("boards")
            .join(format!("{name}.toml"))
    }

    fn xtask(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn import(&self, arguments: &[&str]) -> Output {
        self.xtask(&[&["import"], arguments].concat())
    }

    fn import_virt(&self, more: &[&str]) -> Output {
        let machine = ["--qemu-machine", "virt,gic-version=3", "--arch", "arm64"];
        self.import(&[&machine, more].concat())
    }
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn a_machine_comes_to_a_board_that_is_as_the_machine() {
    let place = Place::new();
    let output = place.import_virt(&["--name", "mine"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("wrote boards/mine.toml"),
        "{}",
        said(&output)
    );
    let verified = place.xtask(&["verify", "mine"]);
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn a_name_is_made_of_the_machines() {
    let place = Place::new();
    let output = place.import_virt(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        place.board("virt-arm64-gic-version-3").is_file(),
        "{}",
        said(&output)
    );
}

#[test]
fn a_file_that_is_there_is_left_alone_unless_forced() {
    let place = Place::new();
    fs::write(place.board("mine"), "precious").unwrap();
    let output = place.import_virt(&["--name", "mine"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--force"), "{}", said(&output));
    assert_eq!(fs::read_to_string(place.board("mine")).unwrap(), "precious");
    let output = place.import_virt(&["--name", "mine", "--force"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_ne!(fs::read_to_string(place.board("mine")).unwrap(), "precious");
}

#[test]
fn a_device_tree_comes_to_a_board() {
    let place = Place::new();
    let blob = place.folder.path().join("some.dtb");
    let dump = format!("virt,dumpdtb={}", blob.display());
    let qemu = Command::new("qemu-system-aarch64")
        .args(["-machine", &dump, "-cpu", "cortex-a72", "-display", "none"])
        .output()
        .unwrap();
    assert!(qemu.status.success(), "{}", said(&qemu));
    let output = place.import(&["some.dtb", "--name", "mine"]);
    assert!(output.status.success(), "{}", said(&output));
    let verified = place.xtask(&["verify", "mine"]);
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn what_is_no_device_tree_is_refused() {
    let place = Place::new();
    fs::write(place.folder.path().join("some.dtb"), "not a tree").unwrap();
    let output = place.import(&["some.dtb"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("not a device tree blob"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_machine_without_a_device_tree_is_told_where_to_begin_instead() {
    let output = Place::new().import(&["--qemu-machine", "q35", "--arch", "x64"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("has no device tree"),
        "{}",
        said(&output)
    );
    assert!(
        said(&output).contains("cargo xtask new"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_machine_needs_its_architecture() {
    let output = Place::new().import(&["--qemu-machine", "virt"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--arch"), "{}", said(&output));
}

#[test]
fn nothing_to_import_is_wrong_usage() {
    let output = Place::new().import(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
