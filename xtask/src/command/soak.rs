//! `cargo xtask soak`: keeps a machine under mixed load for as long as one likes.

use clap::Args;

use super::test::{BOARDS_VARIABLE, MACHINE_TESTS};
use crate::boards;
use crate::failure::Failure;
use crate::image;
use crate::install;
use crate::target;
use crate::workspace::{Workspace, cargo};

/// The environment variable that says for how many minutes.
pub const MINUTES_VARIABLE: &str = "VMOS_SOAK_MINUTES";

/// The app that is run.
const APP: &str = "selftest";

/// Keep a machine under mixed load, with disturbances, and check that nothing is lost
///
/// Datagrams, reads of the disk and timers run at 80 % of what the machine was seen to do; besides,
/// blocks of the disk are written, flushed and noted in a journal. Every five seconds something happens:
/// a flood, a link that goes down, a used ring that is corrupted, a machine that is stopped or reset.
/// After each the machine must be sound, all work must go on, and the heap must be no larger than before.
/// At the end every failure of a device must be counted with its restart, and the disk image must hold
/// what the journal says.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask soak <BOARD> --minutes 10")]
pub struct Arguments {
    /// The board
    #[arg(value_name = "BOARD")]
    board: String,
    /// For how long
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    minutes: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, std::slice::from_ref(&arguments.board))?;
    boards::bring_up_to_date(&workspace, &boards)?;
    for board in &boards {
        install::target(target::triple(board.architecture))?;
        install::qemu(&target::qemu_program(board))?;
        image::build(&workspace, board, &[APP], None)?;
    }
    let status = cargo()
        .args([
            "test",
            "--quiet",
            "--package",
            MACHINE_TESTS,
            "--test",
            "machines",
            "--",
        ])
        .args(["--exact", "--nocapture"])
        .arg(format!("{}/{}/soak", arguments.board, attachment(&boards)))
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env(BOARDS_VARIABLE, &arguments.board)
        .env(MINUTES_VARIABLE, arguments.minutes.to_string())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Status(1))
    }
}

/// The way to attach devices that the board has first.
fn attachment(boards: &[vmos_codegen::Board]) -> String {
    let attachments = boards.iter().flat_map(crate::transport::Attachment::of);
    attachments
        .map(|one| one.to_string())
        .next()
        .unwrap_or_default()
}
