//! From the description of a board to what its kernel is built from.
//!
//! The way of one fact is straight: a board file is read into located values
//! ([`description`]), every problem in it is found ([`check`]), what is left is a [`Board`] with
//! nothing unsaid, and pure functions turn that into the text of each artefact ([`emit`]),
//! which is written to disk or compared with what is there ([`tree`]).

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

use description::Description;
use diagnostic::{Code, Diagnostic, Problems};
use language::tree::Node;
use source::{FileId, Folder, Location, Sources};

/// Reads, checks and resolves `boards/<name>.toml` of the workspace at `workspace_root`.
///
/// # Errors
/// Every problem in it and in what it extends.
pub fn load(workspace_root: &Path, name: &str) -> Result<Board, Diagnostics> {
    load_from(&Folder::new(workspace_root), name)
}

/// The same with the files from anywhere.
///
/// # Errors
/// Every problem in the board file and in what it extends.
pub fn load_from(sources: &dyn Sources, name: &str) -> Result<Board, Diagnostics> {
    load_written(sources, name).map(|(board, _)| board)
}

/// The same, and where each key of it is written.
///
/// # Errors
/// Every problem in the board file and in what it extends.
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
                let title = format!("`{name}` cannot be resolved, though nothing is wrong with it");
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

/// The names of the boards of a workspace, ascending. A file that is only there to be extended, and
/// so has no `[board]` table, is not one; a file that nothing extends either is one with a mistake in
/// it, which loading it tells.
///
/// # Errors
/// Whatever reading the `boards/` folder meets.
pub fn board_names(workspace_root: &Path) -> io::Result<Vec<String>> {
    board_names_from(&Folder::new(workspace_root))
}

/// The same with the files from anywhere.
///
/// # Errors
/// Whatever listing them meets.
pub fn board_names_from(sources: &dyn Sources) -> io::Result<Vec<String>> {
    let mut names = sources.own_names()?;
    // What cannot be read is a board for all one knows, and loading it will tell what is wrong.
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
