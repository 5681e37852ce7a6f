//! Runs Miri on the unsafe code that can run on the host. Miri detects reads of freed or
//! uninitialised memory, and invalid use of pointers and references.

use std::process::Command;

/// A package, and which of its tests are run.
pub(super) struct Run {
    pub(super) package: &'static str,
    /// The modules whose tests are run; all of them if the list is empty.
    modules: &'static [&'static str],
    /// Modules whose tests are not run.
    without: &'static [&'static str],
}

/// The packages to test. In the kernel, the modules that contain or call unsafe code; in the
/// drivers all modules except two, whose tests run for hundreds of thousands of steps and contain
/// no unsafe code.
pub(super) const RUNS: [Run; 2] = [
    Run {
        package: "vmos-drivers",
        modules: &[],
        without: &["timer::apic_timer::", "timer::reference::"],
    },
    Run {
        package: "vmos",
        modules: &[
            "arch::",
            "block::",
            "device_tree::",
            "event_loop::",
            "memory::",
            "net::checksum::",
            "net::packet::",
        ],
        without: &[],
    },
];

/// Options for Miri: addresses are passed to devices as numbers, so provenance is exposed; the
/// clock is the host's.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation";

/// Returns whether the nightly compiler is installed, with Miri.
pub(super) fn is_there() -> bool {
    let mut asked = nightly();
    let output = asked.args(["miri", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Returns the command that runs the tests of a package.
pub(super) fn command(run: &Run) -> Command {
    let mut command = nightly();
    command
        .args(["miri", "test", "--package", run.package, "--lib", "--"])
        .args(run.modules)
        .args(run.without.iter().flat_map(|module| ["--skip", module]))
        .env("MIRIFLAGS", FLAGS);
    command
}

fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]);
    // The nightly cargo must not use the compiler that this cargo selects.
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
