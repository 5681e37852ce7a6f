//! A machine that runs on the terminal until it, or the user, ends it.

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

use crate::symbolise::{Symboliser, Symbols};

/// How a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The user stopped it: by a signal, as Ctrl-C sends, or by reading no further.
    Interrupted,
    /// QEMU ended with this status; see [`status_of_machine`].
    Exited(u8),
}

/// Runs a machine with its console on the terminal, explaining the backtraces it prints.
pub fn run(command: &[String], elf: &Path, root: &Path) -> Result<Ending, SessionError> {
    let [program, arguments @ ..] = command else {
        return Err(SessionError::Start {
            program: String::new(),
            error: io::Error::other("none"),
        });
    };
    // Without symbols the machine runs all the same; the addresses are then all there is to see.
    let symbols = Symbols::read(elf, root).ok();
    let signals = Signals::catch()?;
    let mut qemu = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| SessionError::Start {
            program: program.clone(),
            error,
        })?;
    signals.pass_to(&qemu);
    let shown = show(&mut qemu, |address| symbols.as_ref()?.describe(address));
    if shown.is_err() {
        // Nobody reads any more (a closed pipe), which is how the user of a pipe stops it.
        terminate(&qemu);
    }
    let status = qemu.wait().map_err(SessionError::Wait)?;
    ending(status, shown.is_err() || signals.caught())
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

/// The status with which the machine stopped, by the one with which QEMU ended: a device of QEMU's
/// makes 2 v + 1 of it. Where the machine has another way to stop with success, 1 is QEMU's own.
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
        // It may have ended by itself meanwhile, which is just as well.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

/// The signals by which the user stops the machine.
struct Signals {
    caught: Arc<AtomicBool>,
    qemu: Arc<OnceLock<Pid>>,
}

impl Signals {
    /// Begins to catch them. Ctrl-C reaches QEMU too, being sent to everything on the terminal;
    /// `kill` reaches only this process, so what is caught is passed on.
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
        // A signal may have come just before there was somebody to pass it to.
        if self.caught() {
            terminate(child);
        }
    }

    fn caught(&self) -> bool {
        self.caught.load(Ordering::Relaxed)
    }
}

/// Why a machine did not run to an end.
#[derive(Debug)]
pub enum SessionError {
    /// QEMU could not be started.
    Start {
        /// Its program.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// Signals could not be caught.
    Signals(ctrlc::Error),
    /// QEMU could not be waited for.
    Wait(io::Error),
    /// QEMU did not end by itself.
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
