//! The files of a folder, and whether a FAT disk can have them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, FileError};

/// The characters that no name on a FAT disk has, and the brackets, which mtools reads as a pattern.
const FORBIDDEN: &[char] = &['"', '*', ':', '<', '>', '?', '\\', '|', '[', ']'];

/// The names that MS-DOS has for devices. mtools writes no file called so.
const DEVICES: [&str; 11] = [
    "AUX", "COM1", "COM2", "COM3", "COM4", "CON", "LPT1", "LPT2", "LPT3", "NUL", "PRN",
];

/// The folders and files below a folder, by their paths in it. A folder is in front of what it contains.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) folders: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
}

impl Contents {
    /// Lists files and links to files. Other things, such as sockets, have no place on a disk; links to
    /// folders can lead in circles.
    pub(super) fn of(root: &Path) -> Result<Self, FileError> {
        let mut contents = Self {
            folders: vec![PathBuf::new()],
            files: Vec::new(),
        };
        let mut next = 0;
        while let Some(folder) = contents.folders.get(next).cloned() {
            next += 1;
            let path = root.join(&folder);
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let mut entries = entries.map_err(FileError::at("list", &path))?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let inner = folder.join(entry.file_name());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    contents.folders.push(inner);
                } else if entry.path().is_file() {
                    contents.files.push(inner);
                }
            }
        }
        Ok(contents)
    }

    /// Rejects names that no FAT disk can have, and those that are one name there. `root` is the folder.
    pub(super) fn check_names(&self, root: &Path) -> Result<(), Failure> {
        let mut seen = HashMap::new();
        for path in self.folders.iter().skip(1).chain(&self.files) {
            let name = path.file_name().and_then(|name| name.to_str());
            if !name.is_some_and(is_possible) {
                return Err(refusal(root, path));
            }
            let same = folded(path);
            if let Some(other) = seen.insert(same, path) {
                return Err(Failure::usage(format!(
                    "{}: `{}` and `{}` are one name on a FAT disk; rename one of them",
                    root.display(),
                    other.display(),
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// Rejects names that mtools has changed on the disk with the contents `disk`. `root` is the folder.
    pub(super) fn check_same(&self, disk: &Self, root: &Path) -> Result<(), Failure> {
        let there = disk.folders.iter().chain(&disk.files);
        let there: HashSet<_> = there.map(|path| folded(path)).collect();
        let mut here = self.folders.iter().chain(&self.files);
        match here.find(|path| !there.contains(&folded(path))) {
            Some(path) => Err(Failure::usage(format!(
                "{}: mtools writes the name `{}` differently to a FAT disk; rename it, or share the folder \
                 read-only",
                root.display(),
                shown(path)
            ))),
            None => Ok(()),
        }
    }
}

/// The paths of a folder, by what a FAT disk compares of them.
#[derive(Debug)]
pub(super) struct Spellings(HashMap<String, PathBuf>);

impl Spellings {
    /// Returns those of the folders and files that `contents` has.
    pub(super) fn of(contents: Contents) -> Self {
        let all = contents.folders.into_iter().chain(contents.files);
        Self(all.map(|path| (folded(&path), path)).collect())
    }

    /// Returns a path of the disk as the folder spells it: mtools writes `ä` as `Ä`.
    pub(super) fn here(&self, path: &Path) -> PathBuf {
        path.iter().fold(PathBuf::new(), |parent, name| {
            let path = parent.join(name);
            self.0.get(&folded(&path)).cloned().unwrap_or(path)
        })
    }
}

/// Returns what a FAT disk compares of a path: it does not tell upper from lower case.
fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// Returns whether a FAT disk can have a file or a folder of this name.
fn is_possible(name: &str) -> bool {
    !name.contains(FORBIDDEN)
        && !name.contains(char::is_control)
        && !name.ends_with(['.', ' '])
        && !DEVICES.contains(&name.to_ascii_uppercase().as_str())
}

/// Returns the error about a name.
fn refusal(root: &Path, path: &Path) -> Failure {
    Failure::usage(format!(
        "{}: a FAT disk cannot have a file called `{}`; rename it, or share the folder read-only",
        root.display(),
        shown(path)
    ))
}

/// Returns a path without control characters.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}
