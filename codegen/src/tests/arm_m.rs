//! Tests a microcontroller whose image is in flash.

use std::process::Command;
use std::{env, fs};

use super::Toy;
use crate::binding::vector_table::{ENTRY_CODE, HANDLER, MOST_INTERRUPTS};
use crate::diagnostic::Code;
use crate::emit;

const BOARD: &str = include_str!("../../../boards/mps2-an385.toml");

/// The board with some of its text replaced, under the name of the tests' boards.
fn with(edits: &[(&str, &str)]) -> Toy {
    let mut text = BOARD.replace("name = \"mps2-an385\"", "name = \"toy\"");
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
    let board = with(&[]).load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // `.org` fails if the section is already larger.
    let assemble = |less: u64| {
        let mut text = CRATE.to_owned();
        let parts = [
            ("entry.S", ".text.entry", ENTRY_CODE),
            ("vectors.S", ".text.vectors", HANDLER),
        ];
        let all = emit::board(&board).unwrap();
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
            .args(["--target", "thumbv7m-none-eabi", "-o", "code.o"])
            .arg(&source)
            .output()
            .unwrap()
    };
    let output = assemble(0);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let output = assemble(4);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.matches("invalid .org").count(), 2, "{told}");
}
