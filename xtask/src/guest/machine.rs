//! A machine that runs. It is ended when dropped, whatever became of its test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::qmp::Qmp;

use super::outcome::Outcome;
use super::serial::Serial;

/// How long a machine may take for what it does at once on an idle computer. On a busy one
/// everything takes ten to fifty times longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A machine that runs.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    monitor: PathBuf,
    /// What takes in its output, until there is no more.
    reader: Option<JoinHandle<()>>,
    /// What it prints.
    pub serial: Arc<Serial>,
}

impl Machine {
    /// Starts it; `command` has the console on standard output and the monitor at `monitor`.
    pub fn start(command: &[String], monitor: &Path, serial: Arc<Serial>) -> Outcome<Self> {
        let [program, arguments @ ..] = command else {
            return Err("no command".into());
        };
        let mut qemu = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let (output, complaints) = (qemu.stdout.take(), qemu.stderr.take());
        let filled = Arc::clone(&serial);
        let reader = thread::spawn(move || {
            if let Some(output) = output {
                filled.fill_from(output);
            }
        });
        // What QEMU itself complains of belongs into the log of the test, not between the verdicts.
        let complained = Arc::clone(&serial);
        thread::spawn(move || {
            if let Some(complaints) = complaints {
                complained.complain_from(complaints);
            }
        });
        Ok(Self {
            qemu,
            monitor: monitor.to_owned(),
            reader: Some(reader),
            serial,
        })
    }

    /// Waits for a line; see [`Serial::wait_for`].
    pub fn wait_for<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        Ok(self.serial.wait_for(what, LIMIT, wanted)?)
    }

    /// Opens its monitor. What is said is appended to a file beside its socket, which ends in `.log`.
    pub fn monitor(&self) -> Outcome<Qmp> {
        let transcript = self.monitor.with_extension("log");
        Ok(Qmp::connect(&self.monitor)?.recorded(&transcript)?)
    }

    /// Waits for the machine to end by itself.
    pub fn wait_for_end(&mut self) -> Outcome<ExitStatus> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.qemu.try_wait()? {
                // The last it printed may still be on its way.
                if let Some(reader) = self.reader.take() {
                    let _ = reader.join();
                }
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(format!("the machine did not end within {LIMIT:?}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Says how it ended, if it did.
    pub fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.qemu.try_wait()?)
    }

    /// Takes its power away, as somebody who pulls the plug.
    pub fn pull_the_plug(mut self) -> Outcome {
        self.qemu.kill()?;
        self.qemu.wait()?;
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted here.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
