//! `cargo xtask build`: the image of an app for a board.

use std::fs;

use clap::Args;

use crate::boards;
use crate::failure::{Failure, FileError};
use crate::image;
use crate::install;
use crate::log_level::LogLevel;
use crate::target;
use crate::workspace::{Workspace, relative_to_here};

/// Build the image of an app for a board, and say where it is.
///
/// Generates and installs the compiler's target first where needed. The files are in
/// `target/images/<BOARD>/`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask build <BOARD>
  cargo xtask build <BOARD> --app demo
  cargo xtask build <BOARD> --max-log warn")]
pub struct Arguments {
    /// The board: a file in boards/, without `.toml`
    board: String,
    /// The app: a folder in apps/; `demo` if not given, or the first where there is none
    #[arg(long)]
    app: Option<String>,
    /// The highest level of the log that is compiled in; all of them if not given
    #[arg(long, value_enum, value_name = "LEVEL")]
    max_log: Option<LogLevel>,
}

/// Does it.
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
