//! Loads board descriptions, and updates the files generated from them.

use core::error::Error;
use core::fmt;
use std::path::Path;

use vmos_codegen::source::{Folder, Sources};
use vmos_codegen::tree::Plan;
use vmos_codegen::{Board, Diagnostics};

use crate::failure::{Failure, FileError};
use crate::suggest;
use crate::workspace::Workspace;

/// Returns the names of all boards, sorted.
pub fn names(workspace: &Workspace) -> Result<Vec<String>, FileError> {
    let folder = workspace.root.join("boards");
    vmos_codegen::board_names(&workspace.root).map_err(FileError::at("list", folder))
}

/// What `cargo xtask run` takes in place of a board for a process of this host.
pub const HOSTED: &str = "hosted";

/// Rejects a name for a new board that `cargo xtask run` takes for something else.
pub fn refuse_taken(name: &str) -> Result<(), Failure> {
    if name == HOSTED {
        return Err(Failure::usage(format!(
            "a new board cannot be named `{HOSTED}`, because `cargo xtask run {HOSTED}` runs an app as a \
             process of this host; choose another name"
        )));
    }
    Ok(())
}

/// Rejects a name for a new board of the workspace at `root` that a board of VMOS itself has: the new
/// board would take the place of that one in all boards that extend it. `way_out` is what to write
/// instead. A board that the workspace already has is not concerned, so VMOS's own never are.
pub fn refuse_name_of_vmos(root: &Path, name: &str, way_out: &str) -> Result<(), Failure> {
    let folder = Folder::new(root);
    // A workspace that is being created has no `boards/` yet.
    let own = folder.own_names().unwrap_or_default();
    let all = folder.names().map_err(FileError::at("list", root))?;
    let is_listed = |names: &[String]| names.iter().any(|known| known == name);
    if !is_listed(&all) || is_listed(&own) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "VMOS has a board `{name}`, and a new board cannot take its place; choose another name, such as \
         `{way_out}`"
    )))
}

/// Reads and checks the description of one board.
pub fn load(workspace: &Workspace, name: &str) -> Result<Board, Failure> {
    let mut boards = load_named(workspace, &[name.to_owned()], &names(workspace)?)?;
    boards
        .pop()
        .ok_or_else(|| format!("the board `{name}` has no description").into())
}

/// Reads and checks the descriptions of all boards.
pub fn load_all(workspace: &Workspace) -> Result<Vec<Board>, Failure> {
    load_some(workspace, &[])
}

/// Reads and checks the descriptions of the named boards, or of all boards if `names` is empty.
pub fn load_some(workspace: &Workspace, names: &[String]) -> Result<Vec<Board>, Failure> {
    let all = self::names(workspace)?;
    load_named(workspace, if names.is_empty() { &all } else { names }, &all)
}

/// Reads the descriptions of the named boards, or of all boards, for a comparison with their
/// machines: conflicts between values are left to the comparison.
pub fn load_to_compare(workspace: &Workspace, names: &[String]) -> Result<Vec<Board>, Failure> {
    let all = self::names(workspace)?;
    let names = if names.is_empty() { &all } else { names };
    load_each(names, &all, |name| {
        vmos_codegen::load_to_compare(&workspace.root, name)
    })
}

/// The boards without errors, and the errors of the others: an error in one file does not hide the
/// other boards.
#[derive(Debug, Default)]
pub struct Sound {
    /// The boards without errors, in order.
    pub boards: Vec<Board>,
    /// The boards with errors, each with its errors.
    pub broken: Vec<(String, Diagnostics)>,
}

impl Sound {
    /// Reads the descriptions of all boards.
    pub fn of(workspace: &Workspace) -> Result<Self, Failure> {
        let mut sound = Self::default();
        for name in names(workspace)? {
            match vmos_codegen::load(&workspace.root, &name) {
                Ok(board) => sound.boards.push(board),
                Err(told) => sound.broken.push((name, told)),
            }
        }
        Ok(sound)
    }

    /// Prints to standard error which boards are left out, each with its first error.
    pub fn say_broken(&self) {
        for (name, told) in &self.broken {
            eprintln!("xtask: {}", left_out(name, told));
        }
    }
}

/// Returns a line about a board that is left out because of its errors.
fn left_out(name: &str, told: &Diagnostics) -> String {
    let first = told.iter().next().map(|one| {
        let (path, line, column) = told.position(one.primary.at);
        format!(" ({path}:{line}:{column}: {})", one.title)
    });
    let count = match told.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    format!(
        "the board `{name}` is left out: its description has {count}{}; `cargo xtask gen {name}` \
         lists all",
        first.unwrap_or_default()
    )
}

/// Reports the errors of all boards, not only those of the first one with errors.
fn load_named(
    workspace: &Workspace,
    names: &[String],
    all: &[String],
) -> Result<Vec<Board>, Failure> {
    load_each(names, all, |name| vmos_codegen::load(&workspace.root, name))
}

fn load_each(
    names: &[String],
    all: &[String],
    load: impl Fn(&str) -> Result<Board, Diagnostics>,
) -> Result<Vec<Board>, Failure> {
    if let Some(name) = names.iter().find(|name| !all.contains(name)) {
        return Err(Failure::usage(NoSuchBoard {
            name: name.clone(),
            names: all.to_vec(),
        }));
    }
    let mut boards = Vec::new();
    let mut mistakes: Option<Diagnostics> = None;
    for name in names {
        match load(name) {
            Ok(board) => boards.push(board),
            Err(more) => add(&mut mistakes, more),
        }
    }
    tell(mistakes).map(|()| boards)
}

/// Adds the errors of one more board.
pub fn add(mistakes: &mut Option<Diagnostics>, more: Diagnostics) {
    match mistakes {
        Some(mistakes) => mistakes.merge(more),
        None => *mistakes = Some(more),
    }
}

/// Fails with the errors, if there are any.
pub fn tell(mistakes: Option<Diagnostics>) -> Result<(), Failure> {
    match mistakes {
        Some(mistakes) => Err(Failure::mistakes(mistakes)),
        None => Ok(()),
    }
}

/// Updates the files of these boards in `generated/` if they are out of date, with a message.
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

/// Plans the generated files of some of the boards.
pub fn plan_some(workspace: &Workspace, boards: &[Board]) -> Result<Plan, Failure> {
    let names = names(workspace)?;
    let all: Vec<Option<Board>> = names
        .iter()
        .map(
            |name| match boards.iter().find(|board| board.name == *name) {
                Some(board) => Some(board.clone()),
                None => vmos_codegen::load(&workspace.root, name).ok(),
            },
        )
        .collect();
    // An error in another board's file does not affect these boards: the other board stays in the
    // lists of all boards if its code was generated before.
    let is_listed = |(name, board): &(&String, &Option<Board>)| {
        board.is_some() || workspace.generated(name).join("board.rs").is_file()
    };
    let listed = names.iter().zip(&all).filter(is_listed);
    let listed: Vec<_> = listed.map(|(name, _)| name.as_str()).collect();
    let plan = Plan::some(boards, &listed)?;
    // The page of all boards needs all of them, so it is not updated.
    let all: Option<Vec<Board>> = all.into_iter().collect();
    Ok(match all {
        Some(all) => plan.with_index(&all),
        None => plan,
    })
}

/// The error for a board name that does not exist.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchBoard {
    /// The requested name of a board.
    pub name: String,
    /// The names of all boards.
    pub names: Vec<String>,
}

impl fmt::Display for NoSuchBoard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name == HOSTED {
            return formatter.write_str(
                "`hosted` has no board file, because an app is a process of this host there: `cargo xtask \
                 run hosted` and `cargo xtask test hosted --app APP` take it, and debuggers and profilers of \
                 the host take the program that `cargo build --package APP` builds",
            );
        }
        suggest::unknown(formatter, "board", &self.name, &self.names)
    }
}

impl Error for NoSuchBoard {}
