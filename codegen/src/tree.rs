//! The tree under `generated/`: its planned content, and how it is written.
//!
//! A directory belongs to the generator if it is empty or a file in it contains [`MARKER`] in its
//! first lines. In such a directory, planned files are written, and files with the marker that are
//! not planned are deleted; a file without the marker that is not planned is a user's file and
//! stops everything. Names that start with a dot are ignored.

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

/// The planned files of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The texts of the planned files, by path in the tree, with `/` as separator.
    files: BTreeMap<String, String>,
    /// Whether the plan covers all boards; then other generated files are obsolete.
    complete: bool,
}

impl Plan {
    /// Plans the files of `boards`, which must be all boards.
    ///
    /// # Errors
    ///
    /// If the files of a board cannot be generated.
    pub fn all(boards: &[Board]) -> Result<Self, emit::Error> {
        let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
        Ok(Self {
            complete: true,
            ..Self::some(boards, &names)?.with_index(boards)
        })
    }

    /// Adds the page that compares `boards`, which must be all boards.
    #[must_use]
    pub fn with_index(mut self, boards: &[Board]) -> Self {
        let page = emit::boards_md::emit(boards);
        self.files.insert(emit::boards_md::FILE.to_owned(), page);
        self
    }

    /// Plans the files of `boards`, which are some of those with these `names`, and the files that
    /// list all of them.
    ///
    /// # Errors
    ///
    /// If the files of a board cannot be generated.
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

    /// Returns the text of every file by its path in the tree, with `/` as separator.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Returns the directories of the tree that contain a planned file.
    fn directories(&self) -> BTreeSet<&str> {
        self.files
            .keys()
            .filter_map(|path| Some(path.split_once('/')?.0))
            .collect()
    }
}

/// Returns whether `text` starts like a generated file.
fn is_marked(text: &[u8]) -> bool {
    const FIRST_LINES: usize = 5;
    text.split(|byte| *byte == b'\n')
        .take(FIRST_LINES)
        .any(|line| {
            line.windows(MARKER.len())
                .any(|window| window == MARKER.as_bytes())
        })
}
