//! Tests `cargo xtask import` in a separate workspace.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use vmos_codegen::board::Architecture;
use vmos_codegen::import::{Origin, import};
use vmos_codegen::machine::Facts;
use vmos_codegen::machine::device_tree::DeviceTree;
use xtask::install;

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

    /// Returns the device tree of a machine.
    fn dump(&self, name: &str) -> Vec<u8> {
        let blob = self.folder.path().join(name);
        let dump = format!("virt,dumpdtb={}", blob.display());
        let qemu = Command::new("qemu-system-aarch64")
            .args(["-machine", &dump, "-cpu", "cortex-a72", "-display", "none"])
            .output()
            .unwrap();
        assert!(qemu.status.success(), "{}", said(&qemu));
        fs::read(blob).unwrap()
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
fn an_imported_board_matches_its_machine() {
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
fn a_pc_is_imported_from_its_firmware() {
    for (machine, wanted) in [
        (
            "microvm",
            "[virtio-mmio]\nbase = 0xFEB0_0000\nstride = 0x200\ncount = 24",
        ),
        ("pc", "[pci.ports]"),
        ("q35", "[pci.ecam]\nbase = 0xB000_0000\nbuses = 256"),
    ] {
        let place = Place::new();
        let output = place.import(&["--qemu-machine", machine, "--arch", "x64", "--name", "mine"]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(
            said(&output).contains("the board file matches"),
            "{}",
            said(&output)
        );
        let text = fs::read_to_string(place.board("mine")).unwrap();
        assert!(text.contains(wanted), "{text}");
        let verified = place.xtask(&["verify", "mine"]);
        assert!(verified.status.success(), "{}", said(&verified));
    }
}

/// Imports QEMU's RISC-V machine with two sockets, each with a PLIC, and returns the board file.
fn import_two_sockets(place: &Place, machine: &str, more: &[&str]) -> String {
    let memory = |node: u32| {
        let backend = format!("memory-backend-ram,size=128M,id=m{node}");
        let node = format!("node,memdev=m{node}");
        ["-object".to_owned(), backend, "-numa".to_owned(), node]
    };
    let words = ["-smp".to_owned(), "4".to_owned()];
    let words = words.into_iter().chain(memory(0)).chain(memory(1));
    let words = words.chain(more.iter().map(|&word| word.to_owned()));
    let words: Vec<String> = words.map(|word| format!("--qemu-arg={word}")).collect();
    let mut arguments = vec!["--qemu-machine", machine, "--arch", "riscv64"];
    arguments.extend(["--memory", "256M", "--name", "mine"]);
    arguments.extend(words.iter().map(String::as_str));
    let output = place.import(&arguments);
    assert!(output.status.success(), "{}", said(&output));
    fs::read_to_string(place.board("mine")).unwrap()
}

#[test]
fn every_plic_is_imported_and_each_interrupt_names_its_own() {
    let place = Place::new();
    let text = import_two_sockets(&place, "virt", &[]);
    for line in [
        "further.socket1 = { base = 0x0C60_0000, size = \"6 MiB\", sources = 95, first-hart = 2 }",
        "interrupt = { plic = 10 }",
        "interrupt = { plic = 1, controller = \"socket1\" }",
        "intx = { plic = 32, controller = \"socket1\" }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let verified = place.xtask(&["verify", "mine"]);
    assert!(verified.status.success(), "{}", said(&verified));
    fs::write(
        place.board("mine"),
        text.replace("1, controller = \"socket1\"", "1"),
    )
    .unwrap();
    let verified = place.xtask(&["verify", "mine"]);
    let wrong = said(&verified);
    for line in [
        "the machine has another interrupt for `virtio-mmio.interrupt`",
        "write { plic = 1, controller = \"socket1\" }",
    ] {
        assert!(wrong.contains(line), "{line}\n{wrong}");
    }
}

#[test]
fn without_firmware_the_software_interrupts_of_each_socket_are_imported() {
    for (machine, timer) in [
        ("virt", "[timer.clint]"),
        ("virt,aclint=on", "msip = 0x0200_0000"),
    ] {
        let place = Place::new();
        let text = import_two_sockets(&place, machine, &["-bios", "none"]);
        for line in [
            "further.socket1 = { base = 0x0C60_0000, size = \"6 MiB\", sources = 95, first-hart = 2, \
             msip = 0x0201_0000 }",
            "interrupt = { plic = 1, controller = \"socket1\" }",
            timer,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let verified = place.xtask(&["verify", "mine"]);
        assert!(verified.status.success(), "{}", said(&verified));
    }
}

#[test]
fn a_name_is_derived_from_the_machine() {
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
fn an_existing_file_is_overwritten_only_with_force() {
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
fn a_device_tree_becomes_a_board() {
    let place = Place::new();
    place.dump("some.dtb");
    let output = place.import(&["some.dtb", "--name", "mine"]);
    assert!(output.status.success(), "{}", said(&output));
    let verified = place.xtask(&["verify", "mine"]);
    assert!(verified.status.success(), "{}", said(&verified));
}

/// A board with missing information: the console's clock, and QEMU's name of the machine.
const TEXT: &str = r#"
/dts-v1/;
/ {
    compatible = "acme,board";
    #address-cells = <2>;
    #size-cells = <2>;
    interrupt-parent = <&gic>;
    cpus {
        #address-cells = <1>;
        #size-cells = <0>;
        cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; };
    };
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x20000000>; };
    timer { compatible = "arm,armv8-timer"; interrupts = <1 13 8>, <1 14 8>, <1 11 8>, <1 10 8>; };
    gic: gic@f9010000 {
        compatible = "arm,gic-400";
        interrupt-controller;
        #interrupt-cells = <3>;
        reg = <0 0xf9010000 0 0x1000>, <0 0xf9020000 0 0x2000>;
    };
    soc {
        compatible = "simple-bus";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges = <0 0 0xff000000 0x1000000>;
        serial@0 { compatible = "arm,pl011"; reg = <0 0x200>; interrupts = <0 21 4>; };
        watchdog@150000 { compatible = "acme,watchdog"; reg = <0x150000 0x1000>; };
    };
};
"#;

#[test]
fn missing_values_are_listed_with_what_to_look_up() {
    if !install::in_path(install::DEVICE_TREE_COMPILER) {
        eprintln!("not run: dtc is not installed");
        return;
    }
    let place = Place::new();
    fs::write(place.folder.path().join("acme-board.dts"), TEXT).unwrap();
    let output = place.import(&["acme-board.dts"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("console.pl011.clock: the frequency of its reference clock"),
        "{}",
        said(&output)
    );
    let board = fs::read_to_string(place.board("acme-board")).unwrap();
    assert!(board.contains("base = 0xFF00_0000"), "{board}");
    assert!(
        board.contains("\"0xFF15_0000\" = \"acme,watchdog: "),
        "{board}"
    );
    // Nothing else is missing.
    let missing = said(&place.xtask(&["gen"]));
    assert!(missing.contains("missing key `machine`"), "{missing}");
    assert!(missing.contains("missing key `clock`"), "{missing}");
    assert!(missing.contains("2 errors"), "{missing}");
}

#[test]
fn an_unsupported_processor_is_named() {
    if !install::in_path(install::DEVICE_TREE_COMPILER) {
        eprintln!("not run: dtc is not installed");
        return;
    }
    let place = Place::new();
    let text = TEXT.replace("arm,cortex-a53", "arm,cortex-m23");
    let text = text.replace("arm,armv8-timer", "arm,armv7m-systick");
    fs::write(place.folder.path().join("some.dts"), text).unwrap();
    let output = place.import(&["some.dts"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("has the processor arm,cortex-m23"),
        "{}",
        said(&output)
    );
    assert!(!place.board("some").exists());
}

#[test]
fn other_files_are_rejected() {
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

/// Checks that a truncated or changed tree is rejected or results in a board.
#[test]
fn a_corrupt_device_tree_never_panics() {
    let mut blob = Place::new().dump("some.dtb");
    // QEMU leaves space after the last block, which contains the strings.
    let word = |at: usize| u32::from_be_bytes(blob[at..at + 4].try_into().unwrap());
    let size = word(12) + word(32);
    blob[4..8].copy_from_slice(&size.to_be_bytes());
    let size = size as usize;
    blob.truncate(size);
    let look = |blob: &[u8]| {
        let Ok(tree) = DeviceTree::parse(blob) else {
            return false;
        };
        let facts = Facts::default().with_tree(&tree).with_memory();
        let origin = Origin {
            name: "some".to_owned(),
            architecture: Architecture::Aarch64,
            qemu: None,
            from: "a test".to_owned(),
        };
        !import(&origin, &facts).text.is_empty()
    };
    assert!(look(&blob));
    assert!((0..size).step_by(97).all(|length| !look(&blob[..length])));
    let mut taken = 0;
    for at in (0..size).step_by(4 * 29) {
        for word in [0, 1, 3, 9, 0x8000_0000, u32::MAX] {
            let mut broken = blob.clone();
            let at = at & !3;
            broken[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
            taken += usize::from(look(&broken));
        }
    }
    assert_ne!(taken, 0);
}

#[test]
fn a_machine_needs_its_architecture() {
    let output = Place::new().import(&["--qemu-machine", "virt"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--arch"), "{}", said(&output));
}

#[test]
fn a_missing_source_is_an_error() {
    let output = Place::new().import(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_name_that_no_board_can_have_is_refused_before_anything_is_written() {
    let place = Place::new();
    for name in ["x-7.2", "X", "a--b"] {
        let output = place.import_virt(&["--name", name]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(&format!("`{name}` cannot be the name of a board")));
        assert!(!place.board(name).exists());
    }
}
