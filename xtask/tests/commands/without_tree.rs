//! Tests `cargo xtask import` of machines that load no device tree of their own.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Creates a workspace without boards.
fn workspace() -> TempDir {
    let folder = TempDir::with_prefix("vmos-").unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("boards")).unwrap();
    folder
}

/// Imports a machine as the board `mine`.
fn import(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["import", "--name", "mine"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn board(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("boards/mine.toml")).unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn a_machine_without_a_device_tree_is_imported_from_the_monitor() {
    let folder = workspace();
    // It takes no amount of memory but 1 GiB, which is not the usual one.
    let machine = ["--qemu-machine", "raspi3b", "--arch", "arm64"];
    let output = import(&folder, &machine);
    assert!(output.status.success(), "{}", said(&output));
    for wanted in [
        "loads no device tree",
        "--qemu-arg -dtb --qemu-arg FILE",
        "console.pl011.clock: ",
        "console.pl011.interrupt: ",
        "timer.arm-generic.interrupt: ",
    ] {
        assert!(said(&output).contains(wanted), "{}", said(&output));
    }
    let text = board(&folder);
    for wanted in [
        "cpu = \"cortex-a53\"\nmemory = \"1 GiB\"",
        "ram.main = { base = 0x0000_0000, size = \"1008 MiB\" }\nstack",
        "[console.pl011]                    # pl011\nbase = 0x3F20_1000\n",
        "[boot.linux-image]\nload-address = 0x0008_0000\nexception-level = \"el2\"",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn the_processor_is_the_one_that_the_machine_has() {
    let folder = workspace();
    let machine = ["--qemu-machine", "raspi3b", "--arch", "arm64"];
    // QEMU 7.2 ignores the processor, and later versions refuse it.
    let output = import(&folder, &[&machine[..], &["--cpu", "cortex-a72"]].concat());
    if !output.status.success() {
        assert!(said(&output).contains("cortex-a53"), "{}", said(&output));
        return;
    }
    let text = board(&folder);
    assert!(text.contains("\ncpu = \"cortex-a53\"\n"), "{text}");
}

/// Machines with a part of a processor that is a container, with several UARTs, and with RAM in
/// fragments.
const MACHINES: [(&str, &str); 5] = [
    ("vexpress-a9", ""),
    ("highbank", ""),
    ("sabrelite", "\ncpu = \"cortex-a9\"\n"),
    (
        "versatilepb",
        "\n[console.pl011]                    # pl011\nbase = 0x101F_1000\n",
    ),
    ("orangepi-pc", "\nload-address = 0x4001_0000\n"),
];

#[test]
fn every_draft_is_valid_toml() {
    for (machine, wanted) in MACHINES {
        let folder = workspace();
        let output = import(&folder, &["--qemu-machine", machine, "--arch", "arm32"]);
        // Not every version of QEMU has each of them.
        if said(&output).contains("unsupported machine type") {
            eprintln!("not run: QEMU has no {machine}");
            continue;
        }
        assert!(output.status.success(), "{machine}: {}", said(&output));
        let text = board(&folder);
        if let Err(error) = text.parse::<toml_edit::DocumentMut>() {
            panic!("{machine}: {error}\n{text}");
        }
        assert!(text.contains(wanted), "{machine}: {text}");
    }
}

#[test]
fn what_the_machine_cannot_have_is_an_error_of_qemu() {
    let machine = ["--qemu-machine", "raspi3b", "--memory", "128M"];
    let output = import(&workspace(), &[&machine[..], &["--arch", "arm64"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("RAM size"), "{}", said(&output));
}

/// A device tree of a machine that has none of its own, with a bus that has addresses of its own.
const TREE: &str = r#"/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    interrupt-parent = <&gic>;
    compatible = "arm,vexpress";
    chosen { stdout-path = "/bus@0/uart@9000:115200"; };
    memory@60000000 { device_type = "memory"; reg = <0x60000000 0x08000000>; };
    gic: gic@1e001000 {
        compatible = "arm,cortex-a9-gic";
        #interrupt-cells = <3>;
        interrupt-controller;
        reg = <0x1e001000 0x1000>, <0x1e000100 0x100>;
    };
    timer@1e000200 {
        compatible = "arm,cortex-a9-global-timer";
        reg = <0x1e000200 0x20>;
        interrupts = <1 11 0xf04>;
    };
    clock: clock { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>; };
    bus@0 {
        compatible = "simple-bus";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges = <0x0 0x10000000 0x20000>;
        uart@9000 {
            compatible = "arm,pl011", "arm,primecell";
            reg = <0x9000 0x1000>;
            interrupts = <0 5 4>;
            clocks = <&clock>;
        };
        slot@13000 { compatible = "virtio,mmio"; reg = <0x13000 0x200>; interrupts = <0 40 4>; };
    };
};
"#;

#[test]
fn a_device_tree_that_is_given_tells_interrupts_and_clocks() {
    let folder = workspace();
    fs::write(folder.path().join("mine.dts"), TREE).unwrap();
    let compiled = Command::new("dtc")
        .args(["-q", "-I", "dts", "-O", "dtb", "-o", "mine.dtb", "mine.dts"])
        .current_dir(folder.path())
        .status();
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("not run: dtc is not installed");
        return;
    }
    let output = import(
        &folder,
        &[
            "--qemu-machine=vexpress-a9",
            "--arch=arm32",
            "--qemu-arg=-dtb",
            "--qemu-arg=mine.dtb",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    let first = board(&folder);
    // The board stores where the tree is, wherever the command runs.
    let trees = folder.path().join("trees");
    fs::create_dir(&trees).unwrap();
    fs::rename(folder.path().join("mine.dtb"), trees.join("mine.dtb")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["import", "--name=mine", "--force", "--arch=arm32"])
        .args(["--qemu-machine=vexpress-a9", "--qemu-arg=-dtb"])
        .arg("--qemu-arg=mine.dtb")
        .current_dir(trees)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = board(&folder);
    assert_eq!(text, first.replace("\"mine.dtb\"", "\"trees/mine.dtb\""));
    assert!(text.contains("\"-dtb\", \"trees/mine.dtb\""), "{text}");
    for wanted in [
        "cpu = \"cortex-a9\"",
        "base = 0x1000_9000\ninterrupt = { spi = 5 }\nclock = \"24 MHz\"",
        "distributor = { base = 0x1E00_1000, size = \"4 KiB\" }",
        "[virtio-mmio]\nbase = 0x1001_3000\nstride = 0x200\ncount = 4\n",
    ] {
        assert!(text.contains(wanted), "{text}\n{}", said(&output));
    }
}
