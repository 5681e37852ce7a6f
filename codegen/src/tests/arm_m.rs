//! Tests a microcontroller whose image is in flash.

use std::process::{Command, Output};
use std::{env, fs};

use super::Toy;
use crate::Board;
use crate::binding::vector_table::{ENTRY_CODE, HANDLER, MOST_INTERRUPTS};
use crate::diagnostic::Code;
use crate::emit;

const BOARD: &str = include_str!("arm_m.toml");

/// The board with some of its text replaced.
fn with(edits: &[(&str, &str)]) -> Toy {
    let mut text = BOARD.to_owned();
    for (old, new) in edits {
        assert_eq!(text.matches(old).count(), 1, "{old:?}");
        text = text.replace(old, new);
    }
    Toy::from(&text)
}

fn fine(edits: &[(&str, &str)]) {
    with(edits).load().unwrap_or_else(|told| panic!("{told}"));
}

#[test]
fn the_vector_table_has_space_for_the_interrupts() {
    let most = format!("interrupts = {MOST_INTERRUPTS}");
    fine(&[("interrupts = 32", &most)]);
    let more = format!("interrupts = «{}»", MOST_INTERRUPTS + 1);
    with(&[("interrupts = 32", &more)]).has_only(
        Code::BadNumber,
        &format!(
            "the vector table has no space for {} interrupts",
            MOST_INTERRUPTS + 1
        ),
    );
}

/// The beginning of a crate without `core`, so that no library for the processor is needed.
const CRATE: &str = r#"#![feature(no_core, lang_items, rustc_attrs, decl_macro)]
#![no_core]
#[lang = "pointee_sized"] pub trait PointeeSized {}
#[lang = "meta_sized"] pub trait MetaSized: PointeeSized {}
#[lang = "sized"] pub trait Sized: MetaSized {}
#[rustc_builtin_macro] pub macro global_asm() {}
#[rustc_builtin_macro] pub macro include_str() {}
"#;

#[test]
fn the_code_behind_the_vector_table_has_the_assumed_size() {
    let entry = format!("invalid .org offset '{}'", ENTRY_CODE - LESS);
    let handler = format!("invalid .org offset '{}'", HANDLER - LESS);
    for (version, cpu, target, largest) in [
        ("armv6-m", "cortex-m0", "thumbv6m-none-eabi", Some(handler)),
        ("armv7-m", "cortex-m3", "thumbv7m-none-eabi", Some(entry)),
        ("armv8-m", "cortex-m33", "thumbv8m.main-none-eabi", None),
    ] {
        let architecture = format!("architecture = \"{version}\"");
        let cpu = format!("cpu = \"{cpu}\"");
        let board = with(&[
            ("architecture = \"armv7-m\"", &architecture),
            ("cpu = \"cortex-m3\"", &cpu),
        ]);
        let board = board.load().unwrap();
        let output = assemble(&board, target, 0);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{version}: {told}");
        let output = assemble(&board, target, LESS);
        let told = String::from_utf8_lossy(&output.stderr);
        let is_larger = largest.is_none_or(|largest| told.contains(&largest));
        assert!(is_larger, "{version}: {told}");
    }
}

/// The bytes by which the assumed sizes are too small in the second attempt.
const LESS: u64 = 4;

/// Assembles the entry code and the handler of exceptions, each padded to the assumed size without the last
/// `less` bytes.
fn assemble(board: &Board, target: &str, less: u64) -> Output {
    let folder = tempfile::tempdir().unwrap();
    // `.org` fails if the section is already larger.
    let mut text = CRATE.to_owned();
    let parts = [
        ("entry.S", ".text.entry", ENTRY_CODE),
        ("vectors.S", ".text.vectors", HANDLER),
    ];
    let all = emit::board(board).unwrap();
    for (name, section, size) in parts {
        fs::write(folder.path().join(name), &all[name]).unwrap();
        let end = size - less;
        text += &format!(
            "global_asm!(include_str!(\"{name}\"), \".section {section}\", \".org {end}\", options(raw));\n"
        );
    }
    let source = folder.path().join("code.rs");
    fs::write(&source, text).unwrap();
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(compiler)
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(folder.path())
        .args(["--crate-type", "lib", "--emit", "obj"])
        .args(["--target", target, "-o", "code.o"])
        .arg(&source)
        .output()
        .unwrap()
}

#[test]
fn the_stacks_fit_into_the_first_ram() {
    let title = "the stacks and the console buffer do not fit in RAM";
    with(&[("stack = \"2 KiB\"", "stack = «\"8 MiB\"»")]).has_only(Code::RamTooSmall, title);
    with(&[("fault-stack = \"1 KiB\"", "fault-stack = «\"4 MiB\"»")])
        .has_only(Code::RamTooSmall, title);
    let buffer = ("= \"256 bytes\"", "= «\"1 MiB\"»");
    let small = (
        "0x2000_0000, size = \"4 MiB\"",
        "0x2000_0000, size = \"1 MiB\"",
    );
    with(&[buffer, small]).has_only(Code::RamTooSmall, title);
    // Only the first RAM contains them, in whatever order the ranges are described.
    let two = "ram.aux = { base = 0x2800_0000, size = \"1 MiB\" }
ram.main = { base = 0x2000_0000, size = 0x400 }
";
    let main = "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }\nstack = \"2 KiB\"";
    let stack = format!("{two}stack = «\"2 KiB\"»");
    with(&[(main, &stack)]).has_only(Code::RamTooSmall, title);
}

#[test]
fn the_heap_fits_into_the_first_ram_too() {
    let stack = "stack = \"2 KiB\"\nfault";
    let heap = |size: &str| format!("heap = {size}\n{stack}");
    let title = "the stacks, the heap and the console buffer do not fit in RAM";
    with(&[(stack, &heap("«\"4 MiB\"»"))]).has_only(Code::RamTooSmall, title);
    with(&[(stack, &heap("«\"644 bytes\"»"))]).has_only(
        Code::Misaligned,
        "the size of the heap is not a multiple of 8 bytes",
    );
    with(&[(stack, &heap("«\"64 bytes\"»"))])
        .has_only(Code::BlockTooSmall, "the heap is too small");
    let board = with(&[(stack, &heap("\"640 bytes\""))]).load().unwrap();
    assert_eq!(board.memory.heap, Some(640));
    let all = emit::board(&board).unwrap();
    assert!(all["board.rs"].contains("const HEAP: Option<u64> = Some(640);"));
    assert!(all["linker.ld"].contains("__image_end + 0x280 <= 0x20400000"));
    assert_eq!(with(&[]).load().unwrap().memory.heap, None);
}

#[test]
fn no_memory_is_reserved_where_the_stacks_are() {
    let stack = "stack = \"2 KiB\"\nfault";
    let reserved = |base: &str| {
        format!(
            "reserved.mailbox = {{ base = {base}, size = \"1 KiB\", reason = \"another core\" }}\n{stack}"
        )
    };
    with(&[(stack, &reserved("«0x2000_0000»"))]).has_only(
        Code::RamTooSmall,
        "`memory.reserved.mailbox` is where the stacks are",
    );
    let told = with(&[(stack, &reserved("0x2000_0000"))])
        .load()
        .unwrap_err();
    let text = told.to_string();
    assert!(text.contains("base = 0x2000_0400"), "{text}");
    with(&[(stack, &reserved("«0x2000_0CE0»"))]).has_only(
        Code::RamTooSmall,
        "`memory.reserved.mailbox` is where the stacks are",
    );
    fine(&[(stack, &reserved("0x2000_0D00"))]);
    fine(&[(stack, &reserved("0x203F_FC00"))]);
}

#[test]
fn flash_has_space_for_more_than_the_vector_table() {
    let flash = "flash.code = { base = 0x0000_0000, size = \"4 MiB\" }";
    for size in ["512 bytes", "1 KiB"] {
        let small = format!("flash.code = {{ base = 0x0000_0000, size = «\"{size}\"» }}");
        with(&[(flash, &small)]).has_only(Code::RamTooSmall, "the image does not fit in flash");
    }
    fine(&[(flash, &flash.replace("4 MiB", "64 KiB"))]);
    let high = flash.replace("4 MiB", "64 KiB");
    let end = [
        (flash, high.as_str()),
        ("base = 0x0000_0000\n", "base = 0x0000_FC00\n"),
    ];
    let told = with(&end).load().unwrap_err().to_string();
    assert!(told.contains("the image does not fit in flash"), "{told}");
}
