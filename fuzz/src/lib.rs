//! Whatever others write, as functions of some bytes: none may panic, take for ever, or read what is
//! not its own.
//!
//! `cargo test` gives each the files under `corpus/` and a fixed number of mutations of them. With the
//! nightly compiler and `cargo install cargo-fuzz`, libFuzzer looks for more:
//!
//! ```text
//! cargo +nightly fuzz run frames --features libfuzzer fuzz/corpus/frames -- -max_total_time=60 -detect_leaks=0
//! ```

#![forbid(unsafe_code)]

mod pci;

use vmos_codegen::machine::device_tree::DeviceTree;
use vmos_codegen::source::InMemory;

pub use pci::pci;
pub use vmos::fuzzing::{dhcp_answers, frames, name_answers, pc_tables};

/// A target: its name, which is that of its corpus, and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 7] = [
    ("board", board),
    ("device_tree", device_tree),
    ("pc_tables", pc_tables),
    ("pci", pci),
    ("frames", frames),
    ("dhcp_answers", dhcp_answers),
    ("name_answers", name_answers),
];

/// A board file, from its text to the resolved board.
pub fn board(bytes: &[u8]) {
    let sources = InMemory::new().with("boards/fuzzed.toml", bytes);
    if let Err(diagnostics) = vmos_codegen::load_from(&sources, "fuzzed") {
        // Each problem can be shown.
        assert!(!diagnostics.to_string().is_empty());
    }
}

/// A device tree, as the kernel reads it, and as `verify` and `import` do.
pub fn device_tree(bytes: &[u8]) {
    vmos::fuzzing::device_tree(bytes);
    if let Ok(tree) = DeviceTree::parse(bytes) {
        let devices = tree.devices();
        assert!(devices.len() <= bytes.len());
        let _ = (
            tree.memory(),
            tree.timebase(),
            tree.compatible(),
            tree.console(),
        );
    }
}
