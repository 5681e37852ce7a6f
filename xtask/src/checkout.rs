//! Checks out another revision of the workspace into a temporary folder.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Failure, FileError};
use crate::git::{Commit, Git};
use crate::workspace::Workspace;

/// A revision checked out into a folder that is removed on drop.
///
/// The folder is outside the workspace, because cargo would apply the workspace's settings to it
/// otherwise. Its build output is kept in `target/diff`, so that crates which are the same in every
/// commit are built once.
#[derive(Debug)]
pub struct Checkout {
    folder: PathBuf,
    /// The workspace at that revision.
    pub workspace: Workspace,
}

impl Checkout {
    /// Checks out a commit of the workspace's repository.
    ///
    /// # Errors
    /// The folder cannot be created, or git fails.
    pub fn new(workspace: &Workspace, git: &Git, commit: &Commit) -> Result<Self, Failure> {
        let name = format!("vmos-diff-{}-{}", commit.hash, std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(FileError::at("create the folder", &folder))?;
        let workspace = Workspace {
            root: folder.clone(),
            target: workspace.target.join("diff"),
            ..workspace.clone()
        };
        // From here on, dropping `checkout` removes the folder.
        let checkout = Self { folder, workspace };
        git.check_out(commit, &checkout.folder)?;
        Ok(checkout)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // A folder that cannot be removed does no harm.
        drop(fs::remove_dir_all(&self.folder));
    }
}
