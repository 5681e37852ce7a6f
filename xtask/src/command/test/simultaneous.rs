//! Runs loom on tests of a device and the event loop that run at the same time. loom tries every
//! order in which their accesses may take effect.

use std::process::Command;

use crate::workspace::cargo;

/// The packages with such tests, all in modules of this name.
pub(super) const PACKAGES: [&str; 2] = ["vmos-drivers", "vmos"];
const MODULE: &str = "simultaneous::";

/// Selects loom's atomics; see the root `Cargo.toml`.
pub(super) const FLAGS: (&str, &str) = ("RUSTFLAGS", "--cfg vmos_loom");

/// Returns the command that runs the tests of a package.
pub(super) fn command(package: &str) -> Command {
    let mut command = cargo();
    command.args(["test", "--package", package, "--lib", "--", MODULE]);
    command
}
