//! What is in the tree now.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::{Error, Obstacle, Plan, is_marked};

/// What was found.
#[derive(Default)]
pub(super) struct Survey {
    /// Every plain file that the plan is about, or that it should be about: its bytes, by its path
    /// in the tree.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What is not the generator's.
    pub(super) obstacles: Vec<Obstacle>,
}

impl Survey {
    /// Looks at the tree at `root` with `plan` in mind.
    ///
    /// # Errors
    ///
    /// Where the file system refuses.
    pub(super) fn of(root: &Path, plan: &Plan) -> Result<Self, Error> {
        let mut survey = Self::default();
        match fs::symlink_metadata(root) {
            Ok(metadata) if metadata.is_symlink() => {
                survey.obstacles.push(Obstacle::Link(root.to_owned()));
                return Ok(survey);
            }
            Ok(metadata) if !metadata.is_dir() => {
                survey.obstacles.push(Obstacle::Kind(root.to_owned()));
                return Ok(survey);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(survey),
            Err(source) => return Err(io_error("cannot look at", root, source)),
        }
        survey.directory(root, None, plan)?;
        survey.obstacles.sort();
        Ok(survey)
    }

    /// Looks at the directory of `board`, or at the root itself, and from there at the directories
    /// of the boards.
    fn directory(&mut self, root: &Path, board: Option<&str>, plan: &Plan) -> Result<(), Error> {
        let directory = board.map_or_else(|| root.to_owned(), |board| root.join(board));
        let boards = plan.directories();
        let mut found = BTreeMap::new();
        for (name, kind) in entries(&directory)? {
            let inner = board.map_or_else(|| name.clone(), |board| format!("{board}/{name}"));
            let path = directory.join(&name);
            let is_board = board.is_none() && boards.contains(&*name);
            let is_planned = is_board || plan.files.contains_key(&inner);
            if kind.is_symlink() && (is_planned || plan.complete) {
                self.obstacles.push(Obstacle::Link(path));
            } else if kind.is_file() && board.is_none() && !is_planned && !plan.complete {
                // The page of all boards is not for a plan of some to call left over.
            } else if kind.is_file() && !is_board {
                let bytes = fs::read(&path).map_err(|e| io_error("cannot read", &path, e))?;
                found.insert(inner, bytes);
            } else if kind.is_dir() && (is_board || (board.is_none() && !is_planned)) {
                // What only a plan of all boards would call left over is not this plan's business.
                if is_board || plan.complete {
                    self.directory(root, Some(&name), plan)?;
                }
            } else if is_planned || plan.complete {
                self.obstacles.push(Obstacle::Kind(path));
            }
        }
        let is_owned = found.is_empty() || found.values().any(|bytes| is_marked(bytes));
        if is_owned {
            let strangers = found
                .iter()
                .filter(|(inner, bytes)| !plan.files.contains_key(*inner) && !is_marked(bytes));
            let strangers = strangers.map(|(inner, _)| Obstacle::File(root.join(inner)));
            self.obstacles.extend(strangers);
        } else {
            self.obstacles.push(Obstacle::Directory(directory));
        }
        self.files.extend(found);
        Ok(())
    }
}

/// What is in `directory`, but for what is hidden.
fn entries(directory: &Path) -> Result<BTreeMap<String, FileType>, Error> {
    let refused = |source| io_error("cannot list", directory, source);
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.insert(name, entry.file_type().map_err(refused)?);
        }
    }
    Ok(entries)
}

pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
