//! Tests of an app whose console is a terminal: whatever ends or stops the app, the terminal is left as
//! it was.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::{PATIENCE, program};

/// What a user at the terminal types: the keys that the terminal turns into signals.
const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

/// A terminal, and an app that it controls.
struct Session {
    /// The side of the user.
    user: File,
    /// The side of the app. Without it, the modes would go with the app.
    terminal: File,
    app: Child,
}

impl Session {
    fn start(app: &str) -> Self {
        let user: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&user).expect("the terminal is ours");
        unlockpt(&user).expect("the terminal is ours");
        let name = ptsname(&user, Vec::new()).expect("the terminal has a name");
        let name = name.to_str().expect("it is a path").to_owned();
        let mut options = OpenOptions::new();
        let terminal = options
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits() as i32)
            .open(name)
            .expect("the terminal is there");
        let side = || terminal.try_clone().expect("a descriptor");
        // Keys send signals to the session that the terminal controls.
        let app = Command::new("setsid")
            .arg("--ctty")
            .arg(program(app))
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("the app starts");
        let mut session = Self {
            user: user.into(),
            terminal,
            app,
        };
        session.read_until("ready: ");
        session.wait_for_echo(false);
        session
    }

    /// Reads what the app prints, up to this text.
    fn read_until(&mut self, text: &str) {
        let mut read = Vec::new();
        let mut bytes = [0; 256];
        while !String::from_utf8_lossy(&read).contains(text) {
            let count = self.user.read(&mut bytes).expect("the app prints");
            read.extend(&bytes[..count]);
        }
    }

    fn press(&mut self, keys: &str) {
        let taken = self.user.write_all(keys.as_bytes());
        taken.expect("the terminal takes keys");
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.app);
        kill_process(pid, signal).expect("the app is there");
    }

    /// Waits until the terminal shows keys and collects lines, or does neither.
    fn wait_for_echo(&self, expected: bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let modes = tcgetattr(&self.terminal).expect("the terminal has modes");
            let both = LocalModes::ICANON | LocalModes::ECHO;
            let found = modes.local_modes & both;
            if found == (if expected { both } else { LocalModes::empty() }) {
                return;
            }
            assert!(Instant::now() < end, "the modes stay {found:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the signal that ends the app.
    fn end(mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.app.try_wait().expect("the app can be waited for") {
                return status.signal();
            }
            assert!(Instant::now() < end, "the app has not ended");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.app.kill();
        let _ = self.app.wait();
    }
}

#[test]
fn ctrl_c_ends_an_app_and_leaves_the_terminal_as_it_was() {
    let mut session = Session::start("shell");
    session.press(CTRL_C);
    session.wait_for_echo(true);
    assert_eq!(session.end(), Some(Signal::INT.as_raw()));
}

#[test]
fn an_app_that_is_asked_to_end_leaves_the_terminal_as_it_was() {
    let session = Session::start("shell");
    session.signal(Signal::TERM);
    session.wait_for_echo(true);
    assert_eq!(session.end(), Some(Signal::TERM.as_raw()));
}

#[test]
fn an_app_that_is_stopped_returns_the_terminal_until_it_goes_on() {
    let mut session = Session::start("shell");
    session.press(CTRL_Z);
    session.wait_for_echo(true);
    session.signal(Signal::CONT);
    session.wait_for_echo(false);
    session.press("memory\r");
    session.read_until("heap");
}
