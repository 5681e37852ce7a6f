//! Lists the content of the tree of generated files.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::{Error, Obstacle, Plan, is_marked};

/// The content of the tree of generated files.
#[derive(Default)]
pub(super) struct Survey {
    /// Every regular file that is planned or may be obsolete: its bytes, by its path in the tree.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The entries that do not belong to the generator.
    pub(super) obstacles: Vec<Obstacle>,
}

impl Survey {
    /// Reads the tree at `root` as far as `plan` requires.
    ///
    /// # Errors
    ///
    /// In case of a file system error.
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
            Err(source) => return Err(io_error("cannot read the metadata of", root, source)),
        }
        survey.directory(root, None, plan)?;
        survey.obstacles.sort();
        Ok(survey)
    }

    /// Reads the directory of `board`, or the root and then the directories of the boards.
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
                // A plan of some boards does not make the page of all boards obsolete.
            } else if kind.is_file() && !is_board {
                let bytes = fs::read(&path).map_err(|e| io_error("cannot read", &path, e))?;
                found.insert(inner, bytes);
            } else if kind.is_dir() && (is_board || (board.is_none() && !is_planned)) {
                // Only a plan of all boards can make this file obsolete.
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

/// Returns the entries of `directory`, except hidden ones.
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
