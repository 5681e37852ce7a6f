//! `cargo xtask simulate`: runs apps on a simulated machine whose devices fail, once for each seed.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::builder::PossibleValuesParser;
use clap::{Args, value_parser};

use crate::failure::Failure;
use crate::host_program;
use crate::workspace::{Workspace, cargo};

/// The default number of runs of each app.
const RUNS: u64 = 10_000;
/// The apps that have a script, in `xtask/peers/world`.
const APPS: [&str; 3] = ["demo", "http", "kv"];
/// The program with the scripts.
const WORLD: &str = "world-peer";
/// The profile of the apps and of the program.
const PROFILE: &str = "simulation";

/// Run an app on a simulated machine whose devices fail, once for each seed
///
/// Time is virtual, and all chance comes from the seed: the same seed gives the same run. In each run,
/// frames are lost, doubled, reordered and late; disks fail, are late, and lose at a crash what was not
/// flushed; devices lie, need a reset or never answer; and interrupts are late or doubled. Afterwards,
/// everything must work: nothing flushed is lost, every reply is what was asked for, no task waits for
/// ever, no timer is early, and memory is back to where it was. A run that fails prints its seed, and its
/// trace.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask simulate
  cargo xtask simulate kv --runs 100000
  cargo xtask simulate kv --seed 17 --runs 1")]
pub struct Arguments {
    /// Apps; default: all of them
    #[arg(value_name = "APP", value_parser = PossibleValuesParser::new(APPS))]
    apps: Vec<String>,
    /// Seed of the first run; the others follow
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Number of runs of each app
    #[arg(long, value_name = "COUNT", default_value_t = RUNS, value_parser = value_parser!(u64).range(1..))]
    runs: u64,
    /// Print the trace of each run, not only of one that fails
    #[arg(long)]
    trace: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let named: Vec<_> = arguments.apps.iter().map(String::as_str).collect();
    let apps = if named.is_empty() { &APPS[..] } else { &named };
    let show = |mut command: Command| Ok(command.status()?.success());
    match run_apps(&workspace, arguments, apps, show)?.as_slice() {
        [] => Ok(()),
        _ => Err(Failure::Status(1)),
    }
}

/// Builds apps and runs each with all seeds, by a command that `run` executes: it returns whether the command
/// succeeded. Returns the names of the apps with a run that was not right.
fn run_apps<'a>(
    workspace: &Workspace,
    arguments: &Arguments,
    apps: &[&'a str],
    mut run: impl FnMut(Command) -> io::Result<bool>,
) -> Result<Vec<&'a str>, Failure> {
    for name in apps {
        workspace.app(name).map_err(Failure::usage)?;
    }
    // All of them, so that an app has the same kernel, and a seed the same trace, whatever else is run.
    let packages = APPS.iter().chain([&WORLD]);
    let mut build = cargo();
    build
        .args(["build", "--quiet", "--profile", PROFILE])
        .args(packages.flat_map(|package| ["--package", package]))
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target);
    let mut programs = host_program::build(&mut build, &[apps, &[WORLD]].concat())?;
    let world = &programs.pop().ok_or("cargo built no program")?;
    let mut failed = Vec::new();
    for (name, app) in apps.iter().zip(&programs) {
        let command = command(arguments, name, world, app);
        let is_right =
            run(command).map_err(|error| format!("cannot start {}: {error}", world.display()))?;
        if !is_right {
            failed.push(*name);
        }
    }
    Ok(failed)
}

/// Returns whether the apps with scripts are in this workspace.
pub(super) fn is_possible(workspace: &Workspace) -> bool {
    APPS.iter().all(|name| workspace.app(name).is_ok())
}

/// The result of all simulations.
#[derive(Debug, Default)]
pub(super) struct Simulated {
    /// The number of apps whose runs were all right.
    pub(super) passed: u64,
    /// A message for each other app.
    pub(super) problems: Vec<String>,
    /// What was printed about the runs.
    pub(super) output: String,
}

/// Runs all apps with the default number of seeds. Prints only what cargo prints.
pub(super) fn all(workspace: &Workspace) -> Result<Simulated, Failure> {
    let arguments = Arguments {
        apps: Vec::new(),
        seed: 1,
        runs: RUNS,
        trace: false,
    };
    let mut text = String::new();
    let keep = |mut command: Command| {
        let output = command.stdin(Stdio::null()).output()?;
        for part in [output.stdout, output.stderr] {
            text += &String::from_utf8_lossy(&part);
        }
        Ok(output.status.success())
    };
    let failed = run_apps(workspace, &arguments, &APPS, keep)?;
    let problem = |name: &&str| {
        format!("failed: the simulation of {name}; `cargo xtask simulate {name}` repeats it")
    };
    Ok(Simulated {
        passed: (APPS.len() - failed.len()) as u64,
        problems: failed.iter().map(problem).collect(),
        output: text,
    })
}

/// Returns the command that runs one app with all seeds.
fn command(arguments: &Arguments, name: &str, world: &Path, app: &Path) -> Command {
    let numbers = [arguments.seed, arguments.runs].map(|number| number.to_string());
    let mut command = Command::new(world);
    command
        .arg(name)
        .arg(app)
        .args(numbers)
        .args(arguments.trace.then_some("trace"));
    command
}
