//! Miri over the unsafe code that runs on the host: it sees a read of memory that was freed, of memory
//! that nobody wrote, and a pointer or a reference that is used against the rules.

use std::process::Command;

/// A package, and which of its tests are run.
pub(super) struct Run {
    pub(super) package: &'static str,
    /// The modules; all of them if there is none.
    modules: &'static [&'static str],
    /// Modules that are left out.
    without: &'static [&'static str],
}

/// What is run. In the kernel those modules that have unsafe code, or call some. In the drivers all, but
/// for two whose tests let a clock run for hundreds of thousands of steps and have no unsafe code.
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

/// Addresses are given to devices as numbers, so provenance is exposed; the clock is the host's.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation";

/// Whether the nightly compiler is here, with Miri.
pub(super) fn is_there() -> bool {
    let mut asked = nightly();
    let output = asked.args(["miri", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// The command that runs the tests of a package.
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
    // This cargo's choice of a compiler is not that one's.
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
