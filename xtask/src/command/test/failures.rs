//! Collects the tests that failed, each with its message, from the output of test harnesses.

use core::fmt;

/// A failed test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedTest {
    /// The test's name.
    pub(super) name: String,
    /// The first line of its message; empty if it printed none.
    pub(super) said: String,
}

impl fmt::Display for FailedTest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.said.as_str() {
            "" => formatter.write_str(&self.name),
            said => write!(formatter, "{}: {said}", self.name),
        }
    }
}

/// The tests that failed, in the order in which the harnesses reported them.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    tests: Vec<FailedTest>,
    /// Whether the first line of the last test is still to come.
    is_silent: bool,
}

impl Failures {
    /// Reads a line. A harness prints the message of a failed test below a line `---- NAME ----`, or
    /// `---- NAME stdout ----`.
    pub(super) fn take(&mut self, line: &str) {
        let title = line.strip_prefix("---- ");
        if let Some(name) = title.and_then(|line| line.strip_suffix(" ----")) {
            self.tests.push(FailedTest {
                name: name.strip_suffix(" stdout").unwrap_or(name).to_owned(),
                said: String::new(),
            });
            self.is_silent = true;
            return;
        }
        // The place of a panic stands in a line before its message.
        let says_something = !line.trim().is_empty() && !line.starts_with("thread '");
        if self.is_silent && says_something {
            if let Some(test) = self.tests.last_mut() {
                line.trim().clone_into(&mut test.said);
            }
            self.is_silent = false;
        }
    }

    /// Returns the tests that failed.
    pub(super) fn tests(&self) -> &[FailedTest] {
        &self.tests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> Vec<String> {
        let mut failures = Failures::default();
        output.lines().for_each(|line| failures.take(line));
        failures.tests().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_failed_machine_test_is_told_with_its_first_line() {
        let output = "failures:\n\n---- board/pci/echo ----\nno answer within 10 s\nmore\n";
        assert_eq!(told(output), ["board/pci/echo: no answer within 10 s"]);
    }

    #[test]
    fn the_message_of_a_panic_stands_below_its_place() {
        let output =
            "---- a::b stdout ----\n\nthread 'a::b' (7) panicked at a.rs:1:2:\n1 is not 2\n";
        assert_eq!(told(output), ["a::b: 1 is not 2"]);
    }

    #[test]
    fn a_test_that_printed_nothing_is_only_named() {
        assert_eq!(told("---- a ----\n---- b ----\nx\n"), ["a", "b: x"]);
    }

    #[test]
    fn other_lines_are_no_failures() {
        assert_eq!(told("test a ... ok\nfailures:\n    a\n"), [""; 0]);
    }
}
