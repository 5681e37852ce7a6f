//! `run --watch`: rebuilds and restarts the machine when a source file changes.

mod sources;

use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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

/// Runs this command again without the option, and restarts it at each change, until the user stops
/// it.
pub(super) fn run(workspace: &Workspace, app: &App) -> Result<(), Failure> {
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
    let look = || Sources::of(workspace, &app.name);
    keep_running(look, start, || stopped.load(Ordering::Relaxed))
}

/// Starts a command, and again after each change of the sources, until `is_stopped`.
fn keep_running(
    look: impl Fn() -> Sources,
    mut start: impl FnMut() -> io::Result<Child>,
    is_stopped: impl Fn() -> bool,
) -> Result<(), Failure> {
    while !is_stopped() {
        let sources = look();
        let mut machine = start()?;
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
        if !is_stopped() {
            sources.settle(|| thread::sleep(SETTLING));
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_file_that_is_saved_twice_restarts_the_machine_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.rs");
        fs::write(&file, "1").unwrap();
        let (starts, last) = (Cell::new(0), Cell::new(Instant::now()));
        let start = || {
            starts.set(starts.get() + 1);
            last.set(Instant::now());
            if starts.get() > 1 {
                return Command::new("true").spawn();
            }
            let file = file.clone();
            thread::spawn(move || {
                for text in ["22", "333"] {
                    thread::sleep(Duration::from_millis(100));
                    let new = file.with_extension("new");
                    fs::write(&new, text).unwrap();
                    fs::rename(new, &file).unwrap();
                }
            });
            Command::new("sleep").arg("60").spawn()
        };
        let is_stopped = || starts.get() > 1 && last.get().elapsed() > 2 * EVERY;
        let began = Instant::now();
        keep_running(|| Sources::in_folder(folder.path()), start, is_stopped).unwrap();
        assert_eq!(starts.get(), 2);
        assert!(began.elapsed() < Duration::from_secs(30), "not stopped");
    }
}
