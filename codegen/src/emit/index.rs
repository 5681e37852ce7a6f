//! The crate of all boards: its manifest, its root, and its build script, which selects the code and
//! the linker script of a board. None of them lists the boards.

use super::{Error, header, reference, schema, valid};

/// Returns the files of the crate, by their names in `generated/`, for boards with these `names`.
///
/// # Errors
///
/// If a name cannot be that of a directory.
pub fn emit(names: &[&str]) -> Result<[(&'static str, String); 5], Error> {
    for name in names {
        valid::name(name)?;
    }
    Ok([
        ("Cargo.toml", manifest()),
        ("build.rs", build_script()),
        ("lib.rs", root()),
        (reference::FILE, reference::emit()),
        (schema::FILE, schema::emit()),
    ])
}

fn commented(sign: &str) -> String {
    header::of_index()
        .map(|line| format!("{sign} {line}\n"))
        .concat()
}

fn manifest() -> String {
    let header = commented("#");
    format!(
        r#"{header}
[package]
name = "vmos-board"
description = "The board that a kernel is built for, selected by `--cfg vmos_board`"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
build = "build.rs"

[lib]
path = "lib.rs"

[dependencies]
vmos-drivers.workspace = true

[lints]
workspace = true
"#
    )
}

fn root() -> String {
    let header = commented("//!");
    format!(
        r#"{header}//!
//! The board that a kernel is built for: `ThisBoard`, of the `board.rs` in the folder that `--cfg
//! vmos_board="NAME"` names. This file does not list the boards, so that a new board recompiles no
//! other board's image. On a host there is none, and this crate is empty.

#![no_std]

#[cfg(target_os = "none")]
include!(concat!(env!("OUT_DIR"), "/selected.rs"));
"#
    )
}

fn build_script() -> String {
    let header = commented("//!");
    format!(
        r##"{header}//!
//! Selects the board's code, and puts its linker script where the linker looks for it.

use std::path::Path;
use std::{{env, fs}};

/// What cargo sets for `--cfg vmos_board="NAME"`.
const BOARD: &str = "CARGO_CFG_VMOS_BOARD";

fn main() {{
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {{
        return;
    }}
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let selected = env::var(BOARD).unwrap_or_default();
    let board = Path::new(&root).join(&selected);
    let code = board.join("board.rs");
    if selected.is_empty() || selected.contains(',') || !code.is_file() {{
        println!(
            "cargo::error=an image is built for one board, and `{{selected}}` is not one: `cargo xtask \
             build BOARD` selects it, with `--cfg vmos_board=\"BOARD\"` in `rustflags`"
        );
        return;
    }}
    let text = format!("#[path = {{code:?}}]\nmod board;\npub use board::ThisBoard;\n");
    let file = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("selected.rs");
    if let Err(error) = fs::write(&file, text) {{
        println!("cargo::error=cannot write {{}}: {{error}}", file.display());
    }}
    println!("cargo::rustc-link-search={{}}", board.display());
    let script = board.join("linker.ld");
    println!("cargo::rerun-if-changed={{}}", script.display());
}}
"##
    )
}
