//! `cargo xtask test`: the tests on this computer, then those on machines in QEMU.

mod runner;
mod table;
mod tally;

use std::collections::BTreeSet;

use clap::Args;
use vmos_codegen::Board;

use crate::boards;
use crate::failure::Failure;
use crate::image::{self, ImageError};
use crate::install;
use crate::target;
use crate::workspace::Workspace;

use runner::{Progress, run as run_tests};
use table::Table;
use tally::Tally;

/// The variable that names the boards whose machines are tested, with commas between them.
pub const BOARDS_VARIABLE: &str = "VMOS_TEST_BOARDS";

/// The package of the tests that run machines.
const MACHINE_TESTS: &str = "vmos-machine-tests";

/// Run all tests: those of the crates on this computer, then every board in QEMU.
///
/// A machine test is named board/attachment/case. Each boots a machine of its own and drives it from
/// outside; one that fails shows what the machine printed. At the end there is a table of the
/// machine tests, and the last line counts all tests.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask test
  cargo xtask test <BOARD>
  cargo xtask test --filter pci/echo
  VMOS_QEMU=/opt/qemu-10 cargo xtask test <BOARD>

VMOS_QEMU names the folder of another QEMU than the installed one: where it was built and installed,
where packages of it were unpacked, or where its programs are.")]
pub struct Arguments {
    /// The boards whose machines are tested; all of them if none is named
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Run only the tests whose names contain this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// How many machines run at a time; two for each processor of this computer if not given
    #[arg(long, value_name = "COUNT")]
    machines: Option<usize>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    boards::bring_up_to_date(&workspace, &boards)?;
    install(&boards)?;

    let mut tally = Tally::default();
    eprintln!("xtask: testing the crates on this computer");
    let ended_well = run_tests(
        &workspace,
        &arguments.host_tests(),
        &[],
        Progress::None,
        |line| {
            tally.take(line);
        },
    )?;
    tally.close("the tests on this computer", ended_well);

    let mut table = Table::default();
    match build_images(&workspace, &boards) {
        // A repository of one's own has none of them; its images are built all the same.
        Ok(()) if !workspace.has_member(MACHINE_TESTS) => {}
        Ok(()) => {
            eprintln!("xtask: testing {} in QEMU", names(&boards).join(", "));
            let environment = [(BOARDS_VARIABLE, names(&boards).join(","))];
            let words = arguments.machine_tests();
            let ended_well = run_tests(&workspace, &words, &environment, Progress::Bar, |line| {
                tally.take(line);
                table.take(line);
            })?;
            tally.close("the machine tests", ended_well);
        }
        Err(error) => {
            eprintln!("error: {error}");
            tally.close("the machine tests", false);
        }
    }

    print!("\n{}", table.text());
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

impl Arguments {
    fn host_tests(&self) -> Vec<String> {
        let words = ["test", "--workspace", "--no-fail-fast"].into_iter();
        let filter = self
            .filter
            .iter()
            .flat_map(|filter| ["--", filter.as_str()]);
        words.chain(filter).map(str::to_owned).collect()
    }

    fn machine_tests(&self) -> Vec<String> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
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

/// One board after the other, since all of an architecture share what they are built from.
fn build_images(workspace: &Workspace, boards: &[Board]) -> Result<(), ImageError> {
    let apps: Vec<_> = workspace.apps.iter().map(|app| app.name.as_str()).collect();
    for board in boards {
        eprintln!("xtask: building {} for {}", apps.join(", "), board.name);
        image::build(workspace, board, &apps, None)?;
    }
    Ok(())
}

fn names(boards: &[Board]) -> Vec<&str> {
    boards.iter().map(|board| board.name.as_str()).collect()
}
