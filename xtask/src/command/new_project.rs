//! `cargo xtask new-project`: a repository of one's own, with VMOS as a dependency.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use vmos_codegen::source;
use vmos_codegen::tree::Plan;

use super::new;
use crate::failure::{Failure, FileError};

mod template;

use template::{Origin, Revision, files};

/// Make a repository of your own: boards, an app, and VMOS as a dependency, without a fork.
///
/// What is made runs at once. Its boards may extend those of VMOS, its generated/ is its own, and
/// `cargo xtask` does there what it does here.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask new-project ../my-project
  cargo xtask new-project ../my-project --board my-board --from <BOARD>
  cargo xtask new-project ../my-project --git https://example.org/vmos.git --rev v0.1.0")]
pub struct Arguments {
    /// The folder to make; it must not be there, or be empty
    directory: PathBuf,
    /// The name of its first board
    #[arg(long, default_value = "my-board", value_name = "NAME")]
    board: String,
    /// The board of VMOS that its first board extends; the first of them if not given
    #[arg(long, value_name = "BOARD")]
    from: Option<String>,
    /// Where to take VMOS from, instead of the copy of it that runs this command
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// The commit or tag to take
    #[arg(long, value_name = "REVISION", requires = "git")]
    rev: Option<String>,
    /// The branch to take
    #[arg(long, requires = "git", conflicts_with = "rev")]
    branch: Option<String>,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let library = source::library();
    let directory = empty(&arguments.directory)?;
    if directory.starts_with(&library) {
        let library = library.display();
        return Err(Failure::usage(format!(
            "{} is inside of VMOS itself; choose a folder outside of {library}",
            directory.display()
        )));
    }
    let sibling = match &arguments.from {
        Some(sibling) => sibling.clone(),
        None => vmos_codegen::board_names(&library)
            .map_err(FileError::at("list the boards in", &library))?
            .into_iter()
            .next()
            .ok_or("VMOS has no board to begin from")?,
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
        None => Origin::Path(library.clone()),
    };
    let board = new::write(&directory, &arguments.board, &sibling, None)?;
    for (path, text) in files(&origin, &board.name) {
        write(&directory.join(path), &text)?;
    }
    // The versions that VMOS was tested with; cargo leaves out what is not needed.
    if let Ok(lock) = fs::read_to_string(library.join("Cargo.lock")) {
        write(&directory.join("Cargo.lock"), &lock)?;
    }
    let plan = Plan::all(core::slice::from_ref(&board))?;
    plan.write(&directory.join("generated"))?;
    let (shown, name) = (arguments.directory.display(), &board.name);
    println!("{shown} is a repository with the board {name}, which extends {sibling}");
    println!("Next:");
    println!("    cd {shown}");
    println!("    cargo xtask run {name}");
    Ok(())
}

/// The folder, made if it is not there.
fn empty(path: &Path) -> Result<PathBuf, Failure> {
    if path.exists() {
        let mut entries = fs::read_dir(path).map_err(FileError::at("list", path))?;
        if entries.next().is_some() {
            return Err(Failure::usage(format!(
                "{} is not empty; choose a folder that is, or one that is not there",
                path.display()
            )));
        }
    }
    fs::create_dir_all(path).map_err(FileError::at("create the folder", path))?;
    Ok(path
        .canonicalize()
        .map_err(FileError::at("find the folder", path))?)
}

fn write(path: &Path, text: &str) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
    }
    fs::write(path, text).map_err(FileError::at("write", path))
}
