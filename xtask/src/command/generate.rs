//! `cargo xtask gen`: writes `generated/` from the board descriptions.

use clap::Args;
use vmos_codegen::tree::{Plan, Stale};

use crate::boards;
use crate::diagnostics::{self, MessageFormat};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Generate code from the board descriptions
///
/// Reads boards/*.toml, reports every error, and updates generated/: it rewrites only files that
/// change, and lists them. If a description has an error, nothing is written. Review the changes
/// with `git diff generated`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask gen
  cargo xtask gen <BOARD>
  cargo xtask gen --check
  cargo xtask gen --check --message-format github")]
pub struct Arguments {
    /// Boards: files in boards/, without `.toml`; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Write nothing; show what is out of date, and fail if anything is
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    let plan = if arguments.boards.is_empty() {
        Plan::all(&boards)?
    } else {
        boards::plan_some(&workspace, &boards)?
    };
    let generated = workspace.root.join("generated");
    if !arguments.check {
        diagnostics::say(plan.write(&generated)?);
        return Ok(());
    }
    let stale = plan.check(&generated)?;
    if stale.is_empty() {
        diagnostics::say("generated/ is up to date");
        return Ok(());
    }
    print!(
        "{}",
        Stale::report_as(&stale, MessageFormat::chosen().into())
    );
    Err(Failure::Status(1))
}
