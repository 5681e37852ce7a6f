//! Runs failed machine tests again, each alone. On a busy computer, a test may fail because its
//! machine did not get enough processor time. Such a test passes when it runs alone, and is reported
//! apart from tests that fail again.

use super::failures::FailedTest;
use super::runner::{Progress, run as run_tests};
use super::tally::Verdict;
use super::{MACHINE_TESTS, Table};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// The largest number of failed tests that are run again: more of them have a common cause.
const MOST: usize = 4;

/// Runs each of the tests alone, and returns those that passed; none if there are too many.
pub(super) fn run(
    workspace: &Workspace,
    failed: &[FailedTest],
    environment: &[(&str, String)],
    table: &mut Table,
) -> Result<Vec<FailedTest>, Failure> {
    let mut passed = Vec::new();
    if failed.len() > MOST {
        return Ok(passed);
    }
    for test in failed {
        eprintln!("xtask: running {} again, alone", test.name);
        let words = words(&test.name);
        let mut verdict = None;
        run_tests(workspace, &words, environment, Progress::None, |line| {
            if let Some((name, told)) = Verdict::of(line)
                && name == test.name
            {
                verdict = Some(told);
            }
        })?;
        if verdict == Some(Verdict::Passed) {
            table.passed_again(&test.name);
            passed.push(test.clone());
        }
    }
    Ok(passed)
}

fn words(name: &str) -> Vec<String> {
    let words = ["test", "--package", MACHINE_TESTS, "--test", "machines"];
    let words = words.into_iter().chain(["--", "--exact", name]);
    words.map(str::to_owned).collect()
}
