//! Runs a machine on the terminal until it ends or the user stops it.

use core::error::Error;
use core::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vmos_codegen::board::Board;

use crate::child;
use crate::symbolise::{Symboliser, Symbols};
use crate::time_limit::{Countdown, TimeLimit};

/// How a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The user stopped the machine by a signal (such as Ctrl-C), or closed its output.
    Interrupted,
    /// The machine was stopped at its time limit.
    TimedOut,
    /// QEMU exited with this status; see [`status_of_machine`].
    Exited(u8),
}

/// Runs a machine with its console on the terminal, and explains its backtraces. Stops it at the limit,
/// if there is one.
pub fn run(
    command: &[String],
    elf: &Path,
    root: &Path,
    limit: Option<TimeLimit>,
) -> Result<Ending, SessionError> {
    let [program, arguments @ ..] = command else {
        return Err(SessionError::Start {
            program: String::new(),
            error: io::Error::other("none"),
        });
    };
    // Without symbols the machine still runs; backtraces then show only addresses.
    let symbols = Symbols::read(elf, root).ok();
    let signals = Signals::catch()?;
    let mut qemu = child::bound(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| SessionError::Start {
            program: program.clone(),
            error,
        })?;
    signals.pass_to(&qemu);
    let countdown = limit.map(|limit| limit.start(&qemu));
    let shown = show(&mut qemu, |address| symbols.as_ref()?.describe(address));
    if shown.is_err() {
        // The user stopped it by closing the pipe that reads its output.
        terminate(&qemu);
    }
    let status = qemu.wait().map_err(SessionError::Wait)?;
    if countdown.is_some_and(Countdown::end) {
        return Ok(Ending::TimedOut);
    }
    ending(status, shown.is_err() || signals.caught())
}

/// Runs a program of this host on the terminal. Stops it at the limit, if there is one.
pub fn run_program(
    command: &mut Command,
    limit: Option<TimeLimit>,
) -> Result<Ending, SessionError> {
    let signals = Signals::catch()?;
    let mut child = command.spawn().map_err(|error| SessionError::Start {
        program: command.get_program().display().to_string(),
        error,
    })?;
    signals.pass_to(&child);
    let countdown = limit.map(|limit| limit.start(&child));
    let status = child.wait().map_err(SessionError::Wait)?;
    if countdown.is_some_and(Countdown::end) {
        return Ok(Ending::TimedOut);
    }
    ending(status, signals.caught())
}

fn show(qemu: &mut Child, describe: impl Fn(u64) -> Option<String>) -> io::Result<()> {
    let Some(mut serial) = qemu.stdout.take() else {
        return Ok(());
    };
    let mut output = Symboliser::new(io::stdout(), describe);
    let mut buffer = [0; 4096];
    loop {
        match serial.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => output.write(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn ending(status: ExitStatus, interrupted: bool) -> Result<Ending, SessionError> {
    if interrupted {
        return Ok(Ending::Interrupted);
    }
    match status.code().map(u8::try_from) {
        Some(Ok(code)) => Ok(Ending::Exited(code)),
        _ => Err(SessionError::Died(status)),
    }
}

/// Converts QEMU's exit status to that of the machine: QEMU's exit device turns a value v into 2 v
/// + 1. If the machine has another way to power off with success, a status of 1 is QEMU's own.
#[must_use]
pub fn status_of_machine(board: &Board, qemu: u8) -> u8 {
    if !board.power.iter().any(|power| power.doubles_status) || qemu.is_multiple_of(2) {
        return qemu;
    }
    match qemu / 2 {
        0 if board.power.len() > 1 => 1,
        status => status,
    }
}

fn terminate(qemu: &Child) {
    if let Ok(pid) = i32::try_from(qemu.id()) {
        // It may have ended in the meantime.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

/// The signals by which the user stops the machine.
struct Signals {
    caught: Arc<AtomicBool>,
    qemu: Arc<OnceLock<Pid>>,
}

impl Signals {
    /// Starts to catch signals. Ctrl-C reaches every process on the terminal, QEMU included, but
    /// `kill` reaches only this process, so caught signals are forwarded to QEMU.
    fn catch() -> Result<Self, SessionError> {
        let caught = Arc::new(AtomicBool::new(false));
        let qemu = Arc::new(OnceLock::<Pid>::new());
        let handler = {
            let (caught, qemu) = (Arc::clone(&caught), Arc::clone(&qemu));
            move || {
                caught.store(true, Ordering::Relaxed);
                if let Some(&pid) = qemu.get() {
                    let _ = kill(pid, Signal::SIGTERM);
                }
            }
        };
        ctrlc::set_handler(handler).map_err(SessionError::Signals)?;
        Ok(Self { caught, qemu })
    }

    fn pass_to(&self, child: &Child) {
        let Ok(pid) = i32::try_from(child.id()) else {
            return;
        };
        let _ = self.qemu.set(Pid::from_raw(pid));
        // A signal may have arrived before there was a process to forward it to.
        if self.caught() {
            terminate(child);
        }
    }

    fn caught(&self) -> bool {
        self.caught.load(Ordering::Relaxed)
    }
}

/// Why a machine could not be run.
#[derive(Debug)]
pub enum SessionError {
    /// QEMU could not be started.
    Start {
        /// The name of the QEMU program.
        program: String,
        /// The operating system's error.
        error: io::Error,
    },
    /// The signal handler could not be installed.
    Signals(ctrlc::Error),
    /// Waiting for QEMU failed.
    Wait(io::Error),
    /// QEMU was killed.
    Died(ExitStatus),
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => write!(
                formatter,
                "cannot start {program}: {error}\n  `cargo xtask setup` installs what is missing"
            ),
            Self::Signals(error) => write!(formatter, "cannot catch Ctrl-C: {error}"),
            Self::Wait(error) => write!(formatter, "cannot wait for QEMU: {error}"),
            Self::Died(status) => write!(formatter, "QEMU died: {status}"),
        }
    }
}

impl Error for SessionError {}
