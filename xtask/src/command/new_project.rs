//! `cargo xtask new-project`: creates a repository that uses VMOS as a dependency.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use vmos_codegen::source::{self, Folder};
use vmos_codegen::tree::Plan;

use super::new;
use crate::boards;
use crate::failure::{Failure, FileError};
use crate::files;
use crate::git::is_in_repository;
use crate::transport;

mod origin;
mod template;

use template::{EXAMPLE_BOARD, Origin, Revision, files};

/// Create a separate repository, with a board and an app, that uses VMOS as a dependency
///
/// The new repository builds and runs without changes. Its boards can extend those of VMOS, it has
/// its own generated/, and `cargo xtask` has the same commands there. It takes VMOS from the git
/// repository that this copy was cloned from, at the same commit, or from this copy if it is no clone,
/// has changes, or was cloned from an address with a password.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask new-project ../my-project
  cargo xtask new-project ../my-project --board my-board --from <BOARD>
  cargo xtask new-project ../my-project --path
  cargo xtask new-project ../my-project --git https://example.org/vmos.git --rev v0.1.0")]
pub struct Arguments {
    /// Folder to create; it must be empty or not exist
    directory: PathBuf,
    /// Name of the first board
    #[arg(long, default_value = "my-board", value_name = "NAME")]
    board: String,
    /// Board of VMOS that the first board extends; default: the first one with virtio devices
    #[arg(long, value_name = "BOARD")]
    from: Option<String>,
    /// Git repository to take VMOS from; default: the `origin` of the local copy
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// Take VMOS from the local copy that runs this command, so that changes there have an effect
    #[arg(long, conflicts_with = "git")]
    path: bool,
    /// Commit or tag of VMOS to use
    #[arg(long, value_name = "REVISION", requires = "git")]
    rev: Option<String>,
    /// Branch of VMOS to use
    #[arg(long, requires = "git", conflicts_with = "rev")]
    branch: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    files::folder_or_nothing(&arguments.directory, || create(arguments))
}

fn create(arguments: &Arguments) -> Result<(), Failure> {
    let library = source::library();
    let directory = empty(&arguments.directory)?;
    if directory.starts_with(&library) {
        let library = library.display();
        return Err(Failure::usage(format!(
            "{} is inside VMOS itself; choose a folder outside {library}",
            directory.display()
        )));
    }
    if arguments.board == EXAMPLE_BOARD {
        return Err(Failure::usage(format!(
            "the new repository has an example board named `{EXAMPLE_BOARD}`; choose another name"
        )));
    }
    let name = &arguments.board;
    let extends = format!("--board my-{name} --from {name}");
    boards::refuse_name_of_vmos(&directory, name, &extends)?;
    let sibling = match &arguments.from {
        Some(sibling) => sibling.clone(),
        None => usual(&library)?,
    };
    let origin = match &arguments.git {
        Some(url) => Origin::Git {
            url: url.clone(),
            revision: match (&arguments.rev, &arguments.branch) {
                (Some(commit), _) => Some(Revision::Commit(commit.clone())),
                (None, Some(branch)) => Some(Revision::Branch(branch.clone())),
                (None, None) => None,
            },
        },
        None if arguments.path => Origin::Path(library.clone()),
        None => found(&library, &sibling),
    };
    let board = new::write(&directory, &arguments.board, &sibling, None)?;
    for (path, text) in files(&origin, &board.name) {
        files::write(&directory.join(path), &text)?;
    }
    // Use the versions that VMOS was tested with; cargo drops the entries that are not needed.
    if let Ok(lock) = fs::read_to_string(library.join("Cargo.lock")) {
        files::write(&directory.join("Cargo.lock"), &lock)?;
    }
    let example = new::load(&Folder::new(&directory), EXAMPLE_BOARD)?;
    let plan = Plan::all(&[board.clone(), example])?;
    plan.write(&directory.join("generated"))?;
    if !is_in_repository(&directory) {
        // A project without git works too.
        let mut git = Command::new("git");
        let _ = git
            .args(["init", "--quiet"])
            .current_dir(&directory)
            .status();
    }
    let (shown, name) = (arguments.directory.display(), &board.name);
    println!("created {shown} with the board {name}, which extends {sibling}");
    println!("Next:");
    println!("    cd {shown}");
    println!("    cargo xtask run {name}");
    Ok(())
}

/// Returns the first board of VMOS whose machine has virtio devices, so that every app runs on it.
fn usual(library: &Path) -> Result<String, Failure> {
    let names =
        vmos_codegen::board_names(library).map_err(FileError::at("list the boards in", library))?;
    let folder = Folder::new(library);
    let has_devices = |name: &String| {
        new::load(&folder, name).is_ok_and(|board| !transport::is_console_only(&board))
    };
    let found = names.into_iter().find(has_devices);
    Ok(found.ok_or("VMOS has no board to extend")?)
}

/// Returns where the copy of VMOS in `library` came from, or the copy, and prints which.
fn found(library: &Path, sibling: &str) -> Origin {
    match origin::of(library, sibling) {
        Ok(origin) => {
            eprintln!("xtask: the project takes VMOS from {origin}; with --path, from this copy");
            origin
        }
        Err(why) => {
            let origin = Origin::Path(library.to_owned());
            eprintln!("xtask: the project takes VMOS from {origin}, because {why}");
            origin
        }
    }
}

/// Creates the folder if needed, and returns it; fails if it is not empty.
fn empty(path: &Path) -> Result<PathBuf, Failure> {
    if path.exists() {
        let mut entries = fs::read_dir(path).map_err(FileError::at("list", path))?;
        if entries.next().is_some() {
            return Err(Failure::usage(format!(
                "{} is not empty; choose an empty or a new folder",
                path.display()
            )));
        }
    }
    fs::create_dir_all(path).map_err(FileError::at("create the folder", path))?;
    Ok(path
        .canonicalize()
        .map_err(FileError::at("find the folder", path))?)
}
