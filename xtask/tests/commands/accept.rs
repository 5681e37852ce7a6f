//! `cargo xtask verify --accept` in a separate workspace.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A workspace with a copy of a board, some of whose text is replaced.
struct Place {
    folder: TempDir,
}

/// The boards of this repository.
fn original(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join("../boards").join(format!("{name}.toml"))).unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

impl Place {
    fn with(boards: &[(&str, &str)]) -> Self {
        let folder = TempDir::with_prefix("vmos-").unwrap();
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("boards")).unwrap();
        let place = Self { folder };
        for (name, text) in boards {
            fs::write(place.path(name), text).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        let boards = self.folder.path().join("boards");
        boards.join(format!("{name}.toml"))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `verify`; its standard input is `answer`.
    fn verify(&self, arguments: &[&str], answer: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("verify")
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without having read its input.
        let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
        child.wait_with_output().unwrap()
    }
}

/// Replaces text that is in the board exactly once.
fn replaced(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text.replace(old, new)
    })
}

/// Wrong values, each of which can only be one thing.
const WRONG: [(&str, &str); 5] = [
    ("base = 0x0900_0000", "base = 0x0901_0000"),
    ("clock = \"24 MHz\"", "clock = \"48 MHz\""),
    ("count = 32", "count = 16"),
    ("exception-level = \"el1\"", "exception-level = \"el2\""),
    ("\"0x0400_0000\" =", "\"0x0500_0000\" ="),
];

#[test]
fn every_wrong_value_is_accepted_and_the_rest_stays() {
    let right = original("virt-arm64");
    let place = Place::with(&[("virt-arm64", &replaced(&right, &WRONG))]);
    let output = place.verify(&["virt-arm64", "--accept", "--yes"], "");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("matches QEMU"), "{}", said(&output));
    // The renamed line is now the last one.
    let mut lines: Vec<_> = right.lines().map(str::to_owned).collect();
    let mut found: Vec<_> = place
        .text("virt-arm64")
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    found.sort();
    assert_eq!(found, lines);
}

#[test]
fn one_value_is_accepted_by_its_key() {
    let wrong = replaced(&original("virt-arm64"), &WRONG);
    let place = Place::with(&[("virt-arm64", &wrong)]);
    let key = "console.pl011.clock";
    let output = place.verify(&["virt-arm64", "--accept", key, "--yes"], "");
    // The others are still wrong, and are reported.
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("virtio-mmio"), "{}", said(&output));
    let wanted = replaced(&wrong, &[("\"48 MHz\"", "\"24 MHz\"")]);
    assert_eq!(place.text("virt-arm64"), wanted);
}

#[test]
fn nothing_is_written_without_consent() {
    let wrong = replaced(&original("virt-arm64"), &WRONG[..2]);
    let place = Place::with(&[("virt-arm64", &wrong)]);
    for answer in ["", "n\n", "\n"] {
        let output = place.verify(&["--accept", "virt-arm64"], answer);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(
            said(&output).contains("+clock = \"24 MHz\""),
            "{}",
            said(&output)
        );
        assert_eq!(place.text("virt-arm64"), wrong);
    }
    let output = place.verify(&["--accept", "virt-arm64"], "y\n");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.text("virt-arm64"), original("virt-arm64"));
    // No other file is left.
    let files = fs::read_dir(place.folder.path().join("boards")).unwrap();
    assert_eq!(files.count(), 1);
}

#[test]
fn a_key_that_agrees_is_an_error() {
    let place = Place::with(&[("virt-arm64", &original("virt-arm64"))]);
    let output = place.verify(&["virt-arm64", "--accept", "console.pl011.base"], "");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("console.pl011.base"),
        "{}",
        said(&output)
    );
    let output = place.verify(&["virt-arm64", "--yes"], "");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_board_with_errors_of_its_own_is_not_changed() {
    let wrong = replaced(
        &original("virt-arm64"),
        &[("stride = 0x200", "strode = 0x200")],
    );
    let place = Place::with(&[("virt-arm64", &wrong)]);
    let output = place.verify(&["--accept", "virt-arm64", "--yes"], "");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(place.text("virt-arm64"), wrong);
}

#[test]
fn a_sibling_overrides_and_its_parent_stays() {
    let sibling = "schema = 1\nextends = \"virt-arm64\"\n\n[board]\nname = \"mine\"\n\n[qemu]\n\
                   machine = \"virt,gic-version=3,virtualization=on\"\n\n[power.psci]\n\
                   conduit = \"smc\"\n";
    let parent = original("virt-arm64");
    let place = Place::with(&[("mine", sibling), ("virt-arm64", &parent)]);
    let output = place.verify(&["mine", "--accept", "--yes"], "");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.text("virt-arm64"), parent);
    let wanted = format!("{sibling}\n[boot.linux-image]\nexception-level = \"el2\"\n");
    assert_eq!(place.text("mine"), wanted);
}

#[test]
fn a_device_with_a_driver_gets_its_table() {
    let changes = [
        ("[rtc]\n", ""),
        (
            "pl031 = { base = 0x0901_0000, interrupt = { spi = 2 } }\n",
            "",
        ),
        (
            "\"0x0902_0000\" = \"fw_cfg: the device tree tells what is needed\"\n",
            "",
        ),
    ];
    let place = Place::with(&[("virt-arm64", &replaced(&original("virt-arm64"), &changes))]);
    let output = place.verify(&["virt-arm64", "--accept", "--yes"], "");
    assert!(output.status.success(), "{}", said(&output));
    let text = place.text("virt-arm64");
    assert!(
        text.contains("\n[rtc.pl031]\nbase = 0x0901_0000\n"),
        "{text}"
    );
    assert!(
        text.contains("\"0x0902_0000\" = \"qemu,fw-cfg-mmio: not used\""),
        "{text}"
    );
}

/// A board without virtio, whose memory is bounded.
const CONSOLE_ONLY: &str = r#"schema = 1

[board]
name = "opi"
title = "Orange Pi"
architecture = "arm"

[qemu]
system = "arm"
machine = "orangepi-pc"
cpu = "cortex-a7"
memory = "1 GiB"
arguments = ["-semihosting-config", "enable=on,target=native"]

[boot.elf]
load-address = 0x4001_0000

[memory]
ram.main = { base = 0x4000_0000, size = "1 GiB" }

[interrupt-controller.gic-v2]
distributor = { base = 0x01C8_1000, size = "4 KiB" }
cpu-interface = { base = 0x01C8_2000, size = "8 KiB" }

[timer.arm-generic]
interrupt = { ppi = 11 }

[console.ns16550]
base = 0x01C2_8000
size = "32 bytes"
stride = "4 bytes"
interrupt = { spi = 0 }
clock = "24 MHz"

[power.semihosting]
"#;

#[test]
fn a_machine_with_a_console_only_and_bounded_memory_is_compared() {
    let place = Place::with(&[("opi", CONSOLE_ONLY)]);
    let output = place.verify(&["opi", "--accept", "--yes"], "");
    assert!(output.status.success(), "{}", said(&output));
    let output = place.verify(&["opi"], "");
    assert!(output.status.success(), "{}", said(&output));
}
