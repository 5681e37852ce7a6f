//! Files and folders that are written whole or not at all: a full disk or a missing permission leaves
//! nothing behind that a later command would take for a file of the user.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::failure::{Failure, FileError};

/// The permissions of a new file, of which the system takes away those of the umask.
const PERMISSIONS: u32 = 0o666;

/// Writes a file, and replaces an existing one.
///
/// # Errors
/// The file cannot be written; an existing one is then unchanged.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let written = written(path, |file| file.write_all(text.as_bytes()));
    let kept = written.and_then(|file| Ok(file.persist(path).map(drop)?));
    kept.map_err(FileError::at("write", path))
}

/// Writes a file that does not exist yet.
///
/// # Errors
/// The file cannot be written, or exists ([`io::ErrorKind::AlreadyExists`]).
pub fn create(path: &Path, text: &str) -> Result<(), FileError> {
    let written = written(path, |file| file.write_all(text.as_bytes()));
    let kept = written.and_then(|file| Ok(file.persist_noclobber(path).map(drop)?));
    kept.map_err(FileError::at("create", path))
}

/// Fills a temporary file in the folder of `path`, which is created if needed. The file is removed
/// if that fails.
fn written(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(PERMISSIONS))
        .tempfile_in(folder)?;
    fill(file.as_file_mut())?;
    Ok(file)
}

/// Runs a function that creates a folder and files in it. If it fails, removes the folder and those
/// around it that did not exist before, and empties a folder that was empty before.
///
/// # Errors
/// Those of the function.
pub fn folder_or_nothing(
    folder: &Path,
    create: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let missing: Vec<PathBuf> = missing(folder).collect();
    let was_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let done = create();
    if done.is_err() && was_empty {
        let _ = empty(folder);
    }
    if let (Err(_), [folder, around @ ..]) = (&done, &*missing) {
        // The error of `create` says more than one in removing.
        let _ = fs::remove_dir_all(folder);
        for folder in around {
            let _ = fs::remove_dir(folder);
        }
    }
    done
}

/// Removes what is in a folder.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Returns the folders of a path that do not exist, the innermost first.
fn missing(path: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = path
        .ancestors()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A link to nowhere exists.
    let is_missing = |folder: &&Path| folder.symlink_metadata().is_err();
    folders.take_while(is_missing).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_is_created_once_and_replaced_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/a");
        create(&path, "1").unwrap();
        let again = create(&path, "2").unwrap_err();
        assert_eq!(again.error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        write(&path, "3").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "3");
        assert_eq!(names(path.parent().unwrap()), ["a"]);
        // As readable as a file that is written without a temporary one.
        fs::write(folder.path().join("b"), "").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&folder.path().join("b")));
    }

    #[test]
    fn a_file_that_cannot_be_filled_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let half = |file: &mut File| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        written(&path, half).unwrap_err();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_filled_leaves_nothing_that_was_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let fill = |path: &Path, sound: bool| {
            folder_or_nothing(path, || {
                write(&path.join("x/y"), "half")?;
                if sound { Ok(()) } else { Err("full".into()) }
            })
        };
        let path = folder.path().join("a/b");
        fill(&path, false).unwrap_err();
        assert!(names(folder.path()).is_empty());
        fill(&path, true).unwrap();
        assert_eq!(names(&path), ["x"]);
        fill(&path, false).unwrap_err();
        assert_eq!(names(&path), ["x"]);
        let path = folder.path().join("was empty");
        fs::create_dir(&path).unwrap();
        fill(&path, false).unwrap_err();
        assert!(names(&path).is_empty());
    }
}
