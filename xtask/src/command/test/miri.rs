//! Runs Miri on the unsafe code that can run on the host. Miri detects reads of freed or
//! uninitialised memory, and invalid use of pointers and references.

use std::panic;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::runner::{Progress, run_command};
use super::tally::Tally;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A package, and which of its tests are run.
struct Run {
    package: &'static str,
    features: &'static [&'static str],
    /// The modules whose tests are run.
    modules: &'static [&'static str],
}

/// The packages to test, and the modules that contain or call unsafe code. Not among them are those
/// that run only on a machine: assembly, page tables in use, and registers at fixed addresses.
const RUNS: [Run; 2] = [
    Run {
        package: "vmos-drivers",
        features: &[],
        modules: &[
            "dma::",
            "hosted::",
            "interrupt_controller::its::",
            "pci::",
            "port::",
            "power::",
            "rtc::",
            "virtio::",
        ],
    },
    Run {
        package: "vmos",
        features: &["adapters", "defmt", "ipv6"],
        modules: &[
            "arch::long_descriptors::",
            "arch::riscv::page_table::",
            "arch::x86_64::translation::",
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
            "net::tests::networks::",
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

/// Runs Miri over all packages of the workspace at the same time, because it uses one processor for
/// each. Of the tests, only those run whose names contain `filter`, if there is one.
pub(super) fn run(
    workspace: &Workspace,
    filter: Option<&str>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let is_there = |run: &&Run| workspace.has_member(run.package);
    thread::scope(|scope| {
        let runs: Vec<_> = RUNS
            .iter()
            .filter(is_there)
            .map(|run| (run, scope.spawn(|| run.over(workspace, filter))))
            .collect();
        for (run, thread) in runs {
            let (summaries, ended_well) = thread
                .join()
                .unwrap_or_else(|panicked| panic::resume_unwind(panicked))?;
            summaries.iter().for_each(|line| tally.take(line));
            tally.close(&format!("Miri over {}", run.package), ended_well);
        }
        Ok(())
    })
}

impl Run {
    /// Runs the tests. Returns the lines that count them, and whether all passed.
    fn over(
        &self,
        workspace: &Workspace,
        filter: Option<&str>,
    ) -> Result<(Vec<String>, bool), Failure> {
        let package = self.package;
        eprintln!("xtask: running Miri over {package}");
        let target = workspace.target.join("miri").display().to_string();
        let environment = [("CARGO_TARGET_DIR", target)];
        let mut summaries = Vec::new();
        let start = Instant::now();
        let ended_well = run_command(
            self.command(filter),
            workspace,
            &environment,
            Progress::None,
            &mut |line| {
                if line.starts_with("test result: ") {
                    summaries.push(line.to_owned());
                }
            },
        )?;
        let seconds = start.elapsed().as_secs();
        eprintln!("xtask: Miri over {package} took {seconds} s");
        Ok((summaries, ended_well))
    }

    /// Returns the command that runs the tests, or those whose names contain `filter`.
    fn command(&self, filter: Option<&str>) -> Command {
        let mut command = nightly();
        let features = self.features.iter();
        command
            .args(["miri", "test", "--package", self.package, "--lib"])
            .args(features.flat_map(|feature| ["--features", feature]))
            .arg("--");
        match filter {
            Some(filter) => command.arg(filter),
            None => command.args(self.modules),
        };
        command.env("MIRIFLAGS", FLAGS);
        command
    }
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
