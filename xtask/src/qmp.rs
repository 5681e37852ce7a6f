//! QEMU's monitor: one JSON object a line over a unix socket, events between the replies.

use core::error::Error;
use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A conversation with QEMU.
#[derive(Debug)]
pub struct Qmp {
    socket: UnixStream,
    lines: BufReader<UnixStream>,
    transcript: Option<File>,
}

impl Qmp {
    /// Connects to the socket, which QEMU makes as it starts, and shakes hands.
    ///
    /// # Errors
    /// There is nobody at the socket for half a minute, or no greeting.
    pub fn connect(path: &Path) -> Result<Self, QmpError> {
        Self::connect_while(path, || true)
    }

    /// The same, giving up as soon as QEMU is not `alive` any more.
    ///
    /// # Errors
    /// The same, sooner.
    pub fn connect_while(path: &Path, mut alive: impl FnMut() -> bool) -> Result<Self, QmpError> {
        let deadline = Instant::now() + LIMIT;
        let socket = loop {
            match UnixStream::connect(path) {
                Ok(socket) => break socket,
                Err(error) if Instant::now() >= deadline || !alive() => {
                    return Err(QmpError::Connect(error));
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        socket.set_read_timeout(Some(LIMIT))?;
        let lines = BufReader::new(socket.try_clone()?);
        let mut qmp = Self {
            socket,
            lines,
            transcript: None,
        };
        qmp.line()?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Appends what is said from now on to a file, a line each.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn recorded(mut self, path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        self.transcript = Some(file);
        Ok(self)
    }

    /// Runs a command; its result.
    ///
    /// # Errors
    /// QEMU refuses it, or says nothing.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        let request = json!({"execute": command, "arguments": arguments});
        writeln!(self.socket, "{request}")?;
        self.record("->", &request.to_string())?;
        loop {
            let mut line = self.line()?;
            if let Some(result) = line.get_mut("return") {
                return Ok(result.take());
            }
            if let Some(error) = line.get("error") {
                return Err(QmpError::Refused {
                    command: command.to_owned(),
                    error: error.to_string(),
                });
            }
            // Anything else is an event.
        }
    }

    /// Runs a command of the monitor for people; what it prints.
    ///
    /// # Errors
    /// QEMU says nothing.
    pub fn monitor(&mut self, line: &str) -> Result<String, QmpError> {
        let printed = self.execute("human-monitor-command", json!({"command-line": line}))?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }

    fn record(&mut self, direction: &str, line: &str) -> io::Result<()> {
        match &mut self.transcript {
            Some(file) => writeln!(file, "{direction} {line}"),
            None => Ok(()),
        }
    }

    fn line(&mut self) -> Result<Value, QmpError> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(QmpError::Closed);
        }
        self.record("<-", line.trim_end())?;
        serde_json::from_str(&line).map_err(|error| QmpError::NotJson(error.to_string()))
    }
}

/// Why the monitor did not answer.
#[derive(Debug)]
pub enum QmpError {
    /// There is nobody at the socket.
    Connect(io::Error),
    /// It broke off.
    Io(io::Error),
    /// QEMU closed it.
    Closed,
    /// What was said is not JSON.
    NotJson(String),
    /// QEMU does not do this.
    Refused {
        /// What was asked for.
        command: String,
        /// What QEMU said.
        error: String,
    },
}

impl From<io::Error> for QmpError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for QmpError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(formatter, "cannot connect to QEMU's monitor: {error}"),
            Self::Io(error) => write!(formatter, "QEMU's monitor: {error}"),
            Self::Closed => formatter.write_str("QEMU closed its monitor"),
            Self::NotJson(error) => write!(formatter, "QEMU's monitor: {error}"),
            Self::Refused { command, error } => {
                write!(formatter, "QEMU refuses `{command}`: {error}")
            }
        }
    }
}

impl Error for QmpError {}
