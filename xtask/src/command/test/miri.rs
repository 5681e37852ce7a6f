//! Runs Miri on the unsafe code that can run on the host. Miri detects reads of freed or
//! uninitialised memory, and invalid use of pointers and references.

use std::process::Command;

/// A package, and which of its tests are run.
pub(super) struct Run {
    pub(super) package: &'static str,
    features: &'static [&'static str],
    /// The modules whose tests are run.
    modules: &'static [&'static str],
}

/// The packages to test, and the modules that contain or call unsafe code. Not among them are those
/// that run only on a machine: assembly, page tables in use, and registers at fixed addresses.
pub(super) const RUNS: [Run; 2] = [
    Run {
        package: "vmos-drivers",
        features: &[],
        modules: &["dma::", "pci::", "port::", "power::", "rtc::", "virtio::"],
    },
    Run {
        package: "vmos",
        features: &["defmt", "ipv6"],
        modules: &[
            "arch::long_descriptors::",
            "arch::riscv::page_table::",
            "arch::x86_64::translation::",
            "block::",
            "device_tree::",
            "devices::",
            "driver_cell::",
            "entropy::",
            "event_loop::",
            "exclusive::",
            "memory::",
            "net::checksum::",
            "net::packet::",
            "net::tests::frames::",
            "net::tests::raw::",
            "net::tests::udp::",
            "part::",
            "random::",
            "start_info::",
            "tags::",
            "time::",
        ],
    },
];

/// Options for Miri: addresses are passed to devices as numbers, so provenance is exposed; the
/// clock is the host's.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation";

/// How to install Miri.
pub(super) const INSTALL: &str = "rustup toolchain install nightly --component miri,rust-src";

/// Returns whether the nightly compiler is installed, with Miri.
pub(super) fn is_there() -> bool {
    let mut asked = nightly();
    let output = asked.args(["miri", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Returns the command that runs the tests of a package, or those whose names contain `filter`.
pub(super) fn command(run: &Run, filter: Option<&str>) -> Command {
    let mut command = nightly();
    command
        .args(["miri", "test", "--package", run.package, "--lib"])
        .args(
            run.features
                .iter()
                .flat_map(|feature| ["--features", feature]),
        )
        .arg("--");
    match filter {
        Some(filter) => command.arg(filter),
        None => command.args(run.modules),
    };
    command.env("MIRIFLAGS", FLAGS);
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
