//! Tests the text of diagnostics.

use super::{TOY, Toy};
use crate::load_from;
use crate::source::InMemory;

#[test]
fn two_locations_are_drawn_as_in_rustc() {
    let told = Toy::with(&[("base = 0x2000_0000", "base = 0x3000_0000")])
        .load()
        .unwrap_err();
    assert_eq!(
        told.to_string(),
        "\
error[E0033]: `virtio-mmio` overlaps `console.pl011`
  --> boards/toy.toml:47:8
   |
38 | base = 0x3000_0000
   |        ----------- `console.pl011`: 0x3000_0000 to 0x3000_0FFF
...
47 | base = 0x3000_0000
   |        ^^^^^^^^^^^ `virtio-mmio`: 0x3000_0000 to 0x3000_0FFF
   |
   = note: `cargo xtask verify` shows which of them differs from the machine
   = help: if this is intended, add:
           [waiver.some-name]
           between = [\"console.pl011\", \"virtio-mmio\"]
           reason = \"...\""
    );
}

#[test]
fn two_files_are_drawn_one_after_the_other() {
    let sources = InMemory::new().with("toy", TOY).with(
        "child",
        "schema = 1\nextends = \"toy\"\n[board]\nname = \"child\"\n[pci.ecam]\nmsi = \"v2m\"\n",
    );
    assert_eq!(
        load_from(&sources, "child").unwrap_err().to_string(),
        "\
error[E0051]: the interrupt controller does not deliver these messages
  --> boards/child.toml:6:7
   |
 6 | msi = \"v2m\"
   |       ^^^^^ the interrupt controller does not support this
   |
  ::: boards/toy.toml:29:1
   |
29 | [interrupt-controller.gic-v3]
   | ----------------------------- it has no `v2m`"
    );
}

#[test]
fn a_missing_key_is_described() {
    let told = Toy::with(&[("clock = \"24 MHz\"\n", "")])
        .load()
        .unwrap_err();
    assert_eq!(
        told.to_string(),
        "\
error[E0011]: missing key `clock` in [console.pl011]
  --> boards/toy.toml:37:1
   |
37 | [console.pl011]
   | ^^^^^^^^^^^^^^^ needs `clock`
   |
   = note: `clock`: The frequency of UARTCLK.
   = help: `clock` is a frequency, such as \"62.5 MHz\""
    );
}

#[test]
fn escape_sequences_are_removed_from_the_output() {
    let told = Toy::with(&[("count = 8", "\"\\u001b[31mcount\" = 8")])
        .load()
        .unwrap_err();
    assert!(!told.render(false).contains('\u{1b}'));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let told = Toy::with(&[("count = 8", "count = 0")]).load().unwrap_err();
    assert!(told.render(true).contains('\u{1b}'));
    assert!(!told.render(false).contains('\u{1b}'));
}

#[test]
fn merging_omits_errors_that_two_boards_share() {
    let broken = TOY.replace("count = 8", "count = 0");
    let head = "schema = 1\nextends = \"toy\"\n[board]\nname = ";
    let sources = InMemory::new()
        .with("toy", broken)
        .with("a", format!("{head}\"a\"\n"))
        .with("b", format!("{head}\"b\"\n[console.pl011]\nclock = 1\n"));
    let mut told = load_from(&sources, "a").unwrap_err();
    told.merge(load_from(&sources, "b").unwrap_err());
    assert_eq!(told.len(), 2);
    assert!(told.render(false).contains("boards/b.toml:6:9"));
}
