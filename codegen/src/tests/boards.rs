//! Tests the boards of this workspace.

use std::path::Path;

use crate::{board_names, load};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn every_board_is_valid() {
    let names = board_names(root()).unwrap();
    assert!(!names.is_empty());
    for name in names {
        if let Err(told) = load(root(), &name) {
            panic!("{told}");
        }
    }
}

#[test]
fn every_board_states_the_tested_versions_of_qemu() {
    for name in board_names(root()).unwrap() {
        assert!(
            !load(root(), &name).unwrap().qemu.tested.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn a_board_is_short() {
    for name in board_names(root()).unwrap() {
        let text = std::fs::read_to_string(root().join(format!("boards/{name}.toml"))).unwrap();
        assert!(
            text.lines().count() <= 64,
            "{name} has {} lines",
            text.lines().count()
        );
    }
}
