//! `cargo xtask verify`: descriptions against the machines they describe.

use clap::Args;
use vmos_codegen::Board;
use vmos_codegen::machine::{self, Agreed, Facts};
use vmos_codegen::source::Folder;

use crate::boards;
use crate::failure::Failure;
use crate::inspect;
use crate::workspace::Workspace;

/// Hold descriptions against the machines they describe.
///
/// Starts QEMU paused, by the arguments that `run` uses, and compares its memory tree and its device
/// tree with what the board file says: what is described and not there, what is there and neither
/// described nor listed under [undescribed], wrong addresses, sizes, interrupts, frequencies,
/// strides and counts. Each is told at its line. Nothing runs on the machine and nothing is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask verify
  cargo xtask verify <BOARD>")]
pub struct Arguments {
    /// The boards: files in boards/, without `.toml`; all of them if none is named
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    boards::bring_up_to_date(&workspace, &boards)?;
    let mut contradictions = None;
    for board in &boards {
        let facts = inspect::board(&workspace, board)?;
        match machine::verify(&Folder::new(&workspace.root), &board.name, &facts) {
            Ok(agreed) => println!("{}", sentence(board, &facts, agreed)),
            Err(more) => boards::add(&mut contradictions, more),
        }
    }
    boards::tell(contradictions)
}

fn sentence(board: &Board, facts: &Facts, agreed: Agreed) -> String {
    let Agreed {
        ranges,
        interrupts,
        frequencies,
        undescribed,
    } = agreed;
    format!(
        "{}: {ranges} ranges, {interrupts} interrupts and {frequencies} frequencies are as {} has \
         them; {undescribed} things are left out on purpose",
        board.name, facts.teller
    )
}
