//! What a machine has changed on its disk, and how it is copied to the folder.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, FileError};

use super::contents::{Contents, Spellings};

/// The end of the name of the machine's file if the file of that name here is not the one that it got.
const OTHER: &str = ".machine";

/// The changes of a machine.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What was done, a line for each file and each new folder.
    pub(super) done: Vec<String>,
    /// What could not be copied, and why.
    pub(super) failed: Vec<String>,
}

impl Changes {
    /// Copies to `folder` what differs between the files `before` and `after`.
    pub(super) fn copy(before: &Path, after: &Path, folder: &Path) -> Result<Self, Failure> {
        let [old, new] = [Contents::of(before)?, Contents::of(after)?];
        let spellings = Spellings::of(Contents::of(folder)?);
        let mut changes = Self::default();
        // Skips the folder itself.
        for path in new.folders.iter().skip(1) {
            changes.add_folder(folder, &spellings.here(path));
        }
        for path in &new.files {
            let [from, earlier] = [after, before].map(|place| place.join(path));
            match copy_file(&from, &earlier, folder, &spellings.here(path)) {
                Ok(done) => changes.done.extend(done),
                Err(error) => changes.failed.push(error.to_string()),
            }
        }
        let still: HashSet<_> = new.files.iter().collect();
        let removed = old.files.iter().filter(|path| !still.contains(path));
        changes.done.extend(removed.map(|path| {
            let shown = path.display();
            format!("the machine has removed {shown}; delete it here if that is right")
        }));
        Ok(changes)
    }

    fn add_folder(&mut self, folder: &Path, path: &Path) {
        if !is_reached_by_folders(folder, path) {
            // The error is that of the folder above it.
            return;
        }
        let to = folder.join(path);
        let shown = path.display();
        // A link would lead to a place that was not shared.
        match fs::symlink_metadata(&to) {
            Ok(data) if data.is_dir() => {}
            Ok(_) => self.failed.push(format!("{shown} is not a folder here")),
            Err(_) => match fs::create_dir(&to).map_err(FileError::at("create the folder", &to)) {
                Ok(()) => self
                    .done
                    .push(format!("the machine has created the folder {shown}")),
                Err(error) => self.failed.push(error.to_string()),
            },
        }
    }
}

/// Copies the file `from` to `path` in the folder if the machine has written it: if it is not what `earlier`
/// has. Returns what was done.
fn copy_file(
    from: &Path,
    earlier: &Path,
    folder: &Path,
    path: &Path,
) -> Result<Option<String>, FileError> {
    let written = fs::read(from).map_err(FileError::at("read", from))?;
    let earlier = read_file(earlier)?;
    if earlier.as_ref() == Some(&written) {
        return Ok(None);
    }
    let shown = path.display();
    if !is_reached_by_folders(folder, path) {
        // `Changes::add_folder` has reported why.
        return Ok(None);
    }
    let to = folder.join(path);
    let here = read_file(&to)?;
    if here.as_ref() == Some(&written) {
        return Ok(None);
    }
    let is_free = here.is_none() && fs::symlink_metadata(&to).is_err();
    if is_free || here.is_some() && here == earlier {
        fs::write(&to, written).map_err(FileError::at("write", &to))?;
        return Ok(Some(format!("the machine has written {shown}")));
    }
    let to = write_beside(&to, &written)?;
    let name = to.file_name().unwrap_or_default().display();
    Ok(Some(format!(
        "{shown} is not what the machine got; what it has written is {name}"
    )))
}

/// Returns whether all parents of a path in a folder are folders, not links to some.
fn is_reached_by_folders(folder: &Path, path: &Path) -> bool {
    let parents = path.ancestors().skip(1);
    let mut parents = parents.filter(|parent| !parent.as_os_str().is_empty());
    parents.all(|parent| fs::symlink_metadata(folder.join(parent)).is_ok_and(|data| data.is_dir()))
}

/// Reads a file; returns `None` if there is none, or a link, a socket or another thing in its place.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => {
            let bytes = fs::read(path).map_err(FileError::at("read", path))?;
            Ok(Some(bytes))
        }
        _ => Ok(None),
    }
}

/// Writes a new file next to `other`: `NAME.machine`, or else `NAME.machine.2` and so on. Returns its path.
fn write_beside(other: &Path, bytes: &[u8]) -> Result<PathBuf, FileError> {
    let mut name = OsString::from(other);
    name.push(OTHER);
    let mut number = 1_u64;
    loop {
        let mut name = name.clone();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        let path = PathBuf::from(name);
        // This follows no link, not even one that leads nowhere.
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            result => {
                result
                    .and_then(|mut file| file.write_all(bytes))
                    .map_err(FileError::at("write", &path))?;
                return Ok(path);
            }
        }
    }
}
