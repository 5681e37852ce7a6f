//! `cargo xtask build`: builds the image of an app for a board.

use std::fs;

use clap::Args;

use crate::boards;
use crate::failure::{Failure, FileError};
use crate::image;
use crate::install;
use crate::log_level::LogLevel;
use crate::target;
use crate::workspace::{Workspace, relative_to_here};

/// Build the image of an app for a board, and print its path
///
/// Generates code and installs the compiler's target first if needed. The files are in
/// `target/images/<BOARD>/`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask build <BOARD>
  cargo xtask build <BOARD> --app demo
  cargo xtask build <BOARD> --max-log warn")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`
    board: String,
    /// App: a folder in apps/; default: `default-app` in the root Cargo.toml
    #[arg(long)]
    app: Option<String>,
    /// Highest log level to compile in; default: all
    #[arg(long, value_enum, value_name = "LEVEL")]
    max_log: Option<LogLevel>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let board = boards::load(&workspace, &arguments.board)?;
    let app = workspace
        .app_or_default(arguments.app.as_deref())
        .map_err(Failure::usage)?;
    boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    install::target(target::triple(board.architecture))?;
    for image in image::build(&workspace, &board, &[&app.name], arguments.max_log)? {
        let mut files = vec![image.elf];
        if !files.contains(&image.kernel) {
            files.push(image.kernel);
        }
        for file in files {
            let size = fs::metadata(&file)
                .map_err(FileError::at("look at", &file))?
                .len();
            println!(
                "{}  {} KiB",
                relative_to_here(&file).display(),
                size.div_ceil(1024)
            );
        }
    }
    Ok(())
}
