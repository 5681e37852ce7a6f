//! From a resolved board to the text of each generated file.
//!
//! Every function here is pure: the same [`Board`] gives the same bytes on any machine, in any
//! directory and locale. Each part of what they write names the key path it came from, never a
//! line, so that a comment added to a description changes nothing.

use std::collections::BTreeMap;

use crate::Board;

mod artefact;
pub mod assembly;
pub mod board_md;
pub mod board_rs;
mod error;
mod header;
pub mod index;
pub mod linker;
mod notation;
pub mod qemu_args;
mod table;
mod template;
mod valid;

pub use artefact::{Artefact, Maker};
pub use error::Error;
pub use header::MARKER;

/// The files of one board, by their names in its directory.
///
/// # Errors
///
/// Where the board says something that cannot be written down; see [`Error`].
pub fn board(board: &Board) -> Result<BTreeMap<&'static str, String>, Error> {
    let artefacts = artefacts(board)?.into_iter();
    Ok(artefacts.map(|(name, one)| (name, one.text)).collect())
}

/// The same, each file with what made it.
///
/// # Errors
///
/// As for [`board`].
pub fn artefacts(board: &Board) -> Result<BTreeMap<&'static str, Artefact>, Error> {
    valid::check(board)?;
    Ok(BTreeMap::from([
        ("board.md", Artefact::by("board_md", board_md::emit(board))),
        ("board.rs", Artefact::by("board_rs", board_rs::emit(board)?)),
        ("entry.S", assembly::entry(board)?),
        ("linker.ld", linker::emit(board)?),
        (
            "qemu.args",
            Artefact::by("qemu_args", qemu_args::emit(board)),
        ),
        ("vectors.S", assembly::vectors(board)?),
    ]))
}
