//! Tests whole board files: the values that are read, and at least one example of each diagnostic.

mod aia;
mod arm_m;
mod boards;
mod cascades;
mod cortex_a9;
mod ethernet;
mod files;
mod further;
mod inheritance;
mod interrupts;
mod keys;
mod named_devices;
mod ns16550;
mod own_parts;
mod parts;
mod pc;
mod ranges;
mod rendering;
pub(crate) mod riscv;
mod robustness;

use crate::diagnostic::{Code, Diagnostics};
use crate::source::InMemory;
use crate::{Board, load_from};

/// A made-up board that has a part of every class.
pub(crate) const TOY: &str = r#"schema = 1

[board]
name = "toy"
title = "A toy"
architecture = "aarch64"

[qemu]
system = "aarch64"
machine = "toy"
cpu = "toy-a1"
memory = "64 MiB"
tested = ["7.2"]
arguments = ["-semihosting-config", "enable=on"]

[boot.linux-image]
load-address = 0x8008_0000
exception-level = "el1"

[memory]
stack = "64 KiB"
[memory.ram.main]
base = 0x8000_0000
[memory.reserved.firmware]
base = 0x83F0_0000
size = "64 KiB"
reason = "firmware keeps its state here"

[interrupt-controller.gic-v3]
distributor = { base = 0x1000_0000 }
redistributors = { base = 0x1010_0000, size = "1 MiB" }
its = { base = 0x1020_0000 }

[timer.arm-generic]
interrupt = { ppi = 11 }

[console.pl011]
base = 0x2000_0000
interrupt = { spi = 1 }
clock = "24 MHz"

[power.semihosting]
[power.psci]
conduit = "hvc"

[virtio-mmio]
base = 0x3000_0000
stride = 0x200
count = 8
interrupt = { spi = 16 }

[pci.ecam]
base = 0x40_0000_0000
buses = 16
intx = { spi = 4 }
msi = "its"
[pci.ecam.windows]
memory32 = { base = 0x5000_0000, size = "256 MiB" }

[undescribed]
"0x6000_0000" = "a clock"
"#;

/// Returns the board with some of its text replaced; `«` and `»` in the replacement mark a
/// location.
struct Toy {
    text: String,
    mark: Option<(usize, usize)>,
}

impl Toy {
    fn with(edits: &[(&str, &str)]) -> Self {
        let mut text = TOY.to_owned();
        for (old, new) in edits {
            assert_eq!(
                text.matches(old).count(),
                1,
                "{old:?} does not occur exactly once"
            );
            text = text.replace(old, new);
        }
        Self::from(&text)
    }

    fn from(text: &str) -> Self {
        let mark = text.find('«').zip(text.find('»'));
        let mark = mark.map(|(start, end)| (start, end - '«'.len_utf8()));
        Self {
            text: text.replace(['«', '»'], ""),
            mark,
        }
    }

    fn load(&self) -> Result<Board, Diagnostics> {
        load_from(&InMemory::new().with("toy", self.text.as_str()), "toy")
    }

    /// Asserts that the board has exactly one error, at the mark.
    fn has_only(&self, code: Code, title: &str) {
        let told = self.load().expect_err("an error is reported");
        let all: Vec<_> = told
            .iter()
            .map(|one| (one.code, one.title.as_str()))
            .collect();
        assert_eq!(all, [(code, title)], "\n{told}");
        let at = told
            .iter()
            .next()
            .map(|one| (one.primary.at.start, one.primary.at.end));
        assert_eq!(at, self.mark, "\n{told}");
    }
}

/// A board file with its only error: code, title, and related locations.
fn only(edits: &[(&str, &str)], code: Code, title: &str) {
    Toy::with(edits).has_only(code, title);
}

/// Asserts that the board has no error after some edits.
fn fine(edits: &[(&str, &str)]) -> Board {
    match Toy::with(edits).load() {
        Ok(board) => board,
        Err(told) => panic!("{told}"),
    }
}

/// Returns the texts at the related locations of the only error.
fn other_places(edits: &[(&str, &str)]) -> Vec<String> {
    other_places_of(&Toy::with(edits))
}

fn other_places_of(toy: &Toy) -> Vec<String> {
    let told = toy.load().expect_err("an error is reported");
    assert_eq!(told.len(), 1, "\n{told}");
    let places = told.iter().flat_map(|one| &one.secondary);
    places
        .map(|label| toy.text[label.at.start..label.at.end].to_owned())
        .collect()
}

#[test]
fn the_board_is_valid() {
    fine(&[]);
}

#[test]
fn every_code_has_a_test() {
    let tests = [
        include_str!("verify/tests.rs"),
        include_str!("verify/tests/left_out.rs"),
        include_str!("tests/files.rs"),
        include_str!("tests/inheritance.rs"),
        include_str!("tests/interrupts.rs"),
        include_str!("tests/keys.rs"),
        include_str!("tests/named_devices.rs"),
        include_str!("tests/parts.rs"),
        include_str!("tests/pc.rs"),
        include_str!("tests/ranges.rs"),
        include_str!("tests/riscv.rs"),
    ]
    .concat();
    // The last code is for bugs in codegen, which cannot be provoked.
    for code in Code::ALL.iter().filter(|code| **code != Code::Unresolved) {
        assert!(
            tests.contains(&format!("Code::{code:?},")),
            "{code} {code:?}"
        );
    }
}
