//! A client for QEMU's monitor (QMP): one JSON object per line over a unix socket, with events
//! between the replies.

use core::error::Error;
use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The time limit for an answer.
const LIMIT: Duration = Duration::from_secs(30);

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub struct Qmp {
    socket: UnixStream,
    lines: BufReader<UnixStream>,
    transcript: Option<File>,
}

impl Qmp {
    /// Connects to the socket, which QEMU creates when it starts, and completes the handshake.
    ///
    /// # Errors
    /// QEMU does not open the socket within half a minute, or sends no greeting.
    pub fn connect(path: &Path) -> Result<Self, QmpError> {
        Self::connect_while(path, || true)
    }

    /// Like [`connect`](Self::connect), but fails as soon as `alive` returns false.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), or QEMU has ended.
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

    /// Appends all further messages to a file, one per line.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn recorded(mut self, path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        self.transcript = Some(file);
        Ok(self)
    }

    /// Runs a command, and returns its result.
    ///
    /// # Errors QEMU rejects the command, or does not answer.
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
            // Everything else is an event.
        }
    }

    /// Executes a command of the human monitor and returns its output.
    ///
    /// # Errors
    /// QEMU does not answer.
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

/// Why a monitor command failed.
#[derive(Debug)]
pub enum QmpError {
    /// Connecting to the socket failed.
    Connect(io::Error),
    /// Reading from or writing to the monitor failed.
    Io(io::Error),
    /// QEMU closed the connection to its monitor.
    Closed,
    /// A reply is not valid JSON.
    NotJson(String),
    /// QEMU rejected a command.
    Refused {
        /// The rejected command.
        command: String,
        /// QEMU's error message.
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
                write!(formatter, "QEMU rejected `{command}`: {error}")
            }
        }
    }
}

impl Error for QmpError {}
