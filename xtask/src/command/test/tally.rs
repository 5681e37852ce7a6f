//! Counts test results in the output of test harnesses.

use core::fmt;

use super::failures::{FailedTest, Failures};

/// The numbers of passed, failed and skipped tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    failed_before: u64,
    failures: Failures,
    passed_later: Vec<FailedTest>,
    problems: Vec<String>,
}

impl Tally {
    /// Reads a line. Only a harness's summary line is counted.
    pub(super) fn take(&mut self, line: &str) {
        self.failures.take(line);
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in counts.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                Some("ignored") => self.skipped += count,
                _ => {}
            }
        }
    }

    /// Ends a group of tests. If the group failed although no test did (a test did not build, or
    /// crashed its harness), this counts as one failure.
    pub(super) fn close(&mut self, group: &str, ended_well: bool) {
        if !ended_well && self.failed == self.failed_before {
            self.failed += 1;
            self.problems
                .push(format!("{group} did not complete; see the output above"));
        }
        self.failed_before = self.failed;
    }

    /// Adds a group of which `passed` tests have passed and the others have failed, with a message each.
    pub(super) fn add(&mut self, passed: u64, problems: Vec<String>) {
        self.passed += passed;
        self.failed += problems.len() as u64;
        self.failed_before = self.failed;
        self.problems.extend(problems);
    }

    /// Counts failed tests that passed when they were run again.
    pub(super) fn passed_again(&mut self, tests: Vec<FailedTest>) {
        for test in tests {
            self.passed += 1;
            self.failed = self.failed.saturating_sub(1);
            self.passed_later.push(test);
        }
        self.failed_before = self.failed;
    }

    /// Returns the tests that passed only when they were run again.
    pub(super) fn passed_later(&self) -> &[FailedTest] {
        &self.passed_later
    }

    /// Returns the tests that failed and did not pass later.
    pub(super) fn failures(&self) -> impl Iterator<Item = &FailedTest> {
        let passed = &self.passed_later;
        let tests = self.failures.tests().iter();
        tests.filter(|test| !passed.contains(test))
    }

    /// Returns the failures other than failed tests.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns the number of failed tests.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped != 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The result of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The test passed.
    Passed,
    /// The test failed.
    Failed,
    /// The test was not run.
    Skipped,
    /// The test failed, and passed when it was run again.
    PassedAgain,
}

impl Verdict {
    /// Parses the name and the result from a harness's line such as `test a::b ... ok`.
    pub(super) fn of(line: &str) -> Option<(&str, Self)> {
        let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        let verdict = match verdict.split([' ', ',']).next()? {
            "ok" => Self::Passed,
            "FAILED" => Self::Failed,
            "ignored" => Self::Skipped,
            _ => return None,
        };
        Some((name.trim_end(), verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_several_harnesses_add_up() {
        let mut tally = Tally::default();
        tally.take("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out");
        tally.take("test a ... ok");
        tally.take("test result: FAILED. 4 passed; 2 failed; 0 ignored; finished in 0.10s");
        tally.close("the tests", false);
        assert_eq!(tally.to_string(), "7 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn skipped_tests_are_mentioned_only_if_there_are_any() {
        let mut tally = Tally::default();
        tally.take("test result: ok. 3 passed; 0 failed; 0 ignored");
        assert_eq!(tally.to_string(), "3 passed, 0 failed");
    }

    #[test]
    fn tests_that_did_not_build_are_a_failure() {
        let mut tally = Tally::default();
        tally.close("the tests", false);
        assert_eq!((tally.failed(), tally.problems().len()), (1, 1));
    }

    #[test]
    fn a_test_that_passed_when_run_again_has_passed_and_is_named() {
        let mut tally = Tally::default();
        for line in ["---- a ----", "too late", "---- b ----", "wrong"] {
            tally.take(line);
        }
        tally.take("test result: FAILED. 3 passed; 2 failed");
        tally.close("the tests", false);
        let late = tally.failures().next().cloned().into_iter().collect();
        tally.passed_again(late);
        assert_eq!(tally.to_string(), "4 passed, 1 failed");
        let names = |tests: Vec<&FailedTest>| tests.iter().map(|test| test.name.clone()).collect();
        let names: [Vec<String>; 2] = [
            names(tally.passed_later().iter().collect()),
            names(tally.failures().collect()),
        ];
        assert_eq!(names, [["a"], ["b"]]);
    }

    #[test]
    fn a_group_that_is_added_counts_with_its_messages() {
        let mut tally = Tally::default();
        tally.add(2, vec!["the third".to_owned()]);
        tally.close("the others", true);
        assert_eq!(tally.to_string(), "2 passed, 1 failed");
        assert_eq!(tally.problems(), ["the third"]);
    }

    #[test]
    fn a_broken_group_counts_even_after_a_group_with_failures() {
        let mut tally = Tally::default();
        tally.take("test result: FAILED. 0 passed; 2 failed");
        tally.close("the first", false);
        tally.close("the second", false);
        assert_eq!(tally.failed(), 3);
    }

    #[test]
    fn a_verdict_is_read_with_its_name() {
        assert_eq!(
            Verdict::of("test a/b/c   ... FAILED"),
            Some(("a/b/c", Verdict::Failed))
        );
    }

    #[test]
    fn a_reason_may_follow_a_verdict() {
        let line = "test a ... ignored, no compiler";
        assert_eq!(Verdict::of(line), Some(("a", Verdict::Skipped)));
    }

    #[test]
    fn a_closing_line_is_no_verdict() {
        assert_eq!(Verdict::of("test result: ok. 1 passed"), None);
    }
}
