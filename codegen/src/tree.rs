//! The tree under `generated/`: what is to be in it, and bringing it there.
//!
//! A directory belongs to the generator if a file in it carries [`MARKER`] in its first lines, or
//! if there is nothing in it. In such a directory the planned files are written and files with the
//! marker that no board asks for any more are deleted; a file without the marker that no board asks
//! for is somebody's work and stops everything. Names that begin with a dot are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::Board;
use crate::emit::{self, MARKER};

mod check;
mod error;
mod message;
mod survey;
mod write;

pub use check::Stale;
pub use error::{Error, Obstacle};
pub use write::Report;

/// The files that are to be in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// By their paths in the tree, with `/` between the parts.
    files: BTreeMap<String, String>,
    /// Whether these are all, so that what is beyond them is left over.
    complete: bool,
}

impl Plan {
    /// The files of `boards`, which are all there are.
    ///
    /// # Errors
    ///
    /// Where a board cannot be written down.
    pub fn all(boards: &[Board]) -> Result<Self, emit::Error> {
        let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
        Ok(Self {
            complete: true,
            ..Self::some(boards, &names)?.with_index(boards)
        })
    }

    /// The same with the page that shows `boards`, which are all there are, side by side.
    #[must_use]
    pub fn with_index(mut self, boards: &[Board]) -> Self {
        let page = emit::boards_md::emit(boards);
        self.files.insert(emit::boards_md::FILE.to_owned(), page);
        self
    }

    /// The files of `boards`, which are some of those with these `names`, and the files that list
    /// all of them.
    ///
    /// # Errors
    ///
    /// Where a board cannot be written down.
    pub fn some(boards: &[Board], names: &[&str]) -> Result<Self, emit::Error> {
        let mut files = BTreeMap::new();
        for (name, text) in emit::index::emit(names)? {
            files.insert(name.to_owned(), text);
        }
        let mut seen = BTreeSet::new();
        for board in boards {
            if !seen.insert(&board.name) {
                return Err(emit::Error::Duplicate {
                    board: board.name.clone(),
                });
            }
            for (name, text) in emit::board(board)? {
                files.insert(format!("{}/{name}", board.name), text);
            }
        }
        Ok(Self {
            files,
            complete: false,
        })
    }

    /// The text of every file by its path in the tree, with `/` between the parts.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The directories in the tree that have a planned file in them.
    fn directories(&self) -> BTreeSet<&str> {
        self.files
            .keys()
            .filter_map(|path| Some(path.split_once('/')?.0))
            .collect()
    }
}

/// Whether `text` opens as a generated file does.
fn is_marked(text: &[u8]) -> bool {
    const FIRST_LINES: usize = 5;
    text.split(|byte| *byte == b'\n')
        .take(FIRST_LINES)
        .any(|line| {
            line.windows(MARKER.len())
                .any(|window| window == MARKER.as_bytes())
        })
}
