//! `cargo xtask audit`: what was built, held against the description.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use vmos_codegen::source::Folder;
use vmos_codegen::{Board, Written};

use crate::audit::Audit;
use crate::boards;
use crate::failure::{Failure, FileError};
use crate::image;
use crate::install;
use crate::target;
use crate::workspace::{DEFAULT_APP, Workspace, relative_to_here};

/// Hold what was built against the description: a mistake of the generator itself shows.
///
/// Builds the image of an app for each board and reads it: what it is loaded as and with which
/// permissions, the entry and what the loader reads there, the vectors, the stack and the page below
/// it, and the table of all that the board claims, entry by entry. What should be there is worked out
/// from the description, not from what was generated. Whatever is not as described is named with the
/// key that says otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask audit
  cargo xtask audit <BOARD> --app selftest
  cargo xtask audit <BOARD> --elf target/images/<BOARD>/demo.elf")]
pub struct Arguments {
    /// The boards: files in boards/, without `.toml`; all of them if none is named
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// The app: a folder in apps/
    #[arg(long, default_value = DEFAULT_APP)]
    app: String,
    /// Build nothing; read this linked file, for one board
    #[arg(long, value_name = "FILE", conflicts_with = "app")]
    elf: Option<PathBuf>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    let mut are_as_described = true;
    if let Some(elf) = &arguments.elf {
        let [board] = &boards[..] else {
            return Err(Failure::usage("name the one board that the file is for"));
        };
        are_as_described = told(&workspace, board, elf)?;
    } else {
        let app = workspace.app(&arguments.app).map_err(Failure::usage)?;
        boards::bring_up_to_date(&workspace, &boards)?;
        for board in &boards {
            install::target(target::triple(board.architecture))?;
            for image in image::build(&workspace, board, &[&app.name], None)? {
                are_as_described &= told(&workspace, board, &image.elf)?;
            }
        }
    }
    if are_as_described {
        Ok(())
    } else {
        Err(Failure::Status(1))
    }
}

/// Audits a file and tells what came of it; whether it is as described.
pub(super) fn told(workspace: &Workspace, board: &Board, elf: &Path) -> Result<bool, Failure> {
    let bytes = fs::read(elf).map_err(FileError::at("read the image", elf))?;
    let audit = Audit::of(board, &bytes);
    let name = relative_to_here(elf);
    if audit.findings.is_empty() {
        println!(
            "{}: {} is as described; {} facts hold",
            board.name,
            name.display(),
            audit.checked
        );
        return Ok(true);
    }
    let folder = Folder::new(&workspace.root);
    let (_, written) = vmos_codegen::load_written(&folder, &board.name)?;
    for finding in &audit.findings {
        println!("error: {}: {}", name.display(), finding.text);
        if let Some(key) = &finding.key {
            println!("  --> {}: `{key}`", position(&written, key));
        }
    }
    println!(
        "{}: {} is not as described: {} of {} facts do not hold",
        board.name,
        name.display(),
        audit.findings.len(),
        audit.checked
    );
    Ok(false)
}

fn position(written: &Written, key: &str) -> String {
    let (path, line, column) = written.position(written.place(key));
    format!("{path}:{line}:{column}")
}
