//! A limit on the time that a process of this host may take.

use core::fmt;
use core::str::FromStr;
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The exit status of a command whose process was stopped at its limit, as that of `timeout`.
pub const STATUS: u8 = 124;

/// A time in whole seconds, at least 1, after which a process is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit(u32);

impl TimeLimit {
    /// Creates a limit of this many seconds; `None` if it is 0.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Option<Self> {
        match seconds {
            0 => None,
            _ => Some(Self(seconds)),
        }
    }

    /// Starts to count: the process is terminated (SIGTERM) if the limit passes before
    /// [`Countdown::end`] is called.
    #[must_use]
    pub fn start(self, process: &Child) -> Countdown {
        Countdown::start(Duration::from_secs(self.0.into()), process)
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.parse().ok().and_then(Self::seconds);
        seconds.ok_or_else(|| "expected a number of seconds, at least 1, such as 60".to_owned())
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A limit that counts; see [`TimeLimit::start`].
#[derive(Debug)]
pub struct Countdown {
    ended: Sender<()>,
    watch: JoinHandle<bool>,
}

impl Countdown {
    fn start(limit: Duration, process: &Child) -> Self {
        let (ended, end) = mpsc::channel();
        let process = i32::try_from(process.id()).ok().map(Pid::from_raw);
        let watch = thread::spawn(move || {
            let has_passed = end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if let (true, Some(process)) = (has_passed, process) {
                // It may have ended at the same moment.
                let _ = kill(process, Signal::SIGTERM);
            }
            has_passed
        });
        Self { ended, watch }
    }

    /// Stops counting; returns whether the limit has passed. Call it when the process has ended.
    #[must_use]
    pub fn end(self) -> bool {
        drop(self.ended);
        self.watch.join().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_takes_longer_is_terminated() {
        let mut process = Command::new("sleep").arg("100").spawn().unwrap();
        let countdown = Countdown::start(Duration::from_millis(50), &process);
        assert!(!process.wait().unwrap().success());
        assert!(countdown.end());
    }

    #[test]
    fn a_process_that_ends_earlier_is_left_alone() {
        let mut process = Command::new("true").spawn().unwrap();
        let countdown = TimeLimit::seconds(100).unwrap().start(&process);
        assert!(process.wait().unwrap().success());
        assert!(!countdown.end());
    }

    #[test]
    fn a_limit_is_a_number_of_seconds() {
        assert_eq!("60".parse(), Ok(TimeLimit(60)));
        for text in ["0", "", "-1", "1m", "99999999999"] {
            assert!(text.parse::<TimeLimit>().is_err(), "{text}");
        }
    }
}
