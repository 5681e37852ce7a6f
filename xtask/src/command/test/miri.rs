//! Miri over the unsafe code that runs on the host: it sees a read of memory that was freed, of memory
//! that nobody wrote, and a pointer or a reference that is used against the rules.

use std::process::Command;

/// What is run: the package, and which of its tests. In the kernel those whose modules, or what they
/// call, have unsafe code.
pub(super) const RUNS: [(&str, &[&str]); 2] = [
    ("vmos-drivers", &[]),
    (
        "vmos",
        &[
            "arch::",
            "block::",
            "device_tree::",
            "event_loop::",
            "memory::",
            "net::checksum::",
            "net::packet::",
        ],
    ),
];

/// Addresses are given to devices as numbers, so provenance is exposed; the clock is the host's.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation";

/// Whether the nightly compiler is here, with Miri.
pub(super) fn is_there() -> bool {
    let mut asked = nightly();
    let output = asked.args(["miri", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// The command that runs the tests of a package.
pub(super) fn command(package: &str, filters: &[&str]) -> Command {
    let mut command = nightly();
    command
        .args(["miri", "test", "--package", package, "--lib", "--"])
        .args(filters)
        .env("MIRIFLAGS", FLAGS);
    command
}

fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]);
    // This cargo's choice of a compiler is not that one's.
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
