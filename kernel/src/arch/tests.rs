//! Tests that every architecture defines the same names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

/// The names, as listed in the documentation of the module above.
const NAMES: [&str; 14] = [
    "FIRMWARE_TABLE",
    "InterruptState",
    "Processor",
    "Registers",
    "backtrace",
    "enable_translation",
    "firmware_table",
    "frame_pointer",
    "interrupt_pending",
    "mask_interrupts",
    "park",
    "restore_interrupts",
    "sum_words",
    "wait_for_interrupt",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/arch")
}

/// Files shared by several architectures, and this file.
const PARTS: [&str; 4] = ["frames", "long_descriptors", "ones_complement", "tests"];

/// Returns the architecture modules: all other files in `arch/`.
fn modules() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).expect("src/arch is there");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("src/arch can be listed").path();
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .to_string();
        if path.is_file() && !PARTS.contains(&name.as_str()) {
            found.push((name, fs::read_to_string(&path).expect("a module is text")));
        }
    }
    found
}

/// Returns the public names at the top level of a module: items and re-exports.
fn public_names(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let file = syn::parse_file(source).expect("a module is Rust");
    for item in file.items {
        match item {
            syn::Item::Fn(item) if is_public(&item.vis) => add(&mut names, &item.sig.ident),
            syn::Item::Struct(item) if is_public(&item.vis) => add(&mut names, &item.ident),
            syn::Item::Const(item) if is_public(&item.vis) => add(&mut names, &item.ident),
            syn::Item::Enum(item) if is_public(&item.vis) => add(&mut names, &item.ident),
            syn::Item::Use(item) if is_public(&item.vis) => leaves(&mut names, &item.tree),
            _ => {}
        }
    }
    names
}

fn is_public(visibility: &syn::Visibility) -> bool {
    !matches!(visibility, syn::Visibility::Inherited)
}

fn add(names: &mut BTreeSet<String>, name: &syn::Ident) {
    names.insert(name.to_string());
}

fn leaves(names: &mut BTreeSet<String>, tree: &syn::UseTree) {
    match tree {
        syn::UseTree::Path(path) => leaves(names, &path.tree),
        syn::UseTree::Name(name) => add(names, &name.ident),
        syn::UseTree::Rename(rename) => add(names, &rename.rename),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(names, tree)),
        syn::UseTree::Glob(_) => panic!("a module names what it makes public"),
    }
}

#[test]
#[cfg_attr(miri, ignore = "it parses sources, and calls no unsafe code")]
fn every_architecture_defines_the_same_names() {
    let expected: BTreeSet<String> = NAMES.iter().map(ToString::to_string).collect();
    let modules = modules();
    assert!(modules.iter().any(|(name, _)| name == "host"));
    for (name, source) in modules {
        assert_eq!(public_names(&source), expected, "in arch/{name}.rs");
    }
}

#[test]
fn every_name_is_in_the_documentation() {
    let facade = fs::read_to_string(folder().with_extension("rs")).expect("arch.rs is there");
    for name in NAMES {
        assert!(
            facade.contains(&std::format!("`{name}`")),
            "{name} is not documented"
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "it searches all sources, and calls no unsafe code")]
fn no_other_module_depends_on_the_architecture() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = Vec::from([source]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is there") {
            let path = entry.expect("src can be listed").path();
            if path.starts_with(self::folder()) || path == self::folder().with_extension("rs") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("a module is text");
                assert!(!text.contains("target_arch"), "{} does", path.display());
            }
        }
    }
}
