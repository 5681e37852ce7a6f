//! The boards: their descriptions, and what is generated from them.

use core::error::Error;
use core::fmt;
use std::io::IsTerminal as _;
use std::{fs, io};

use vmos_codegen::Board;
use vmos_codegen::tree::Plan;

use crate::failure::{Failure, FileError};
use crate::suggest;
use crate::workspace::Workspace;

/// The names of all boards, in order.
pub fn names(workspace: &Workspace) -> Result<Vec<String>, FileError> {
    let folder = workspace.root.join("boards");
    let at = |error: io::Error| FileError::at("list", &folder)(error);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(at)? {
        let name = entry.map_err(at)?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".toml")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Reads and checks the description of a board.
pub fn load(workspace: &Workspace, name: &str) -> Result<Board, Failure> {
    let names = names(workspace)?;
    if !names.iter().any(|known| known == name) {
        return Err(Failure::usage(NoSuchBoard {
            name: name.to_owned(),
            names,
        }));
    }
    vmos_codegen::load(&workspace.root, name).map_err(|diagnostics| {
        eprint!("{}", diagnostics.render(io::stderr().is_terminal()));
        Failure::Status(1)
    })
}

/// Reads and checks the descriptions of all boards.
pub fn load_all(workspace: &Workspace) -> Result<Vec<Board>, Failure> {
    load_some(workspace, &names(workspace)?)
}

/// Reads and checks the descriptions of the boards named, or of all boards where none is.
pub fn load_some(workspace: &Workspace, names: &[String]) -> Result<Vec<Board>, Failure> {
    if names.is_empty() {
        return load_all(workspace);
    }
    names.iter().map(|name| load(workspace, name)).collect()
}

/// Writes what is out of date in `generated/` for these boards, saying so.
pub fn bring_up_to_date(workspace: &Workspace, boards: &[Board]) -> Result<(), Failure> {
    let root = workspace.root.join("generated");
    let plan = plan_some(workspace, boards)?;
    if plan.check(&root)?.is_empty() {
        return Ok(());
    }
    eprintln!("xtask: generated/ is out of date; generating");
    eprintln!("{}", plan.write(&root)?);
    Ok(())
}

/// The files of some of the boards.
pub fn plan_some(workspace: &Workspace, boards: &[Board]) -> Result<Plan, Failure> {
    let names = names(workspace)?;
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    Ok(Plan::some(boards, &names)?)
}

/// No board has this name.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchBoard {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub names: Vec<String>,
}

impl fmt::Display for NoSuchBoard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        suggest::unknown(formatter, "board", &self.name, &self.names)
    }
}

impl Error for NoSuchBoard {}
