//! The console output of a machine.

use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The output of a machine so far.
#[derive(Debug, Default)]
pub struct Serial {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
    complaints: Vec<u8>,
}

impl Serial {
    /// Reads the machine's output to its end.
    pub fn fill_from(&self, mut from: impl Read) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            self.lock().bytes.extend_from_slice(&buffer[..count]);
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Reads QEMU's own messages to their end.
    pub fn complain_from(&self, mut from: impl Read) {
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            self.lock().complaints.extend_from_slice(&buffer[..count]);
        }
    }

    /// Returns QEMU's own messages so far.
    #[must_use]
    pub fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.lock().complaints).into_owned()
    }

    /// Returns the whole output as text, followed by QEMU's messages.
    #[must_use]
    pub fn text(&self) -> String {
        let State {
            bytes, complaints, ..
        } = &*self.lock();
        let text = String::from_utf8_lossy(bytes).replace('\r', "");
        text + &String::from_utf8_lossy(complaints)
    }

    /// Returns the complete lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        complete_lines(&self.lock().bytes)
    }

    /// Waits for a line for which `wanted` returns a result; `what` describes it in the error
    /// message.
    pub fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(found) = complete_lines(&state.bytes)
                .iter()
                .find_map(|line| wanted(line))
            {
                return Ok(found);
            }
            if state.ended {
                return Err(format!("the machine ended before it printed {what}"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the machine did not print {what} within {limit:?}"));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the line with a given number, counted from 0.
    pub fn wait_for_line(&self, position: usize, limit: Duration) -> Result<String, String> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(line) = complete_lines(&state.bytes).into_iter().nth(position) {
                return Ok(line);
            }
            if state.ended {
                return Err("the machine ended before it printed more".to_owned());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the machine printed nothing more within {limit:?}"));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent even if a reader panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn complete_lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = bytes
        .split(|&byte| byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).replace('\r', ""))
        .collect();
    lines.pop();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    fn printed(text: &str) -> Serial {
        let serial = Serial::default();
        serial.fill_from(text.as_bytes());
        serial
    }

    #[test]
    fn a_line_counts_once_it_is_complete() {
        assert_eq!(printed("one\r\ntwo").lines(), ["one"]);
    }

    #[test]
    fn waiting_returns_the_result_for_the_line() {
        let count = |line: &str| line.strip_prefix("count ")?.parse::<u32>().ok();
        assert_eq!(
            printed("x\ncount 7\n").wait_for("a count", SOON, count),
            Ok(7)
        );
    }

    #[test]
    fn a_line_is_found_by_its_position() {
        let serial = printed("a\r\nb\nc");
        assert_eq!(serial.wait_for_line(1, SOON), Ok("b".to_owned()));
        assert!(serial.wait_for_line(2, SOON).is_err());
    }

    #[test]
    fn waiting_ends_when_the_machine_does() {
        let error = printed("x\n")
            .wait_for("a count", SOON, |_| None::<()>)
            .unwrap_err();
        assert!(error.contains("ended before it printed a count"), "{error}");
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let error = Serial::default()
            .wait_for("a count", SOON, |_| None::<()>)
            .unwrap_err();
        assert!(error.contains("did not print a count within"), "{error}");
    }
}
