//! A running QEMU machine. It is killed on drop, whether or not its test succeeded.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::qmp::Qmp;

use super::outcome::Outcome;
use super::serial::Serial;

/// The time limit for an action that is immediate on an idle host. A busy host takes ten to fifty
/// times longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A running machine.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    monitor: PathBuf,
    /// The threads that read the machine's output and QEMU's messages until the end.
    readers: Vec<JoinHandle<()>>,
    /// Standard input, which is the console's input.
    typed: Option<ChildStdin>,
    /// The machine's output so far.
    pub serial: Arc<Serial>,
}

impl Machine {
    /// Starts QEMU by `command`, which must put the console on standard output and the monitor at
    /// `monitor`.
    pub fn start(command: &[String], monitor: &Path, serial: Arc<Serial>) -> Outcome<Self> {
        let [program, arguments @ ..] = command else {
            return Err("no command".into());
        };
        let mut qemu = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let (typed, output, complaints) =
            (qemu.stdin.take(), qemu.stdout.take(), qemu.stderr.take());
        let filled = Arc::clone(&serial);
        let reader = thread::spawn(move || {
            if let Some(output) = output {
                filled.fill_from(output);
            }
        });
        // Messages of QEMU itself belong in the log of the test.
        let complained = Arc::clone(&serial);
        let listener = thread::spawn(move || {
            if let Some(complaints) = complaints {
                complained.complain_from(complaints);
            }
        });
        Ok(Self {
            qemu,
            monitor: monitor.to_owned(),
            readers: vec![reader, listener],
            typed,
            serial,
        })
    }

    /// Waits for a line of output; see [`Serial::wait_for`].
    pub fn wait_for<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> Outcome<T> {
        Ok(self.serial.wait_for(what, LIMIT, wanted)?)
    }

    /// Types text on the console.
    pub fn type_text(&mut self, text: &str) -> Outcome {
        let typed = self.typed.as_mut().ok_or("the console accepts no input")?;
        typed.write_all(text.as_bytes())?;
        Ok(typed.flush()?)
    }

    /// Connects to the machine's monitor. All messages are appended to a file next to its socket,
    /// with the extension `.log`.
    pub fn monitor(&self) -> Outcome<Qmp> {
        let transcript = self.monitor.with_extension("log");
        Ok(Qmp::connect(&self.monitor)?.recorded(&transcript)?)
    }

    /// Waits until the machine ends by itself.
    pub fn wait_for_end(&mut self) -> Outcome<ExitStatus> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.qemu.try_wait()? {
                // Read the rest of its output.
                for reader in self.readers.drain(..) {
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

    /// Returns the machine's exit status, if it has ended.
    pub fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.qemu.try_wait()?)
    }

    /// Kills the machine, as if its power was cut.
    pub fn pull_the_plug(mut self) -> Outcome {
        self.qemu.kill()?;
        self.qemu.wait()?;
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
