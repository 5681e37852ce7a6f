//! `cargo xtask soak`: keeps a machine under mixed load for a given time.

use clap::Args;

use super::test::{BOARDS_VARIABLE, MACHINE_TESTS};
use crate::boards;
use crate::failure::Failure;
use crate::image;
use crate::install;
use crate::target;
use crate::workspace::{Workspace, cargo};

/// The environment variable with the duration in minutes.
pub const MINUTES_VARIABLE: &str = "VMOS_SOAK_MINUTES";

/// The app that the machine runs.
const APP: &str = "selftest";

/// Keep a machine under mixed load, with disturbances, and check that no data is lost
///
/// Datagrams, disk reads and timers run at 80 % of the machine's measured capacity. In addition,
/// disk blocks are written, flushed and recorded in a journal. Every five seconds there is a
/// disturbance: a flood, a link that goes down, a corrupted used ring, or a machine that is stopped
/// or reset. After each one, the machine must work, all operations must continue, and its heap must
/// not have grown. At the end, every failure of a device must be counted with its restart, and the
/// disk image must contain everything in the journal.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask soak <BOARD> --minutes 10")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`
    #[arg(value_name = "BOARD")]
    board: String,
    /// Duration of the test
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

/// Returns the board's first way to attach devices.
fn attachment(boards: &[vmos_codegen::Board]) -> String {
    let attachments = boards.iter().flat_map(crate::transport::Attachment::of);
    attachments
        .map(|one| one.to_string())
        .next()
        .unwrap_or_default()
}
