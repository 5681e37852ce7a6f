//! `cargo xtask audit`: compares the built image with the description.

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

/// Compare the built image with the description
///
/// Builds the image of an app for each board and checks it: segments and sections with their
/// permissions, the entry and the header that the loader reads, the vectors, the stack and its
/// guard, the frame of each function, and the table of everything that the board claims, entry by entry. The expected
/// values come from the description alone and not from generated files, so errors of the generator
/// are found too. Each difference is reported with the key of the description.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask audit
  cargo xtask audit <BOARD> --app selftest
  cargo xtask audit <BOARD> --elf target/images/<BOARD>/demo.elf")]
pub struct Arguments {
    /// Boards: files in boards/, without `.toml`; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// App: a folder in apps/
    #[arg(long, default_value = DEFAULT_APP)]
    app: String,
    /// Check this linked file instead of building one; needs exactly one board
    #[arg(long, value_name = "FILE", conflicts_with = "app")]
    elf: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    let mut are_as_described = true;
    if let Some(elf) = &arguments.elf {
        let [board] = &boards[..] else {
            return Err(Failure::usage(
                "--elf needs exactly one board: the one that the file was built for",
            ));
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

/// Audits a file and prints the result; returns whether the file matches the description.
pub(super) fn told(workspace: &Workspace, board: &Board, elf: &Path) -> Result<bool, Failure> {
    let bytes = fs::read(elf).map_err(FileError::at("read the image", elf))?;
    let audit = Audit::of(board, &bytes);
    let name = relative_to_here(elf);
    if audit.findings.is_empty() {
        println!(
            "{}: {} matches the description: {} facts checked",
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
        "{}: {} does not match the description: {} of {} facts differ",
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
