//! Generates, from the description of a board, the files that its kernel is built from.
//!
//! A board file is read into located values ([`description`]) and checked for errors ([`check`]). A
//! valid description is resolved to a [`Board`], from which pure functions generate the text of
//! each file ([`emit`]). The files are written or compared with the existing ones ([`tree`]).

#![forbid(unsafe_code)]

pub mod attestation;
pub mod binding;
pub mod board;
pub mod check;
pub mod description;
pub mod diagnostic;
pub mod emit;
pub mod facts;
pub mod import;
pub mod influence;
pub mod language;
pub mod machine;
pub(crate) mod notation;
pub mod part;
pub mod registers;
mod resolve;
pub(crate) mod siblings;
pub mod source;
pub mod tree;
pub mod verify;
pub mod written;

use std::io;
use std::path::Path;

pub use board::Board;
pub use diagnostic::Diagnostics;
pub use written::Written;

/// Returns whether `name` can be the name of a board: lower-case letters, digits and single hyphens,
/// a letter first.
#[must_use]
pub fn is_board_name(name: &str) -> bool {
    language::scalar::is_name(name)
}

use description::Description;
use diagnostic::{Code, Diagnostic, Problems};
use language::tree::Node;
use source::{FileId, Folder, Location, Sources};

/// Reads, checks and resolves `boards/<name>.toml` of the workspace at `workspace_root`.
///
/// # Errors
/// All errors in the board file and in the files that it extends.
pub fn load(workspace_root: &Path, name: &str) -> Result<Board, Diagnostics> {
    load_from(&Folder::new(workspace_root), name)
}

/// Reads and checks a board like [`load`] for a comparison with the machine: conflicts
/// between values that are valid by themselves are not errors, because the machine shows which one
/// is wrong.
///
/// # Errors
/// All errors in the board file and in the files that it extends, except such conflicts.
pub fn load_to_compare(workspace_root: &Path, name: &str) -> Result<Board, Diagnostics> {
    load_to_compare_from(&Folder::new(workspace_root), name)
}

/// Like [`load_to_compare`], with files from any source.
///
/// # Errors
/// All errors in the board file and in the files that it extends, except conflicts.
pub fn load_to_compare_from(sources: &dyn Sources, name: &str) -> Result<Board, Diagnostics> {
    load_from(sources, name).or_else(|told| {
        let are_conflicts = told.iter().all(|one| one.code.is_of_two());
        let board = are_conflicts.then(|| despite_conflicts(sources, name));
        board.flatten().ok_or(told)
    })
}

fn despite_conflicts(sources: &dyn Sources, name: &str) -> Option<Board> {
    let mut problems = Problems::default();
    let (description, loaded) = Description::load(sources, name, &mut problems)?;
    let claimed = check::check(name, &description, &mut problems);
    resolve::resolve(&description, &claimed, loaded.sources)
}

/// Does the same with files from any source.
///
/// # Errors All errors in the board file and in the files that it extends.
pub fn load_from(sources: &dyn Sources, name: &str) -> Result<Board, Diagnostics> {
    load_written(sources, name).map(|(board, _)| board)
}

/// Reads, checks and resolves a board whose files come from any source, and returns the location of
/// each key.
///
/// # Errors All errors in the board file and in the files that it extends.
pub fn load_written(sources: &dyn Sources, name: &str) -> Result<(Board, Written), Diagnostics> {
    let mut problems = Problems::default();
    let board = read(sources, name, &mut problems);
    match board {
        Some((board, tree)) if problems.is_empty() => {
            let written = Written::new(tree, problems.into_files());
            Ok((board, written))
        }
        _ => {
            if problems.is_empty() {
                let at = Location::start_of(FileId(0));
                let title = format!("`{name}` cannot be resolved, although it has no error");
                problems.report(
                    Diagnostic::new(Code::Unresolved, at, title)
                        .note("this is a bug in codegen, not in the board file"),
                );
            }
            Err(problems.into_diagnostics())
        }
    }
}

fn read(sources: &dyn Sources, name: &str, problems: &mut Problems) -> Option<(Board, Node)> {
    let (description, loaded) = Description::load(sources, name, problems)?;
    let claimed = check::check(name, &description, problems);
    siblings::settle(&loaded, problems);
    if !problems.is_empty() {
        return None;
    }
    let board = resolve::resolve(&description, &claimed, loaded.sources)?;
    Some((board, loaded.root))
}

/// Returns the names of a workspace's boards, ascending. A file without a `[board]` table is not a
/// board if another file extends it; otherwise it is one with an error, which loading it reports.
///
/// # Errors
/// Errors in reading the `boards/` folder.
pub fn board_names(workspace_root: &Path) -> io::Result<Vec<String>> {
    board_names_from(&Folder::new(workspace_root))
}

/// Returns the names of the boards in any source, ascending.
///
/// # Errors Errors in listing the files.
pub fn board_names_from(sources: &dyn Sources) -> io::Result<Vec<String>> {
    let mut names = sources.own_names()?;
    // A file that cannot be read counts as a board, and loading it reports the error.
    let outline = |name: &String| {
        let text = String::from_utf8(sources.read(name).ok()?).ok()?;
        Some(description::outline(&text))
    };
    let outlines: Vec<_> = names.iter().map(outline).collect();
    let extended = |name: &str| {
        let mut bases = outlines.iter().flatten().map(|outline| &outline.extends);
        bases.any(|base| base.as_deref() == Some(name))
    };
    let mut outlines = outlines.iter();
    names.retain(|name| match outlines.next() {
        Some(Some(outline)) => outline.is_board || !extended(name),
        _ => true,
    });
    Ok(names)
}

#[cfg(test)]
mod tests;
