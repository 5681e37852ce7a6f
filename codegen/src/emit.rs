//! Generates the text of each file from a resolved board.
//!
//! All functions are pure: the same [`Board`] gives the same bytes on any machine, in any directory
//! and locale. Generated parts name the key path that they come from, never a line, so that a
//! comment added to a description changes nothing.

use std::collections::BTreeMap;

use crate::Board;

mod artefact;
pub mod assembly;
pub mod board_md;
pub mod board_rs;
pub mod boards_md;
mod error;
mod header;
pub mod index;
mod json;
pub mod linker;
pub mod memory_svg;
pub mod qemu_args;
pub mod reference;
pub mod schema;
mod table;
mod template;
mod valid;

pub use artefact::{Artefact, Maker};
pub use error::Error;
pub use header::MARKER;

/// Returns the files of one board, by their names in its directory.
///
/// # Errors
///
/// If the board contains something that cannot be expressed in a file; see [`Error`].
pub fn board(board: &Board) -> Result<BTreeMap<&'static str, String>, Error> {
    let artefacts = artefacts(board)?.into_iter();
    Ok(artefacts.map(|(name, one)| (name, one.text)).collect())
}

/// Returns the files of one board, by their names in its directory, each with its origin.
///
/// # Errors
///
/// As for [`board`].
pub fn artefacts(board: &Board) -> Result<BTreeMap<&'static str, Artefact>, Error> {
    artefacts_of(board, |_| true)
}

/// Returns those files whose names `wanted` selects.
///
/// # Errors
///
/// As for [`board`].
pub fn artefacts_of(
    board: &Board,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<&'static str, Artefact>, Error> {
    valid::check(board)?;
    let wanted = FILES.iter().filter(|(name, _)| wanted(name));
    wanted
        .map(|(name, emit)| Ok((*name, emit(board)?)))
        .collect()
}

/// Generates a file from a board.
type Emit = fn(&Board) -> Result<Artefact, Error>;

/// The files of a board, by their names in its directory.
const FILES: &[(&str, Emit)] = &[
    ("board.md", |board| {
        Ok(Artefact::by("board_md", board_md::emit(board)))
    }),
    ("board.rs", |board| {
        Ok(Artefact::by("board_rs", board_rs::emit(board)?))
    }),
    ("entry.S", assembly::entry),
    ("linker.ld", linker::emit),
    ("memory.svg", |board| {
        Ok(Artefact::by("memory_svg", memory_svg::emit(board)))
    }),
    ("qemu.args", |board| {
        Ok(Artefact::by("qemu_args", qemu_args::emit(board)))
    }),
    ("vectors.S", assembly::vectors),
];
