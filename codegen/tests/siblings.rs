//! Tests mistakes in a board that extends another: each is reported in the board's own file, with
//! the line to write there.

use vmos_codegen::machine::Facts;
use vmos_codegen::machine::device::Device;
use vmos_codegen::source::InMemory;
use vmos_codegen::verify::verify;
use vmos_codegen::{Diagnostics, load_from};

/// The board that others extend.
const PARENT: &str = include_str!("../src/diagnostic/explain/base.toml");

const HEAD: &str = "schema = 1\nextends = \"base\"\n[board]\nname = \"child\"\n";

fn sources(child: &str) -> InMemory {
    InMemory::new().with("base", PARENT).with("child", child)
}

fn told(child: &str) -> Diagnostics {
    let sources = sources(child);
    assert!(load_from(&sources, "base").is_ok(), "the parent is right");
    load_from(&sources, "child").expect_err("an error is reported")
}

/// Returns the code and the line of each diagnostic, all of which must be in the child.
fn lines(told: &Diagnostics) -> Vec<(&'static str, usize)> {
    let line = |one: &vmos_codegen::diagnostic::Diagnostic| {
        let (file, line, _) = told.position(one.primary.at);
        assert_eq!(file, "boards/child.toml", "\n{told}");
        (one.code.written(), line)
    };
    told.iter().map(line).collect()
}

/// A mistake: its name, the child's additional text, the code, the line in the child, and the line
/// to write there.
type Planted = (
    &'static str,
    &'static str,
    &'static str,
    usize,
    &'static str,
);

#[rustfmt::skip]
const MISTAKES: &[Planted] = &[
    ("another controller, and messages that it does not deliver",
        "[interrupt-controller.gic-v2]\ndistributor = { base = 0x1000_0000 }\ncpu-interface = { base = 0x1001_0000 }\n",
        "E0051", 5, "[pci.ecam]\n           msi = ..."),
    ("a longer row of slots than there is room for",
        "[virtio-mmio]\ncount = 1024\n",
        "E0041", 6, "write under [virtio-mmio] in boards/child.toml: interrupt = ..."),
    ("RAM elsewhere, and not the image",
        "[memory.ram.main]\nbase = 0x9000_0000\n[memory.reserved.firmware]\nbase = 0x9010_0000\n",
        "E0055", 6, "load-address = ..."),
    ("QEMU without what is inherited",
        "[qemu]\narguments = []\n",
        "E0057", 6, "write arguments = [\"-semihosting-config\", \"enable=on,target=native\"] in [qemu]"),
    ("a level from which the conduit does not reach firmware",
        "[boot.linux-image]\nexception-level = \"el2\"\n",
        "E0058", 6, "conduit = \"smc\""),
    ("something described that the parent leaves out",
        "[console.pl011]\nbase = 0x6000_0000\n",
        "E0062", 6, "without = [\"undescribed.0x6000_0000\"]"),
    ("a smaller machine",
        "[qemu]\nmemory = \"32 MiB\"\n",
        "E0034", 6, "without = [\"memory.reserved.firmware\"]"),
    ("an interrupt that another device has",
        "[console.pl011]\ninterrupt = { spi = 17 }\n",
        "E0040", 6, "if this is intended, add:"),
];

#[test]
fn an_error_of_the_child_is_reported_in_the_child_with_a_fix() {
    let mut wrong = String::new();
    for (what, more, code, line, way_out) in MISTAKES {
        let told = told(&format!("{HEAD}{more}"));
        let text = told.to_string();
        if lines(&told) != [(*code, *line)] || !text.contains(way_out) {
            wrong +=
                &format!("{what}: expected {code} at {line} with {way_out:?}, got\n{text}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_removed_key_that_is_required_is_reported_at_without() {
    let child = HEAD.replace("[board]", "without = [\"console.pl011.clock\"]\n[board]");
    assert_eq!(lines(&told(&child)), [("E0011", 3)]);
}

#[test]
fn an_error_of_the_parent_is_reported_in_the_parent() {
    let parent = PARENT.replace("msi = \"its\"", "msi = \"v2m\"");
    let sources = InMemory::new().with("base", parent).with("child", HEAD);
    let told = load_from(&sources, "child").expect_err("an error is reported");
    let one = told.iter().next().expect("at least one error");
    assert_eq!(told.position(one.primary.at).0, "boards/base.toml");
}

#[test]
fn an_error_in_the_middle_of_a_chain_is_reported_there() {
    let middle = "schema = 1\nextends = \"base\"\n[board]\nname = \"middle\"\n\
                  [boot.linux-image]\nexception-level = \"el2\"\n";
    let child = "schema = 1\nextends = \"middle\"\n[board]\nname = \"child\"\n";
    let sources = sources(child).with("middle", middle);
    let told = load_from(&sources, "child").expect_err("an error is reported");
    let places: Vec<_> = told
        .iter()
        .map(|one| told.position(one.primary.at).0)
        .collect();
    assert_eq!(places, ["boards/middle.toml"], "\n{told}");
}

/// A machine whose console is at another address.
fn machine() -> Facts {
    Facts {
        teller: "QEMU 0.0.0".to_owned(),
        devices: vec![Device {
            kinds: vec!["arm,pl011".to_owned()],
            registers: vec![Some(vmos_codegen::board::Range {
                base: 0x2100_0000,
                size: 0x1000,
            })],
            interrupts: vec![Some(34)],
            ..Device::default()
        }],
        ..Facts::default()
    }
}

#[test]
fn a_difference_of_another_machine_is_reported_in_the_file_that_names_it() {
    let child = format!("{HEAD}[qemu]\nmachine = \"another\"\n");
    let told = verify(&sources(&child), "child", &machine()).expect_err("an error is reported");
    let about_console = told.iter().filter(|one| one.title.contains("console"));
    let places: Vec<_> = about_console
        .map(|one| (one.code.written(), told.position(one.primary.at).1))
        .collect();
    assert_eq!(places, [("E0072", 6), ("E0074", 6)], "\n{told}");
    let text = told.to_string();
    for line in [
        "write in boards/child.toml:\n           [console.pl011]\n           base = 0x2100_0000",
        "write in boards/child.toml:\n           [console.pl011]\n           interrupt = { spi = 2 }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn suggested_lines_go_into_the_childs_table() {
    let child = format!("{HEAD}[qemu]\nmachine = \"another\"\n[console.pl011]\nbaud = 9600\n");
    let told = verify(&sources(&child), "child", &machine()).expect_err("an error is reported");
    let text = told.to_string();
    let line = "write under [console.pl011] in boards/child.toml: base = 0x2100_0000";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_difference_of_the_same_machine_is_an_error_of_the_parent() {
    let told = verify(&sources(HEAD), "child", &machine()).expect_err("an error is reported");
    let console = told.iter().find(|one| one.title.contains("console"));
    let at = console.expect("the console is elsewhere").primary.at;
    assert_eq!(told.position(at).0, "boards/base.toml", "\n{told}");
}

/// A board that extends another: its first lines, the code, the line, and words of the diagnostic.
const HEADS: [(&str, &str, usize, &str); 5] = [
    (
        "extends = \"base\"\nwithout = [\"console\"]\n",
        "E0011",
        3,
        "a board needs it: remove this entry, or describe another one",
    ),
    (
        "extends = \"base\"\nwithout = [\"console.ns16550\"]\n",
        "E0008",
        3,
        "the inherited [console] has `pl011`",
    ),
    (
        "extends = [\"base\"]\n",
        "E0012",
        2,
        "write it without brackets: \"base\"",
    ),
    ("extends = \"boards/base\"\n", "E0020", 2, "write \"base\""),
    (
        "extends = \"base\"\nwithout = \"pci\"\n",
        "E0012",
        3,
        "write it in brackets: [\"pci\"]",
    ),
];

#[test]
fn mistakes_of_a_board_that_extends_another_are_in_its_own_file() {
    for (head, code, line, words) in HEADS {
        let child = format!("schema = 1\n{head}[board]\nname = \"mine\"\n");
        let sources = InMemory::new().with("base", PARENT).with("mine", child);
        let told = load_from(&sources, "mine").expect_err("an error");
        let places: Vec<_> = told
            .iter()
            .map(|one| {
                let (file, line, _) = told.position(one.primary.at);
                (one.code.written(), file.to_owned(), line)
            })
            .collect();
        assert_eq!(
            places,
            [(code, "boards/mine.toml".to_owned(), line)],
            "\n{told}"
        );
        assert!(told.to_string().contains(words), "\n{told}");
    }
}
