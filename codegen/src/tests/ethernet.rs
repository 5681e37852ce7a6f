//! Tests the Ethernet controller of a board.

use super::{Toy, only};
use crate::diagnostic::Code;
use crate::emit;

const BOARD: &str = include_str!("arm_m.toml");

/// The controller of the machine.
const TABLE: &str = "[ethernet.lan9118]\nbase = 0x4020_0000\ninterrupt = { irq = 13 }\n";

/// The board with this table, and with some of its text replaced.
fn with(table: &str, edits: &[(&str, &str)]) -> Toy {
    let entry = "\"0x4020_0000\" = \"LAN9118 Ethernet: no driver\"\n";
    let power = "[power.semihosting]";
    let mut text = BOARD.to_owned();
    let table = format!("{table}{power}");
    for (old, new) in [(entry, ""), (power, &*table)].iter().chain(edits) {
        assert_eq!(text.matches(old).count(), 1, "{old:?}");
        text = text.replace(old, new);
    }
    Toy::from(&text)
}

#[test]
fn its_driver_is_in_the_board() {
    let board = with(TABLE, &[])
        .load()
        .unwrap_or_else(|told| panic!("{told}"));
    let all = emit::board(&board).unwrap();
    let code = &all["board.rs"];
    for wanted in [
        "type Ethernet = Lan9118<Mmio>;",
        "key: \"ethernet.lan9118\"",
        "registers: ETHERNET_LAN9118.range",
        "active_low: false",
        "frames: 64",
        "interrupt: Some(Interrupt::level(29))",
    ] {
        assert!(code.contains(wanted), "{wanted}: {code}");
    }
    assert!(all["board.md"].contains("LAN9118, 64 frames"));
    assert!(!all["linker.ld"].contains("__vmos_ethernet"));
}

#[test]
fn an_image_that_uses_it_has_the_stack_for_it() {
    let table = format!("{TABLE}stack = \"10 KiB\"\n");
    let board = with(&table, &[])
        .load()
        .unwrap_or_else(|told| panic!("{told}"));
    let script = &emit::board(&board).unwrap()["linker.ld"];
    let wanted = "DEFINED(__vmos_ethernet) ? 0x2800 : 0x800";
    assert!(script.contains(wanted), "{script}");
}

#[test]
fn the_stack_is_aligned_and_large_enough() {
    let table = format!("{TABLE}stack = «\"4100 bytes\"»\n");
    with(&table, &[]).has_only(
        Code::Misaligned,
        "the size of the stack is not a multiple of 8 bytes",
    );
    let table = format!("{TABLE}stack = «\"8 bytes\"»\n");
    with(&table, &[]).has_only(Code::BlockTooSmall, "the stack is too small");
}

#[test]
fn the_stack_is_that_of_an_image_in_flash() {
    only(
        &[(
            "[power.psci]",
            "[ethernet.lan9118]\nbase = 0x6100_0000\nstack = «\"8 KiB\"»\n[power.psci]",
        )],
        Code::BadQuantity,
        "`ethernet.lan9118.stack` has no effect",
    );
}

#[test]
fn the_frames_fit_into_ram() {
    let table = format!("{TABLE}frames = «1024»\n");
    let ram = "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }";
    with(&table, &[(ram, &ram.replace("4 MiB", "64 KiB"))])
        .has_only(Code::RamTooSmall, "1024 frames do not fit into RAM");
    with(&format!("{TABLE}frames = «3»\n"), &[]).has_only(
        Code::BadNumber,
        "`ethernet.lan9118.frames` must be a number from 4 to 1024",
    );
}

#[test]
fn sizes_beyond_all_addresses_are_reported() {
    let table = format!("{TABLE}frames = 64\nstack = «0xFFFF_FFFF_FFFF_FFF8»\n");
    with(&table, &[]).has_only(
        Code::RamTooSmall,
        "64 frames and the stack do not fit into RAM",
    );
}

#[test]
fn its_registers_are_claimed() {
    let elsewhere = TABLE.replace("0x4020_0000", "«0x4000_4000»");
    with(&elsewhere, &[]).has_only(
        Code::Overlap,
        "`ethernet.lan9118` overlaps `console.cmsdk-uart`",
    );
}
