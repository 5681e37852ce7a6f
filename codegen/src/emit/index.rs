//! The crate of all boards: its manifest, its root, which selects the board, and its build script,
//! which selects the linker script.

use super::{Error, header, reference, schema, valid};

/// Returns the files of the crate, by their names in `generated/`, for boards with these `names`.
///
/// # Errors
///
/// If a name cannot be that of a directory and a feature.
pub fn emit(names: &[&str]) -> Result<[(&'static str, String); 5], Error> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    for name in &names {
        valid::name(name)?;
    }
    Ok([
        ("Cargo.toml", manifest(&names)),
        ("build.rs", build_script()),
        ("lib.rs", root(&names)),
        (reference::FILE, reference::emit()),
        (schema::FILE, schema::emit()),
    ])
}

fn commented(sign: &str) -> String {
    header::of_index()
        .map(|line| format!("{sign} {line}\n"))
        .concat()
}

fn manifest(names: &[&str]) -> String {
    let header = commented("#");
    let features: String = names.iter().map(|name| format!("{name} = []\n")).collect();
    format!(
        r#"{header}
[package]
name = "vmos-board"
description = "The board that a kernel is built for, selected by the feature of its name"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
build = "build.rs"

[lib]
path = "lib.rs"

# One for each board. An image is built for exactly one.
[features]
{features}
[dependencies]
vmos-drivers.workspace = true

[lints]
workspace = true
"#
    )
}

fn root(names: &[&str]) -> String {
    let header = commented("//!");
    let boards: String = names
        .iter()
        .map(|name| {
            let module = name.replace('-', "_");
            format!(
                r#"
#[cfg(all(target_os = "none", feature = "{name}"))]
#[path = "{name}/board.rs"]
mod {module};
#[cfg(all(target_os = "none", feature = "{name}"))]
pub use {module}::ThisBoard;
"#
            )
        })
        .collect();
    format!(
        r#"{header}//!
//! The board that a kernel is built for: `ThisBoard`, in the module that the selected feature
//! names. When built for a host, this crate is empty. The build script checks that exactly one
//! board is selected.

#![no_std]
{boards}"#
    )
}

fn build_script() -> String {
    let header = commented("//!");
    format!(
        r#"{header}//!
//! Selects the linker script of the board, and copies it to where the linker searches.

use std::env;

/// The prefix of the variable that cargo sets for every enabled feature.
const FEATURE: &str = "CARGO_FEATURE_";

fn main() {{
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {{
        return;
    }}
    // Each feature is a board. Cargo writes `a-board` as `A_BOARD`; no board has `_` in its
    // name, so the conversion can be reversed.
    let selected: Vec<String> = env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix(FEATURE)?.to_lowercase().replace('_', "-")))
        .collect();
    let [board] = &selected[..] else {{
        println!(
            "cargo::error=an image is built for one board, and {{}} are selected: use `--features vmos-board/BOARD` with one of the features in generated/Cargo.toml",
            selected.len()
        );
        return;
    }};
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-search={{root}}/{{board}}");
    println!("cargo::rerun-if-changed={{root}}/{{board}}/linker.ld");
}}
"#
    )
}
