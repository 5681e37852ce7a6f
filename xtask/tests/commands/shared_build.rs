//! Builds images into the build folder of this repository, so that external crates are not compiled again.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use xtask::workspace::Workspace;

/// Returns the command that runs in a folder and builds into the shared folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", Workspace::find().unwrap().target);
    command
}

/// Waits until no other test builds an image. Apps of one name have one place in the build folder, whichever
/// repository they come from.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
