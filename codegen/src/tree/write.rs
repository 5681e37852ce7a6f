//! Writes the planned files to the tree.

use core::fmt;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::survey::{Survey, io_error};
use super::{Error, Plan};

/// The result, with paths in the tree, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that were created or changed.
    pub written: Vec<String>,
    /// Files that were up to date and therefore not written.
    pub unchanged: Vec<String>,
    /// Files that were deleted because they are not planned.
    pub deleted: Vec<String>,
}

impl fmt::Display for Report {
    /// Writes a line for each changed file, and one with the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for path in &self.written {
            writeln!(f, "   wrote generated/{path}")?;
        }
        for path in &self.deleted {
            writeln!(f, " deleted generated/{path}")?;
        }
        let [written, unchanged, deleted] =
            [&self.written, &self.unchanged, &self.deleted].map(Vec::len);
        write!(
            f,
            "{written} written, {unchanged} unchanged, {deleted} deleted"
        )
    }
}

impl Plan {
    /// Writes the tree at `root` as planned. Files with the right bytes are not touched, so that
    /// nothing is rebuilt; each other file is replaced atomically. If this plan covers all boards,
    /// generated files of removed boards are deleted.
    ///
    /// # Errors
    ///
    /// If something in the tree does not belong to the generator, or in case of a file system
    /// error. Nothing has been written then, unless the error occurred in renaming a finished file.
    pub fn write(&self, root: &Path) -> Result<Report, Error> {
        let survey = Survey::of(root, self)?;
        if !survey.obstacles.is_empty() {
            return Err(Error::Obstacles(survey.obstacles));
        }
        let mut report = Report::default();
        let mut staged = Staged::default();
        for (path, text) in &self.files {
            if survey
                .files
                .get(path)
                .is_some_and(|bytes| bytes == text.as_bytes())
            {
                report.unchanged.push(path.clone());
            } else {
                staged.stage(root.join(path), text)?;
                report.written.push(path.clone());
            }
        }
        staged.commit()?;
        for path in survey
            .files
            .keys()
            .filter(|path| !self.files.contains_key(*path))
        {
            let full = root.join(path);
            fs::remove_file(&full).map_err(|error| io_error("cannot delete", &full, error))?;
            report.deleted.push(path.clone());
        }
        for directory in report
            .deleted
            .iter()
            .filter_map(|path| Some(path.split_once('/')?.0))
        {
            // The directory stays if it contains hidden files, which does no harm.
            let _ = fs::remove_dir(root.join(directory));
        }
        Ok(report)
    }
}

/// Complete files with temporary names, which are deleted unless committed.
#[derive(Default)]
struct Staged {
    /// The temporary names, each with the final name.
    files: BTreeMap<PathBuf, PathBuf>,
}

impl Staged {
    fn stage(&mut self, path: PathBuf, text: &str) -> Result<(), Error> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(());
        };
        fs::create_dir_all(directory)
            .map_err(|error| io_error("cannot create the directory", directory, error))?;
        let temporary = directory.join(format!(".{}.new", name.to_string_lossy()));
        let written = fs::write(&temporary, text);
        let outcome = written.map_err(|error| io_error("cannot write", &temporary, error));
        self.files.insert(temporary, path);
        outcome
    }

    fn commit(mut self) -> Result<(), Error> {
        while let Some((temporary, path)) = self.files.pop_first() {
            if let Err(error) = fs::rename(&temporary, &path) {
                self.files.insert(temporary, path.clone());
                return Err(io_error("cannot write", &path, error));
            }
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for temporary in self.files.keys() {
            // It may not exist; if it cannot be removed, it is hidden anyway.
            let _ = fs::remove_file(temporary);
        }
    }
}
