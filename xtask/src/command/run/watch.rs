//! `run --watch`: rebuilds and restarts the machine when a source file changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vmos_codegen::source;

use crate::child;
use crate::failure::Failure;
use crate::workspace::{Workspace, cargo};

/// The name of the option.
const OPTION: &str = "--watch";

/// The time between two checks of the sources.
const EVERY: Duration = Duration::from_millis(500);

/// The inputs of an image in the folder of a workspace and in that of VMOS: files and folders.
/// `generated/` is made from them by the run itself.
const SOURCES: [&str; 9] = [
    "apps",
    "boards",
    "codegen",
    "drivers",
    "kernel",
    "parts",
    "templates",
    "Cargo.toml",
    ".cargo",
];

/// Runs this command again without the option, and restarts it at each change, until the user stops
/// it.
pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&stopped);
    let caught = ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed));
    caught.map_err(|error| format!("cannot catch Ctrl-C: {error}"))?;
    let is_stopped = || stopped.load(Ordering::Relaxed);
    while !is_stopped() {
        let sources = Sources::of(workspace);
        let arguments = std::env::args_os().skip(1).filter(|word| word != OPTION);
        // Through cargo, which builds the commands again if the generator in them has changed.
        let mut machine = child::bound(cargo().get_program())
            .arg("xtask")
            .args(arguments)
            .spawn()?;
        let mut has_ended = false;
        while !is_stopped() && !sources.have_changed() {
            if !has_ended && machine.try_wait()?.is_some() {
                has_ended = true;
                eprintln!("xtask: waiting for a source file to change");
            }
            thread::sleep(EVERY);
        }
        if !has_ended {
            stop(&mut machine)?;
        }
    }
    Ok(())
}

/// Stops the command, which stops its machine.
fn stop(machine: &mut Child) -> Result<(), Failure> {
    if let Ok(pid) = i32::try_from(machine.id()) {
        // It may have ended already.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    machine.wait()?;
    Ok(())
}

/// The state of the sources at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    roots: Vec<PathBuf>,
    newest: Option<SystemTime>,
    count: usize,
}

impl Sources {
    /// Reads the state of a workspace's sources.
    pub(super) fn of(workspace: &Workspace) -> Self {
        let mut folders = vec![workspace.root.clone(), source::library()];
        folders.dedup();
        let roots = folders
            .iter()
            .flat_map(|folder| SOURCES.map(|name| folder.join(name)));
        Self::in_roots(roots.collect())
    }

    fn in_roots(roots: Vec<PathBuf>) -> Self {
        let (mut newest, mut count) = (None, 0);
        for root in &roots {
            visit(root, &mut |time| {
                newest = newest.max(Some(time));
                count += 1;
            });
        }
        Self {
            roots,
            newest,
            count,
        }
    }

    /// Returns whether a file was changed, added or removed since an earlier state.
    pub(super) fn have_changed(&self) -> bool {
        Self::in_roots(self.roots.clone()) != *self
    }
}

fn visit(path: &Path, file: &mut impl FnMut(SystemTime)) {
    let Ok(data) = fs::metadata(path) else { return };
    if !data.is_dir() {
        if let Ok(time) = data.modified() {
            file(time);
        }
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_name() != "target" {
            visit(&entry.path(), file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_added_or_removed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.rs"), "1").unwrap();
        let look = || Sources::in_roots(vec![folder.path().to_owned()]);
        let before = look();
        assert!(!before.have_changed());
        fs::create_dir(path("deeper")).unwrap();
        fs::write(path("deeper/b.rs"), "2").unwrap();
        assert!(before.have_changed());
        let before = look();
        let later = SystemTime::now() + Duration::from_secs(10);
        fs::File::options()
            .write(true)
            .open(path("a.rs"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(before.have_changed());
        let before = look();
        fs::remove_file(path("deeper/b.rs")).unwrap();
        assert!(before.have_changed());
    }
}
