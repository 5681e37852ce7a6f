//! Runs a command that starts a machine, answers what it prints, and stops it if it falls silent.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// The longest time without a new line of output; building an image takes less.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

/// Runs the command to its end. Passes each line of its output to `answer`, which returns what to
/// type then. Returns whether the command succeeded, and its stdout and stderr as one text.
///
/// # Panics
///
/// Panics with the text if the command falls silent, after it has stopped the command.
pub(crate) fn run(
    command: &mut Command,
    mut answer: impl FnMut(&str) -> &'static [u8],
) -> (bool, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    let (sender, lines) = mpsc::channel();
    pass_on(child.stdout.take().unwrap(), sender.clone());
    pass_on(child.stderr.take().unwrap(), sender);
    let mut text = String::new();
    loop {
        match lines.recv_timeout(LONGEST_SILENCE) {
            Ok(line) => {
                text += &line;
                text.push('\n');
                let reply = answer(&line);
                if !reply.is_empty() {
                    typed.write_all(reply).unwrap();
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // `cargo xtask run` stops QEMU before it exits.
                let process = Pid::from_raw(child.id().try_into().unwrap());
                signal::kill(process, Signal::SIGTERM).unwrap();
                child.wait().unwrap();
                panic!("no output for {LONGEST_SILENCE:?} after:\n{text}");
            }
        }
    }
    (child.wait().unwrap().success(), text)
}

/// Sends each line that is read. A thread does it, until the other side has closed.
fn pass_on(output: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(line).is_err() {
                break;
            }
        }
    });
}
