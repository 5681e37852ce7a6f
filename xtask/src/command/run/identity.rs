//! The identity of a file, by which two paths are compared.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file that a path names; equal for every path of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The numbers of the device and of the inode of a file that exists.
    Existing(u64, u64),
    /// The canonical path of a file that does not exist, in a folder that does.
    Missing(PathBuf),
}

impl Identity {
    /// Returns the identity of the file that a path names, after links.
    pub(super) fn of(path: &Path) -> Self {
        if let Ok(data) = fs::metadata(path) {
            return Self::Existing(data.dev(), data.ino());
        }
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
        Self::Missing(match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_a_file_has_its_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "").unwrap();
        fs::write(path("b"), "").unwrap();
        fs::create_dir(path("inner")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();
        fs::hard_link(path("a"), path("hard")).unwrap();
        for other in ["a", "link", "hard", "./a", "inner/../a"] {
            assert_eq!(
                Identity::of(&path(other)),
                Identity::of(&path("a")),
                "{other}"
            );
        }
        assert_ne!(Identity::of(&path("a")), Identity::of(&path("b")));
        for other in ["./new", "inner/../new"] {
            assert_eq!(
                Identity::of(&path(other)),
                Identity::of(&path("new")),
                "{other}"
            );
        }
        assert_ne!(Identity::of(&path("new")), Identity::of(&path("inner/new")));
        assert_eq!(
            Identity::of(Path::new("no-such-file")),
            Identity::of(Path::new("./no-such-file"))
        );
    }
}
