//! `cargo xtask verify --accept` adds and replaces the tables of parts, on real machines.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use xtask::install;

/// A board of each architecture, with its emulator.
const BOARDS: [(&str, &str); 5] = [
    ("virt-arm64", "aarch64"),
    ("virt-arm32", "arm"),
    ("virt-rv64", "riscv64"),
    ("virt-rv32", "riscv32"),
    ("q35-x64", "x86_64"),
];

/// The classes of parts that every board has.
const CLASSES: [&str; 4] = ["console", "timer", "power", "interrupt-controller"];

/// A workspace with one board.
fn workspace(name: &str, text: &str) -> TempDir {
    let folder = TempDir::with_prefix("vmos-").unwrap();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("boards")).unwrap();
    fs::write(file(&folder, name), text).unwrap();
    folder
}

fn file(folder: &TempDir, name: &str) -> std::path::PathBuf {
    folder.path().join("boards").join(format!("{name}.toml"))
}

fn original(name: &str) -> String {
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
    fs::read_to_string(boards.join(format!("{name}.toml"))).unwrap()
}

/// The name under which a board is imported.
const IMPORTED: &str = "imported";

/// Returns the board file of a 32-bit RISC-V machine; the one of this repository extends another.
fn imported(name: &str) -> String {
    let folder = workspace("other", "schema = 1\n");
    let machine = [
        "import",
        "--qemu-machine",
        "virt",
        "--arch",
        "riscv32",
        "--name",
        IMPORTED,
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(machine)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    // A new board cannot have the name of one of VMOS.
    let text = fs::read_to_string(file(&folder, IMPORTED)).unwrap();
    text.replace(&format!("\"{IMPORTED}\""), &format!("\"{name}\""))
}

fn verify(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("verify")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

/// Returns a board file without the tables of a class.
fn without(text: &str, class: &str) -> String {
    let mut is_kept = true;
    let kept = text.lines().filter(|line| {
        if let Some(header) = line.strip_prefix('[') {
            let rest = header.strip_prefix(class);
            is_kept = !rest.is_some_and(|rest| rest.starts_with(['.', ']']));
        }
        is_kept
    });
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_missing_table_is_added() {
    let mut wrong = String::new();
    for (name, emulator) in BOARDS {
        if !install::in_path(&format!("qemu-system-{emulator}")) {
            eprintln!("not run on {name}: QEMU is not installed");
            continue;
        }
        let right = match emulator {
            "riscv32" => imported(name),
            _ => original(name),
        };
        for class in CLASSES {
            let text = without(&right, class);
            assert_ne!(text, right);
            let folder = workspace(name, &text);
            let output = verify(&folder, &[name, "--accept", "--yes"]);
            let after = fs::read_to_string(file(&folder, name)).unwrap();
            if !output.status.success() || !after.contains(&format!("\n[{class}.")) {
                wrong += &format!("{name} without {class}: {}\n", said(&output));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_missing_key_is_added_by_its_path() {
    let right = original("virt-arm64");
    let interrupt = "interrupt = { ppi = 11 }\n";
    let clock = "clock = \"24 MHz\"\n";
    let text = right.replace(interrupt, "").replace(clock, "");
    let folder = workspace("virt-arm64", &text);
    // Both are required, so the file is only readable with both.
    let output = verify(
        &folder,
        &["virt-arm64", "--accept", "console.pl011.clock", "--yes"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let reason = "virt-arm64: nothing was added: the keys that --accept names are not enough: ";
    assert!(said(&output).contains(reason), "{}", said(&output));
    let unchanged = fs::read_to_string(file(&folder, "virt-arm64")).unwrap();
    assert_eq!(unchanged, text);
    let text = right.replace(clock, "");
    fs::write(file(&folder, "virt-arm64"), &text).unwrap();
    let output = verify(
        &folder,
        &["virt-arm64", "--accept", "console.pl011.clock", "--yes"],
    );
    assert!(output.status.success(), "{}", said(&output));
    let after = fs::read_to_string(file(&folder, "virt-arm64")).unwrap();
    assert_eq!(after, right);
}

#[test]
fn why_no_table_is_added_is_told() {
    let text = without(&original("virt-arm64"), "console");
    let processor = "cpu = \"cortex-a72\"";
    assert!(text.contains(processor), "{text}");
    let text = text.replace(processor, "cpu = \"cortex-a99\"");
    let folder = workspace("virt-arm64", &text);
    let output = verify(&folder, &["virt-arm64", "--accept", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let reason = "virt-arm64: nothing was added: QEMU cannot start the machine: ";
    for wanted in [reason, "cortex-a99", "E0011"] {
        assert!(said(&output).contains(wanted), "{}", said(&output));
    }
    let unchanged = fs::read_to_string(file(&folder, "virt-arm64")).unwrap();
    assert_eq!(unchanged, text);
}

/// A board, and the table of a part that its machine has, with another part's table in its place.
type Wrong = (&'static str, &'static str, &'static str, &'static str);

/// Tables of parts that the machine does not have.
const WRONG: [Wrong; 5] = [
    (
        "virt-arm64",
        "aarch64",
        "console",
        "[console.ns16550]\nbase = 0x0900_0000\nsize = \"4 KiB\"\nclock = \"24 MHz\"\n",
    ),
    (
        "virt-arm64",
        "aarch64",
        "timer",
        "[timer.sp804]\nbase = 0x0904_0000\ninterrupt = { spi = 40 }\nclock = \"1 MHz\"\n",
    ),
    (
        "virt-arm32",
        "arm",
        "console",
        "[console.ns16550]\nbase = 0x0900_0000\nsize = \"4 KiB\"\nclock = \"24 MHz\"\n",
    ),
    (
        "virt-rv64",
        "riscv64",
        "console",
        "[console.pl011]\nbase = 0x1000_0000\nclock = \"24 MHz\"\n",
    ),
    (
        "q35-x64",
        "x86_64",
        "console",
        "[console.ns16550]\nport = 0x2E8\ninterrupt = { gsi = 4, trigger = \"edge\" }\nclock = \"1.8432 MHz\"\n",
    ),
];

#[test]
fn the_table_of_another_part_is_replaced() {
    let mut wrong = String::new();
    for (name, emulator, class, table) in WRONG {
        if !install::in_path(&format!("qemu-system-{emulator}")) {
            eprintln!("not run on {name}: QEMU is not installed");
            continue;
        }
        let text = without(&original(name), class) + "\n" + table;
        let folder = workspace(name, &text);
        // The others are left as they are.
        let output = verify(&folder, &[name, "--accept", class, "--yes"]);
        let after = fs::read_to_string(file(&folder, name)).unwrap();
        if !output.status.success() || after.contains(table) {
            wrong += &format!("{name}, {class}: {}\n", said(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
