//! The world around the simulated machines of `cargo xtask simulate`: what an app is asked from outside,
//! and what it must answer. It is a program of its own, so that it is compiled with optimisation, which
//! all of xtask would take minutes for.
//!
//! Usage: `world-peer APP PROGRAM SEED RUNS [trace]`

#![forbid(unsafe_code)]

mod demo;
mod http;
mod kv;
mod outside;
mod peer;
mod processor;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use vmos_simulation::{Broken, Program};

use outside::Outside;
use processor::Processor;

/// What a script does for a seed. With `true`, it keeps the trace as text.
type Run = fn(u64, Program, bool) -> (Option<Outside>, Result<(), Broken>);

/// Of so many seeds, one is run twice, and must have the same trace.
const REPEATED: u64 = 64;

/// The apps that have a script.
const SCRIPTS: [(&str, Run); 3] = [("demo", demo::run), ("http", http::run), ("kv", kv::run)];

/// The runs of one app.
struct Runs {
    name: String,
    script: Run,
    path: PathBuf,
    /// The seed of the first run; the others follow.
    seed: u64,
    count: u64,
    is_traced: bool,
}

fn main() -> ExitCode {
    let Some(runs) = Runs::read(env::args().skip(1)) else {
        eprintln!("usage: world-peer APP PROGRAM SEED RUNS [trace]");
        return ExitCode::from(2);
    };
    match runs.run() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

impl Runs {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let name = words.next()?;
        let (_, script) = SCRIPTS.into_iter().find(|(one, _)| *one == name)?;
        Some(Self {
            name,
            script,
            path: words.next()?.into(),
            seed: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
            is_traced: words.next().is_some_and(|word| word == "trace"),
        })
    }

    /// Returns the seeds.
    fn seeds(&self) -> impl Iterator<Item = u64> {
        // After the largest seed comes 0.
        (0..self.count).map(|number| self.seed.wrapping_add(number))
    }

    fn program(&self) -> Program {
        Program::app(self.path.clone(), &[peer::ADDRESS])
    }

    /// Runs the app with all seeds. Returns whether all runs were right.
    fn run(&self) -> bool {
        let began = Instant::now();
        let (failed, hash) = self.run_all();
        if let Some(seed) = failed {
            self.tell(seed);
            return false;
        }
        if self.is_traced {
            self.seeds().for_each(|seed| self.tell(seed));
        }
        println!(
            "{}: {} runs from seed {} are right, in {:.1} s; trace {hash:016x}",
            self.name,
            self.count,
            self.seed,
            began.elapsed().as_secs_f64(),
        );
        true
    }

    /// Runs the app with all seeds, on all processors. Returns the lowest seed whose run failed, and a
    /// hash of all traces.
    fn run_all(&self) -> (Option<u64>, u64) {
        let (seeds, hash) = (Mutex::new(self.seeds()), AtomicU64::new(0));
        let has_failed = AtomicBool::new(false);
        let failed = Mutex::new(None::<u64>);
        let run_some = |place: Option<Processor>| {
            if let Some(place) = place {
                place.keep_this_thread();
            }
            let program = self.program();
            while !has_failed.load(Ordering::Relaxed) {
                let next = seeds.lock().ok().and_then(|mut seeds| seeds.next());
                let Some(seed) = next else { return };
                let (trace, mut outcome) = self.run_one(seed, &program);
                if seed.is_multiple_of(REPEATED) && outcome.is_ok() {
                    outcome = self.repeat(seed, &program, trace);
                }
                // The order in which the runs end is of no importance.
                hash.fetch_xor(trace.rotate_left(seed as u32 % 64), Ordering::Relaxed);
                if outcome.is_err() {
                    has_failed.store(true, Ordering::Relaxed);
                    let mut first = failed.lock().unwrap_or_else(|lock| lock.into_inner());
                    *first = Some(first.map_or(seed, |first| first.min(seed)));
                }
            }
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let mut places = Processor::all();
        thread::scope(|scope| {
            for _ in 0..processors {
                let place = places.next();
                scope.spawn(move || run_some(place));
            }
        });
        let failed = failed.into_inner().unwrap_or_else(|lock| lock.into_inner());
        (failed, hash.into_inner())
    }

    /// Does a run, and returns the hash of its trace with the outcome.
    fn run_one(&self, seed: u64, program: &Program) -> (u64, Result<(), Broken>) {
        let (outside, outcome) = (self.script)(seed, program.clone(), false);
        let hash = outside.map_or(0, |outside| outside.world.trace.hash());
        (hash, outcome)
    }

    /// Does a run again. Fails if its trace is not what it was before.
    fn repeat(&self, seed: u64, program: &Program, before: u64) -> Result<(), Broken> {
        let (after, outcome) = self.run_one(seed, program);
        match after == before {
            true => outcome,
            false => Err(Broken(format!(
                "the same seed has another trace: {before:016x}, then {after:016x}"
            ))),
        }
    }

    /// Does a run again, and prints its trace.
    fn tell(&self, seed: u64) {
        let name = &self.name;
        let (outside, mut outcome) = (self.script)(seed, self.program(), true);
        if let Some(outside) = &outside {
            outside
                .world
                .trace
                .lines()
                .for_each(|line| println!("{line}"));
        }
        let hash = outside.map_or(0, |outside| outside.world.trace.hash());
        if outcome.is_ok() {
            outcome = self.repeat(seed, &self.program(), hash);
        }
        match outcome {
            Ok(()) => println!("{name}: seed {seed} is right; trace {hash:016x}"),
            Err(error) => println!(
                "{name}: seed {seed} FAILED: {error}\ntrace {hash:016x}; repeat it with: cargo xtask \
                 simulate {name} --seed {seed} --runs 1"
            ),
        }
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
