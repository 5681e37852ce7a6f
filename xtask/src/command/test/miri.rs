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

/// A package whose tests are run, all of them: a list of modules would leave out what is added later.
/// It would also cost time, since Miri interprets the harness too, which searches the name of each test for
/// each name in the list before it prints anything.
struct Run {
    package: &'static str,
    features: &'static [&'static str],
}

/// The libraries that contain unsafe code for a host; all others forbid it. What runs only on a machine
/// is not compiled for a host: assembly, page tables in use, and registers at fixed addresses.
const RUNS: [Run; 2] = [
    Run {
        package: "vmos-drivers",
        features: &[],
    },
    Run {
        package: "vmos",
        features: &["adapters", "defmt", "ipv6"],
    },
];

/// Options for Miri: addresses are passed to devices as numbers, so provenance is exposed; the
/// clock is the host's; memory is leaked on purpose if its device cannot be stopped, and with each
/// network stack. Tests of buffers count what is leaked themselves.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation -Zmiri-ignore-leaks";

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
            .arg("--")
            .args(filter);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;
    use crate::workspace::cargo;

    /// The package of the boards, which contains nothing on a host.
    const BOARDS: &str = "vmos-board";

    #[test]
    fn every_library_forbids_unsafe_code_or_is_run() {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1"])
            .output()
            .expect("cargo is there");
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let packages = metadata["packages"].as_array().expect("they are a list");
        for package in packages {
            let name = package["name"].as_str().expect("a package has a name");
            if name == BOARDS || RUNS.iter().any(|run| run.package == name) {
                continue;
            }
            let targets = package["targets"].as_array().into_iter().flatten();
            let is_library = |target: &&Value| target["kind"][0] == "lib";
            for library in targets.filter(is_library) {
                let source = library["src_path"].as_str().expect("a target has a source");
                let text = fs::read_to_string(source).expect("a source is text");
                assert!(
                    text.contains("#![forbid(unsafe_code)]"),
                    "{source} may contain unsafe code, and Miri does not run it"
                );
            }
        }
    }
}
