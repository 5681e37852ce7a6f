//! `cargo xtask test`: runs the host tests, then the machine tests in QEMU.

mod again;
mod app;
mod failures;
mod miri;
mod runner;
mod simultaneous;
mod table;
mod tally;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread;

use clap::Args;
use vmos_codegen::Board;

use super::simulate;
use crate::boards;
use crate::failure::Failure;
use crate::image::{self, ImageError};
use crate::install;
use crate::target;
use crate::time_limit::TimeLimit;
use crate::transport;
use crate::workspace::Workspace;

use failures::Failures;
use runner::{Progress, run as run_tests, run_command};
use table::Table;
use tally::Tally;

/// The environment variable that selects the boards for machine tests, separated by commas.
pub const BOARDS_VARIABLE: &str = "VMOS_TEST_BOARDS";

/// The environment variable that runs each case with every way to attach devices.
pub const EVERYTHING_VARIABLE: &str = "VMOS_TEST_EVERYTHING";

/// The environment variable that makes the machine tests record which faults were tried.
pub const RECORD_VARIABLE: &str = "VMOS_RECORD_FAULTS";

/// The package of the machine tests.
pub(super) const MACHINE_TESTS: &str = "vmos-machine-tests";

/// Run all tests: the host tests, then the machine tests on every board in QEMU
///
/// A machine test is named board/attachment/case. It boots its own machine and tests it from
/// outside; if it fails, it shows the machine's output. At the end, a table lists the machine
/// tests, the last lines name the tests that failed, and the last one counts all tests. Up to four
/// machine tests that failed beside others are run again, each alone: one that passes then has
/// passed, and is named too.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask test
  cargo xtask test <BOARD>
  cargo xtask test --filter pci/echo
  cargo xtask test --all <BOARD>
  cargo xtask test --miri
  cargo xtask test <BOARD> --app hello
  VMOS_QEMU=/opt/qemu-10 cargo xtask test <BOARD>

VMOS_QEMU names the folder of another QEMU than the installed one: where it was built and installed,
where packages of it were unpacked, or where its programs are.")]
pub struct Arguments {
    /// Boards for the machine tests; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Run only the tests of this app that are marked by `#[vmos::test]`, on the boards named, each as an
    /// image of its own; `hosted` is a board too
    #[arg(long, value_name = "APP", requires = "boards", conflicts_with_all = ["all", "miri", "record", "machines"])]
    app: Option<String>,
    /// With `--app`, the time that each test may take on its machine, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", requires = "app")]
    time_limit: TimeLimit,
    /// Run only the tests whose names contain this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run the cases that are otherwise spread over boards on each board with every way to attach devices,
    /// and build all apps that a board can run, also those that `seldom-tested` and `few-boards` in the root
    /// Cargo.toml leave out; run machines from their imported descriptions;
    /// without `--filter`, run loom on code that runs at the same time as a device, and Miri on the unsafe
    /// code if the nightly compiler has it; takes hours
    #[arg(long)]
    all: bool,
    /// Run only Miri, on the unsafe code that runs on the host; `--filter` limits it to the tests
    /// whose names contain a text; takes long, because Miri interprets the code
    #[arg(long, conflicts_with_all = ["all", "record", "machines", "boards"])]
    miri: bool,
    /// Add the machine tests that pass to tests/faults.json, and write the table of faults in
    /// docs/reliability.md
    #[arg(long)]
    record: bool,
    /// Number of machines that run at the same time; default: two for each host processor
    #[arg(long, value_name = "COUNT")]
    machines: Option<usize>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut tally = Tally::default();
    if arguments.miri {
        if !miri::is_there() {
            return Err(format!("Miri is not installed: {}", miri::INSTALL).into());
        }
        miri::run(&workspace, arguments.filter.as_deref(), &mut tally)?;
        return tell(&tally);
    }
    if let Some(app) = &arguments.app {
        let app = workspace.app(app).map_err(Failure::usage)?;
        return app::run(
            &workspace,
            &arguments.boards,
            app,
            arguments.filter.as_deref(),
            arguments.time_limit,
        );
    }
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    boards::bring_up_to_date(&workspace, &boards)?;
    install(&boards)?;
    if workspace.app("mqtt").is_ok() {
        install::mosquitto()?;
    }
    if workspace.app("tls").is_ok() {
        install::openssl()?;
    }
    if workspace.app("fat").is_ok() {
        install::fat_tools()?;
    }

    eprintln!("xtask: running the host tests");
    let ended_well = run_tests(
        &workspace,
        &arguments.host_tests(),
        &[],
        Progress::None,
        |line| {
            tally.take(line);
        },
    )?;
    tally.close("the host tests", ended_well);

    // Neither is wanted by one who repeats a machine test.
    if arguments.all && arguments.filter.is_none() {
        run_loom(&workspace, &mut tally)?;
        if miri::is_there() {
            miri::run(&workspace, None, &mut tally)?;
        } else {
            eprintln!(
                "xtask: Miri is not installed, so it is left out: {}",
                miri::INSTALL
            );
        }
    }
    let mut table = Table::default();
    let simulates = arguments.filter.is_none() && simulate::is_possible(&workspace);
    match simulate_and_build(&workspace, &boards, arguments.all, simulates, &mut tally) {
        // A repository of your own has no machine tests; its images are still built.
        Ok(()) if !workspace.has_member(MACHINE_TESTS) => {}
        Ok(()) => {
            eprintln!(
                "xtask: running the machine tests of {} in QEMU",
                names(&boards).join(", ")
            );
            let mut environment = vec![(BOARDS_VARIABLE, names(&boards).join(","))];
            if arguments.all {
                environment.push((EVERYTHING_VARIABLE, "1".to_owned()));
            }
            if arguments.record {
                environment.push((RECORD_VARIABLE, "1".to_owned()));
            }
            let words = arguments.machine_tests();
            let mut failures = Failures::default();
            let ended_well = run_tests(&workspace, &words, &environment, Progress::Bar, |line| {
                tally.take(line);
                table.take(line);
                failures.take(line);
            })?;
            tally.close("the machine tests", ended_well);
            let passed = again::run(&workspace, failures.tests(), &environment, &mut table)?;
            tally.passed_again(passed);
        }
        Err(error) => {
            eprintln!("error: {error}");
            tally.close("the machine tests", false);
        }
    }

    print!("\n{}", table.text());
    tell(&tally)
}

/// Prints what has failed. Fails if anything has.
fn tell(tally: &Tally) -> Result<(), Failure> {
    for test in tally.passed_later() {
        println!("failed beside others, passed alone: {test}");
    }
    for test in tally.failures() {
        println!("failed: {test}");
    }
    for problem in tally.problems() {
        println!("{problem}");
    }
    println!("{tally}");
    if tally.failed() == 0 {
        Ok(())
    } else {
        Err(Failure::Status(1))
    }
}

/// Runs loom.
fn run_loom(workspace: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
    for package in simultaneous::PACKAGES
        .into_iter()
        .filter(|package| workspace.has_member(package))
    {
        eprintln!("xtask: running loom over {package}");
        let (variable, flags) = simultaneous::FLAGS;
        // Other flags than elsewhere: a folder of its own, so that nothing is built again for them.
        let target = workspace.target.join("loom").display().to_string();
        let environment = [(variable, flags.to_owned()), ("CARGO_TARGET_DIR", target)];
        let ended_well = run_command(
            simultaneous::command(package),
            workspace,
            &environment,
            Progress::None,
            &mut |line| tally.take(line),
        )?;
        tally.close(&format!("loom over {package}"), ended_well);
    }
    Ok(())
}

impl Arguments {
    fn host_tests(&self) -> Vec<String> {
        let words = ["test", "--workspace", "--no-fail-fast"].into_iter();
        // The tests that build images are ignored.
        let slow = self.all.then_some("--include-ignored");
        let more: Vec<&str> = slow.into_iter().chain(self.filter.as_deref()).collect();
        let mark = (!more.is_empty()).then_some("--");
        words.chain(mark).chain(more).map(str::to_owned).collect()
    }

    fn machine_tests(&self) -> Vec<String> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let machines = self.machines.unwrap_or(2 * processors).max(1).to_string();
        let words = [
            "test",
            "--package",
            MACHINE_TESTS,
            "--test",
            "machines",
            "--",
            "--test-threads",
        ];
        let words = words.into_iter().chain([machines.as_str()]);
        words
            .chain(self.filter.as_deref())
            .map(str::to_owned)
            .collect()
    }
}

fn install(boards: &[Board]) -> Result<(), Failure> {
    let targets: BTreeSet<_> = boards
        .iter()
        .map(|b| target::triple(b.architecture))
        .collect();
    let programs: BTreeSet<_> = boards.iter().map(target::qemu_program).collect();
    targets.into_iter().try_for_each(install::target)?;
    programs
        .iter()
        .try_for_each(|program| install::qemu(program))?;
    Ok(())
}

/// Runs the simulations, if `simulates`, while the images are built: much of a build uses one processor only. What
/// they print follows afterwards.
fn simulate_and_build(
    workspace: &Workspace,
    boards: &[Board],
    all: bool,
    simulates: bool,
    tally: &mut Tally,
) -> Result<(), ImageError> {
    thread::scope(|scope| {
        let simulations = simulates.then(|| {
            eprintln!("xtask: running the simulations");
            scope.spawn(|| simulate::all(workspace))
        });
        let built = build_images(workspace, boards, all);
        if let Some(simulations) = simulations {
            let result = simulations.join();
            match result.unwrap_or_else(|panic| resume_unwind(panic)) {
                Ok(simulated) => {
                    print!("{}", simulated.output);
                    tally.add(simulated.passed, simulated.problems);
                }
                Err(Failure::Status(_)) => tally.close("the simulations", false),
                Err(error) => tally.add(0, vec![format!("the simulations: {error}")]),
            }
        }
        built
    })
}

/// Builds the images board by board, because boards of one architecture share a target folder.
fn build_images(workspace: &Workspace, boards: &[Board], all: bool) -> Result<(), ImageError> {
    let apps = || workspace.apps.iter().map(|app| app.name.as_str());
    let chosen: Vec<_> = boards.iter().map(|board| board.name.clone()).collect();
    for board in boards {
        let lacks_devices = transport::is_console_only(board);
        let can_run = |app: &&str| !lacks_devices || workspace.runs_without_virtio(board, all, app);
        let is_tried = |app: &&str| all || workspace.tries(&board.name, &chosen, app);
        let apps: Vec<_> = apps().filter(can_run).filter(is_tried).collect();
        eprintln!("xtask: building {} for {}", apps.join(", "), board.name);
        image::build(workspace, board, &apps, None)?;
    }
    Ok(())
}

fn names(boards: &[Board]) -> Vec<&str> {
    boards.iter().map(|board| board.name.as_str()).collect()
}
