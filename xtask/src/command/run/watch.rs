//! `run --watch`: rebuilds and restarts the machine when a source file changes.

mod sources;

use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Arguments;
use crate::child;
use crate::failure::Failure;
use crate::workspace::{App, Workspace, cargo};

use sources::Sources;

/// The name of the option.
const OPTION: &str = "--watch";

/// The time between two checks of the sources.
const EVERY: Duration = Duration::from_millis(500);

/// How long the sources must stay as they are before a build. An editor that replaces a file, and `git
/// checkout`, change several files in this time.
const SETTLING: Duration = Duration::from_millis(200);

impl Arguments {
    /// Returns the files and folders of this host that the machine writes.
    pub(super) fn outputs(&self) -> Vec<PathBuf> {
        let share = self.share.iter().filter(|_| self.share_writable);
        let outputs = self.disk.iter().chain(&self.pcap).chain(share);
        outputs.cloned().collect()
    }
}

/// Runs this command again without the option, and restarts it at each change of the app's sources, until the user
/// stops it. `outputs` are the files and folders that the run writes.
pub(super) fn run(workspace: &Workspace, app: &App, outputs: &[PathBuf]) -> Result<(), Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&stopped);
    let caught = ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed));
    caught.map_err(|error| format!("cannot catch Ctrl-C: {error}"))?;
    // Through cargo, which builds the commands again if the generator in them has changed.
    let start = || {
        let arguments = std::env::args_os().skip(1).filter(|word| word != OPTION);
        let mut command = child::bound(cargo().get_program());
        command.arg("xtask").args(arguments).spawn()
    };
    let look = |before: Option<&Sources>| Sources::of(workspace, &app.name, outputs, before);
    keep_running(look, start, thread::sleep, || {
        stopped.load(Ordering::Relaxed)
    })
}

/// Starts a command, and again after each change of the sources, until `is_stopped`. `look` reads the state of the
/// sources, of which it gets the one before.
fn keep_running(
    look: impl Fn(Option<&Sources>) -> Sources,
    mut start: impl FnMut() -> io::Result<Child>,
    pause: impl Fn(Duration),
    is_stopped: impl Fn() -> bool,
) -> Result<(), Failure> {
    let mut before = None;
    while !is_stopped() {
        let sources = look(before.as_ref());
        let mut machine = start()?;
        let mut has_ended = false;
        while !is_stopped() && !sources.have_changed() {
            if !has_ended && machine.try_wait()?.is_some() {
                has_ended = true;
                eprintln!("xtask: waiting for a source file to change");
            }
            pause(EVERY);
        }
        if !has_ended {
            stop(&mut machine)?;
        }
        sources.settle(|| {
            pause(SETTLING);
            !is_stopped()
        });
        before = Some(sources);
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_file_that_is_saved_twice_restarts_the_machine_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.rs");
        fs::write(&file, "1").unwrap();
        let save = |text: &str| {
            let new = file.with_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, &file).unwrap();
        };
        let (starts, pauses) = (Cell::new(0), Cell::new(0));
        let start = || {
            starts.set(starts.get() + 1);
            Command::new("sleep").arg("60").spawn()
        };
        let pause = |_| {
            pauses.set(pauses.get() + 1);
            match pauses.get() {
                1 => save("22"),
                2 => save("333"),
                _ => {}
            }
        };
        let look = |_: Option<&Sources>| Sources::in_folder(folder.path());
        keep_running(look, start, pause, || pauses.get() > 6).unwrap();
        assert_eq!(starts.get(), 2);
    }
}
