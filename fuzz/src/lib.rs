//! Functions that parse untrusted bytes. For no input may they panic, hang, or access other memory.
//!
//! `cargo test` runs each on the files under `corpus/` and on a fixed number of mutations of them.
//! With the nightly compiler and `cargo install cargo-fuzz`, libFuzzer searches for more:
//!
//! ```text
//! ASAN_OPTIONS=detect_leaks=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
//!     cargo +nightly fuzz run frames --features libfuzzer fuzz/corpus/frames -- -max_total_time=60
//! ```
//!
//! A network stack is never freed, so leaks are not looked for, and `frames` takes about 10 KB for
//! each input: `-rss_limit_mb` sets how long it can run. The other variables replace the profile of
//! the images, which takes minutes to link each target.

#![forbid(unsafe_code)]

mod pci;

use vmos_codegen::Board;
use vmos_codegen::diagnostic::Diagnostics;
use vmos_codegen::machine::device_tree::DeviceTree;
use vmos_codegen::source::InMemory;

pub use pci::pci;
pub use vmos::fuzzing::{dhcp_answers, frames, name_answers, pc_tables};

/// A fuzz target: its name, which is also the name of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All fuzz targets.
pub const TARGETS: [Target; 7] = [
    ("board", board),
    ("device_tree", device_tree),
    ("pc_tables", pc_tables),
    ("pci", pci),
    ("frames", frames),
    ("dhcp_answers", dhcp_answers),
    ("name_answers", name_answers),
];

/// The name and the text of the board that boards of the corpus extend.
const SMALLEST: (&str, &str) = (
    "smallest",
    include_str!("../../tests/golden/smallest/board.toml"),
);

/// Processes a board file, from its text to the resolved board.
pub fn board(bytes: &[u8]) {
    if let Err(diagnostics) = load(bytes) {
        // Every error can be formatted.
        assert!(!diagnostics.to_string().is_empty());
    }
}

/// Loads a board from the text of its file, which has the name that the text states: a file with another
/// name is an error, after which no board is resolved.
///
/// # Errors
///
/// All errors in the file.
pub fn load(bytes: &[u8]) -> Result<Board, Diagnostics> {
    let text = str::from_utf8(bytes).unwrap_or_default();
    let stated = |line: &str| {
        Some(
            line.strip_prefix("name = \"")?
                .strip_suffix('"')?
                .to_owned(),
        )
    };
    let name = text.lines().find_map(stated);
    let name = name.unwrap_or_else(|| "fuzzed".to_owned());
    let sources = InMemory::new()
        .with(SMALLEST.0, SMALLEST.1)
        .with(&name, bytes);
    vmos_codegen::load_from(&sources, &name)
}

/// Reads a device tree like the kernel, and like `verify` and `import`.
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
