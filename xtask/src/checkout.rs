//! Another revision of the workspace, checked out beside it.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Failure, FileError};
use crate::git::{Commit, Git};
use crate::workspace::Workspace;

/// A revision that is checked out until this is dropped.
///
/// It is in a folder of its own outside of the workspace, whose settings cargo would take for this
/// one's too. What is built of it is kept in `target/diff`, so that what no commit changes is built
/// once.
#[derive(Debug)]
pub struct Checkout {
    folder: PathBuf,
    /// The workspace as it was.
    pub workspace: Workspace,
}

impl Checkout {
    /// Checks out a commit of the workspace's repository.
    ///
    /// # Errors
    /// The folder cannot be made, or git fails.
    pub fn new(workspace: &Workspace, git: &Git, commit: &Commit) -> Result<Self, Failure> {
        let name = format!("vmos-diff-{}-{}", commit.hash, std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(FileError::at("create the folder", &folder))?;
        let workspace = Workspace {
            root: folder.clone(),
            target: workspace.target.join("diff"),
            ..workspace.clone()
        };
        // From here on the folder is removed whatever happens.
        let checkout = Self { folder, workspace };
        git.check_out(commit, &checkout.folder)?;
        Ok(checkout)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // What is left of it is in the way of nobody.
        drop(fs::remove_dir_all(&self.folder));
    }
}
