//! QEMU's monitor: one JSON object a line over a unix socket, events between the replies.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::outcome::Outcome;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A conversation with QEMU.
#[derive(Debug)]
pub struct Qmp {
    socket: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects to the socket, which QEMU makes as it starts, and shakes hands.
    pub fn connect(path: &Path) -> Outcome<Self> {
        let deadline = Instant::now() + LIMIT;
        let socket = loop {
            match UnixStream::connect(path) {
                Ok(socket) => break socket,
                Err(error) if Instant::now() >= deadline => {
                    return Err(format!("cannot connect to QEMU's monitor: {error}").into());
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        socket.set_read_timeout(Some(LIMIT))?;
        let lines = BufReader::new(socket.try_clone()?);
        let mut qmp = Self { socket, lines };
        qmp.line()?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs a command; its result.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Outcome<Value> {
        let request = json!({"execute": command, "arguments": arguments});
        writeln!(self.socket, "{request}")?;
        loop {
            let mut line = self.line()?;
            if let Some(result) = line.get_mut("return") {
                return Ok(result.take());
            }
            if let Some(error) = line.get("error") {
                return Err(format!("QEMU refuses `{command}`: {error}").into());
            }
            // Anything else is an event.
        }
    }

    /// Runs a command of the monitor for people; what it prints.
    pub fn monitor(&mut self, line: &str) -> Outcome<String> {
        let printed = self.execute("human-monitor-command", json!({"command-line": line}))?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }

    fn line(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("QEMU closed its monitor".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}
