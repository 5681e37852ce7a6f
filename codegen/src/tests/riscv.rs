//! Tests board files of RISC-V machines.

use super::{Toy, fine as sound, other_places};
use crate::Board;
use crate::board::Value;
use crate::diagnostic::Code;

/// A made-up RISC-V board.
pub(crate) const RISCV: &str = r#"schema = 1

[board]
name = "toy"
title = "A toy"
architecture = "riscv64"

[qemu]
system = "riscv64"
machine = "toy"
cpu = "toy-r1"
memory = "64 MiB"

[boot.sbi-payload]
load-address = 0x8020_0000

[memory.ram.main]
base = 0x8000_0000

[interrupt-controller.plic]
base = 0x1000_0000
size = "4 MiB"
sources = 40

[timer.sstc]

[console.ns16550]
base = 0x2000_0000
interrupt = { plic = 10 }
clock = "24 MHz"

[power.sifive-test]
base = 0x2100_0000
[power.sbi]

[virtio-mmio]
base = 0x3000_0000
stride = 0x1000
count = 8
interrupt = { plic = 1 }

[pci.ecam]
base = 0x4000_0000
buses = 16
intx = { plic = 32 }
[pci.ecam.windows]
memory32 = { base = 0x5000_0000, size = "256 MiB" }
"#;

const PAYLOAD: &str = "[boot.sbi-payload]\nload-address = 0x8020_0000";
const MACHINE_MODE: &str = "[boot.machine-mode]\nentry = 0x8000_0000";
const EITHER: &str = "[boot.machine-mode]\nentry = 0x8000_0000\nload-address = 0x8020_0000";
const SSTC: &str = "[timer.sstc]";
const CLINT: &str = "[timer.clint]\nbase = 0x0200_0000";
const SBI_RESET: &str = "[power.sbi]";

/// Returns the RISC-V board with some of its text replaced.
pub(super) fn with(edits: &[(&str, &str)]) -> Toy {
    let text = edits.iter().fold(RISCV.to_owned(), |text, (old, new)| {
        assert_eq!(
            text.matches(old).count(),
            1,
            "{old:?} does not occur exactly once"
        );
        text.replace(old, new)
    });
    Toy::from(&text)
}

fn fine(edits: &[(&str, &str)]) -> Board {
    with(edits).load().unwrap_or_else(|told| panic!("{told}"))
}

fn only(edits: &[(&str, &str)], code: Code, title: &str) {
    with(edits).has_only(code, title);
}

#[test]
fn sources_of_a_plic_keep_their_numbers() {
    let board = fine(&[]);
    let numbers: Vec<(&str, u32, u32)> = board
        .interrupts
        .iter()
        .map(|claim| (claim.key.as_str(), claim.what.number, claim.what.count))
        .collect();
    assert_eq!(
        numbers,
        [
            ("virtio-mmio.interrupt", 1, 8),
            ("console.ns16550.interrupt", 10, 1),
            ("pci.ecam.intx", 32, 4),
        ]
    );
}

#[test]
fn a_source_that_the_plic_lacks_is_reported() {
    only(
        &[("{ plic = 10 }", "«{ plic = 41 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `plic = 41`",
    );
    fine(&[("{ plic = 10 }", "{ plic = 40 }")]);
}

#[test]
fn source_0_stands_for_none() {
    only(
        &[("{ plic = 10 }", "«{ plic = 0 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `plic = 0`",
    );
}

#[test]
fn a_plic_has_no_interrupts_of_a_gic() {
    only(
        &[("{ plic = 10 }", "«{ spi = 10 }»")],
        Code::WrongSpace,
        "`interrupt-controller.plic` has no `spi` interrupts",
    );
}

#[test]
fn the_size_of_a_plic_must_cover_its_contexts() {
    only(
        &[("size = \"4 MiB\"", "size = «\"2 MiB\"»")],
        Code::BlockTooSmall,
        "`interrupt-controller.plic` is too small for the registers of this PLIC's contexts",
    );
    let monitor = "size = «0x20_2000»\ncontexts = [\"M\", \"MS\"]";
    only(
        &[("size = \"4 MiB\"", monitor)],
        Code::BlockTooSmall,
        "`interrupt-controller.plic` is too small for the registers of this PLIC's contexts",
    );
}

#[test]
fn the_last_entry_of_contexts_applies_to_further_harts() {
    let board = fine(&[("sources = 40", "sources = 40\ncontexts = [\"M\", \"MS\"]")]);
    let Value::Structure(_, config) = board.interrupt_controller.part.code.config else {
        panic!("not a structure");
    };
    let modes = ["plic::Modes::Machine", "plic::Modes::Both"].map(Value::path);
    let contexts = ("contexts", Value::List(modes.to_vec()));
    assert!(config.contains(&contexts), "{config:?}");
}

#[test]
fn the_kernels_mode_must_have_a_context() {
    only(
        &[("sources = 40", "sources = 40\ncontexts = «[\"M\"]»")],
        Code::WrongMode,
        "the PLIC delivers to no hart in S mode",
    );
    only(
        &[
            (PAYLOAD, MACHINE_MODE),
            (SSTC, CLINT),
            (SBI_RESET, ""),
            ("sources = 40", "sources = 40\ncontexts = «[\"S\"]»"),
        ],
        Code::WrongMode,
        "the PLIC delivers to no hart in M mode",
    );
}

#[test]
fn messages_do_not_reach_a_plic() {
    only(
        &[(
            "intx = { plic = 32 }",
            "intx = { plic = 32 }\nmsi = «\"its\"»",
        )],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
}

#[test]
fn the_machine_timer_is_not_accessible_under_firmware() {
    let title = "`timer.clint` is not accessible to the kernel";
    only(
        &[(SSTC, "«[timer.clint]»\nbase = 0x0200_0000")],
        Code::WrongMode,
        title,
    );
    let aclint = "«[timer.aclint]»\nmtimecmp = 0x0200_4000\nmtime = 0x0200_BFF8";
    only(
        &[(SSTC, aclint)],
        Code::WrongMode,
        "`timer.aclint` is not accessible to the kernel",
    );
}

#[test]
fn without_firmware_sbi_calls_are_an_error() {
    only(
        &[
            (PAYLOAD, MACHINE_MODE),
            (SSTC, "«[timer.sbi]»"),
            (SBI_RESET, ""),
        ],
        Code::WrongMode,
        "`timer.sbi` is not accessible to the kernel",
    );
    only(
        &[
            (PAYLOAD, MACHINE_MODE),
            (SSTC, CLINT),
            (SBI_RESET, "«[power.sbi]»"),
        ],
        Code::WrongMode,
        "`power.sbi` is not accessible to the kernel",
    );
}

#[test]
fn a_kernel_that_starts_in_either_mode_needs_a_timer_for_both() {
    only(
        &[
            (PAYLOAD, EITHER),
            (SSTC, "«[timer.clint]»\nbase = 0x0200_0000"),
        ],
        Code::MissingKey,
        "[timer.clint] needs `supervisor`",
    );
    only(
        &[(PAYLOAD, EITHER), (SSTC, "«[timer.sbi]»")],
        Code::WrongMode,
        "`timer.sbi` is not accessible to the kernel",
    );
    let both = format!("{CLINT}\nsupervisor = \"sbi\"");
    let board = fine(&[(PAYLOAD, EITHER), (SSTC, &both)]);
    let driver = "ByMode<Mtimer<Mmio, P>, SbiTimer<P>, P>";
    assert_eq!(board.timer.part.code.driver, driver);
    assert!(board.boot.takes_firmware);
}

#[test]
fn a_timer_for_an_unused_mode_is_reported() {
    let both = format!("{CLINT}\nsupervisor = «\"sbi\"»");
    only(
        &[(PAYLOAD, MACHINE_MODE), (SSTC, &both), (SBI_RESET, "")],
        Code::WrongMode,
        "`timer.clint.supervisor` is never used",
    );
}

#[test]
fn the_payload_must_be_after_the_firmware() {
    let title = "the load address is where the firmware is";
    only(
        &[("load-address = 0x8020_0000", "load-address = «0x8004_0000»")],
        Code::BadLoadAddress,
        title,
    );
    only(
        &[("load-address = 0x8020_0000", "load-address = «0x7020_0000»")],
        Code::BadLoadAddress,
        "the load address 0x7020_0000 is not in RAM",
    );
    only(
        &[("load-address = 0x8020_0000", "load-address = «0x8020_0800»")],
        Code::Misaligned,
        "`boot.sbi-payload.load-address` is not a multiple of 4 KiB",
    );
}

#[test]
fn an_image_apart_from_the_entry_leaves_room_for_firmware() {
    let near = "[boot.machine-mode]\nentry = 0x8000_0000\nload-address = «0x8001_0000»";
    let both = format!("{CLINT}\nsupervisor = \"sbi\"");
    only(
        &[(PAYLOAD, near), (SSTC, &both)],
        Code::BadLoadAddress,
        "the load address leaves no room for firmware",
    );
}

#[test]
fn the_entry_must_be_in_free_ram() {
    only(
        &[
            (PAYLOAD, "[boot.machine-mode]\nentry = «0x1000»"),
            (SSTC, CLINT),
            (SBI_RESET, ""),
        ],
        Code::BadLoadAddress,
        "the entry 0x0000_1000 is not in RAM",
    );
    let reserved = "[memory.reserved.monitor]\nbase = 0x8000_0000\nsize = \"64 KiB\"\n\
                    reason = \"a monitor\"\n[interrupt-controller.plic]";
    let both = format!("{CLINT}\nsupervisor = \"sbi\"");
    let away = "[boot.machine-mode]\nentry = «0x8000_0000»\nload-address = 0x8020_0000";
    only(
        &[
            (PAYLOAD, away),
            (SSTC, &both),
            ("[interrupt-controller.plic]", reserved),
        ],
        Code::BadLoadAddress,
        "the entry is in reserved memory",
    );
}

#[test]
fn the_image_must_fit_before_the_device_tree() {
    only(
        &[
            ("load-address = 0x8020_0000", "load-address = 0x83D0_0000"),
            (
                "base = 0x8000_0000",
                "base = 0x8000_0000\nsize = «\"64 MiB\"»",
            ),
        ],
        Code::RamTooSmall,
        "the image and the stack do not fit in RAM",
    );
}

#[test]
fn an_image_at_the_entry_does_not_support_firmware() {
    let board = fine(&[(PAYLOAD, MACHINE_MODE), (SSTC, CLINT), (SBI_RESET, "")]);
    let reset = board.boot.reset.map(|reset| reset.address);
    assert_eq!(reset, Some(board.boot.load_address));
    assert!(!board.boot.takes_firmware);
}

#[test]
fn parts_of_risc_v_exist_only_on_risc_v() {
    sound(&[]);
    let edit = [
        ("architecture = \"aarch64\"", "architecture = \"aarch64\""),
        ("[timer.arm-generic]\ninterrupt = { ppi = 11 }", SSTC),
    ];
    assert_eq!(other_places(&edit), ["\"aarch64\""]);
}
