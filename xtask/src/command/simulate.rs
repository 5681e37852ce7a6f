//! `cargo xtask simulate`: runs apps on a simulated machine whose devices fail, once for each seed.

mod demo;
mod http;
mod kv;
mod outside;
mod peer;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use clap::{Args, value_parser};
use vmos_simulation::{Broken, Program};

use crate::failure::Failure;
use crate::workspace::{Workspace, cargo};
use outside::Outside;

/// The default number of runs of each app.
const RUNS: u64 = 500;

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
  cargo xtask simulate kv --runs 10000
  cargo xtask simulate kv --seed 17 --runs 1")]
pub struct Arguments {
    /// Apps, of demo, http and kv; default: all of them
    #[arg(value_name = "APP")]
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

/// What a script does for a seed.
type Run = fn(u64, Program, bool) -> (Option<Outside>, Result<(), Broken>);

/// The apps that have a script.
const SCRIPTS: [(&str, Run); 3] = [("demo", demo::run), ("http", http::run), ("kv", kv::run)];

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut scripts = Vec::new();
    for name in &arguments.apps {
        let known = SCRIPTS.iter().find(|(one, _)| one == name);
        scripts.push(*known.ok_or_else(|| {
            Failure::usage(format!(
                "there is no simulation of `{name}`: there are demo, http and kv"
            ))
        })?);
    }
    if scripts.is_empty() {
        scripts.extend(&SCRIPTS);
    }
    match run_scripts(&workspace, arguments, &scripts)? {
        0 => Ok(()),
        _ => Err(Failure::Status(1)),
    }
}

/// Builds apps and runs each with all seeds. Returns the number of those with a run that was not right.
fn run_scripts(
    workspace: &Workspace,
    arguments: &Arguments,
    scripts: &[(&str, Run)],
) -> Result<usize, Failure> {
    // One after the other, each with the features of its own.
    for (name, _) in scripts {
        workspace.app(name).map_err(Failure::usage)?;
        let built = cargo()
            .args(["build", "--quiet", "--package", name])
            .current_dir(&workspace.root)
            .env("CARGO_TARGET_DIR", &workspace.target)
            .status()?;
        if !built.success() {
            return Err(Failure::Status(1));
        }
    }
    let failed = scripts.iter().filter(|(name, script)| {
        let path = workspace.target.join("debug").join(name);
        !run_app(arguments, name, *script, &path)
    });
    Ok(failed.count())
}

/// Returns whether the apps with scripts are in this workspace.
pub(super) fn is_possible(workspace: &Workspace) -> bool {
    SCRIPTS.iter().all(|(name, _)| workspace.app(name).is_ok())
}

/// Runs all apps with the default number of seeds, and passes `told` a line with the result in the form of
/// the test harness. Returns whether all runs were right.
pub(super) fn all(workspace: &Workspace, mut told: impl FnMut(&str)) -> Result<bool, Failure> {
    let arguments = Arguments {
        apps: Vec::new(),
        seed: 1,
        runs: RUNS,
        trace: false,
    };
    let failed = run_scripts(workspace, &arguments, &SCRIPTS)?;
    let passed = SCRIPTS.len() - failed;
    told(&format!(
        "test result: simulated. {passed} passed; {failed} failed"
    ));
    Ok(failed == 0)
}

/// Runs one app with all seeds. Returns whether all runs were right.
fn run_app(arguments: &Arguments, name: &str, script: Run, path: &Path) -> bool {
    let program = || Program::app(path.to_path_buf(), &[peer::ADDRESS]);
    let began = Instant::now();
    // After the largest seed comes 0.
    let seed_of = |number: u64| arguments.seed.wrapping_add(number);
    let (next, hash) = (AtomicU64::new(0), AtomicU64::new(0));
    let has_failed = AtomicBool::new(false);
    let failed = Mutex::new(None::<u64>);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.runs || has_failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = seed_of(number);
                    let (outside, outcome) = script(seed, program(), false);
                    let trace = outside.map_or(0, |outside| outside.world.trace.hash());
                    // The order in which the runs end is of no importance.
                    hash.fetch_xor(trace.rotate_left(seed as u32 % 64), Ordering::Relaxed);
                    if outcome.is_err() {
                        has_failed.store(true, Ordering::Relaxed);
                        let mut first = failed.lock().unwrap_or_else(|lock| lock.into_inner());
                        *first = Some(first.map_or(seed, |first| first.min(seed)));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(|lock| lock.into_inner());
    if arguments.trace && failed.is_none() {
        for seed in (0..arguments.runs).map(seed_of) {
            tell(name, seed, script(seed, program(), true));
        }
    }
    match failed {
        None => {
            println!(
                "{name}: {} runs from seed {} are right, in {:.1} s; trace {:016x}",
                arguments.runs,
                arguments.seed,
                began.elapsed().as_secs_f64(),
                hash.into_inner()
            );
            true
        }
        Some(seed) => {
            tell(name, seed, script(seed, program(), true));
            false
        }
    }
}

/// Prints a run with its trace.
fn tell(name: &str, seed: u64, run: (Option<Outside>, Result<(), Broken>)) {
    let (outside, outcome) = run;
    if let Some(outside) = &outside {
        outside
            .world
            .trace
            .lines()
            .for_each(|line| println!("{line}"));
    }
    let hash = outside.map_or(0, |outside| outside.world.trace.hash());
    match outcome {
        Ok(()) => println!("{name}: seed {seed} is right; trace {hash:016x}"),
        Err(error) => println!(
            "{name}: seed {seed} FAILED: {error}\ntrace {hash:016x}; repeat it with: cargo xtask simulate \
             {name} --seed {seed} --runs 1"
        ),
    }
}

/// Runs a script, and returns the world with the outcome.
fn judged(
    outside: Result<Outside, Broken>,
    script: impl FnOnce(&mut Outside) -> Result<(), Broken>,
) -> (Option<Outside>, Result<(), Broken>) {
    match outside {
        Ok(mut outside) => {
            let outcome = script(&mut outside);
            (Some(outside), outcome)
        }
        Err(error) => (None, Err(error)),
    }
}
