//! Disk images for the machines.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::FileError;
use crate::workspace::Workspace;

/// The size of a new disk image, in bytes.
pub const SIZE: u64 = 16 << 20;

/// Returns the path of a board's default disk. It is kept between runs.
#[must_use]
pub fn default_path(workspace: &Workspace, board: &str) -> PathBuf {
    workspace.target.join("disks").join(format!("{board}.img"))
}

/// Creates an empty (sparse) image if there is none; returns whether it did.
pub fn create_if_missing(path: &Path) -> Result<bool, FileError> {
    if path.exists() {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
    }
    let file = File::create_new(path).map_err(FileError::at("create the disk image", path))?;
    file.set_len(SIZE)
        .map_err(FileError::at("size the disk image", path))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_image_is_created_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disks/x.img");
        assert!(create_if_missing(&path).unwrap());
        assert_eq!(fs::metadata(path).unwrap().len(), SIZE);
    }

    #[test]
    fn an_existing_image_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.img");
        fs::write(&path, "kept").unwrap();
        assert!(!create_if_missing(&path).unwrap());
        assert_eq!(fs::read(path).unwrap(), b"kept");
    }
}
