//! `cargo xtask verify`: compares board files with the machines they describe.

mod accept;
mod edit;
mod score;

use clap::Args;
use vmos_codegen::Board;
use vmos_codegen::machine::Facts;
use vmos_codegen::source::Folder;
use vmos_codegen::verify::mutate::mutate;
use vmos_codegen::verify::{self, Agreed};

pub use score::Score;

use crate::boards;
use crate::failure::Failure;
use crate::inspect::{self, InspectError};
use crate::workspace::Workspace;

/// Compare board files with the machines they describe
///
/// Starts QEMU paused, with the arguments that `run` uses, and compares its memory tree and its
/// device tree with the board file. Reports, each at its line: described devices that the machine
/// does not have; devices that are neither described nor listed under `[undescribed]`; and wrong
/// addresses, sizes, interrupts, frequencies, strides and counts. Only firmware runs on the
/// machine, and an endless loop in place of the kernel. Only --accept writes a file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask verify
  cargo xtask verify <BOARD>
  cargo xtask verify <BOARD> --accept
  cargo xtask verify <BOARD> --accept console.pl011.base --yes
  cargo xtask verify --mutate")]
pub struct Arguments {
    /// Boards: files in boards/, without `.toml`; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Measure how many errors `verify` finds: change every address, size, count, interrupt and
    /// frequency in memory, one at a time, and count the changes that are reported at their line
    #[arg(long)]
    mutate: bool,
    /// Correct the board file where the machine leaves only one possibility: wrong values, missing
    /// lines under [undescribed], and missing or wrong tables of devices that have a driver. Shows
    /// the changes and asks before it writes. With KEY, only this key or table; may be repeated
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "", conflicts_with = "mutate")]
    accept: Vec<String>,
    /// Write accepted changes without asking
    #[arg(long, requires = "accept")]
    yes: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    if !arguments.accept.is_empty() {
        return accept::run(&workspace, arguments);
    }
    let boards = boards::load_to_compare(&workspace, &arguments.boards)?;
    let sources = Folder::new(&workspace.root);
    let mut contradictions = None;
    let mut suffices = true;
    for board in &boards {
        let facts = match inspect::board(board) {
            Ok(facts) => facts,
            Err(failure) => {
                let refused =
                    refusal(&failure).and_then(|said| verify::refused(&sources, &board.name, said));
                boards::add(&mut contradictions, refused.ok_or(failure)?);
                continue;
            }
        };
        let compared = if arguments.mutate && !facts.has_tables() {
            Ok(format!(
                "{}: not counted: its machine has no device tree and no ACPI tables, which would tell \
                 interrupts and frequencies",
                board.name
            ))
        } else if arguments.mutate {
            mutate(&sources, &board.name, &facts).map(|mutants| {
                let score = Score {
                    board: &board.name,
                    mutants: &mutants,
                };
                suffices &= score.suffices();
                score.to_string()
            })
        } else {
            let agreed = verify::verify(&sources, &board.name, &facts);
            agreed.map(|agreed| sentence(board, &facts, agreed))
        };
        match compared {
            Ok(said) => println!("{said}"),
            Err(more) => boards::add(&mut contradictions, more),
        }
    }
    boards::tell(contradictions)?;
    if suffices {
        return Ok(());
    }
    Err(format!(
        "too few changes are reported at their line; at least {} % must be",
        score::WANTED
    )
    .into())
}

/// Returns QEMU's message, if it does not start the machine.
fn refusal(failure: &Failure) -> Option<&str> {
    let Failure::Failed(error) = failure else {
        return None;
    };
    match error.downcast_ref()? {
        InspectError::Ended(said) => Some(said),
        _ => None,
    }
}

fn sentence(board: &Board, facts: &Facts, agreed: Agreed) -> String {
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    let Agreed {
        ranges,
        interrupts,
        frequencies,
        undescribed,
    } = agreed;
    let frequencies = match frequencies {
        1 => "1 frequency".to_owned(),
        number => format!("{number} frequencies"),
    };
    format!(
        "{}: matches {}: {}, {}, {frequencies} ({} left out on purpose)",
        board.name,
        facts.teller,
        count(ranges, "range"),
        count(interrupts, "interrupt"),
        count(undescribed, "device"),
    )
}
