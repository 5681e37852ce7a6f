//! Runs tests with cargo and reads their output.

use std::io::{BufRead as _, BufReader, IsTerminal as _, stdout};
use std::process::{Command, Stdio};

use indicatif::{ProgressBar, ProgressStyle};

use super::tally::Verdict;
use crate::failure::Failure;
use crate::workspace::{Workspace, cargo};

/// How to show progress on a terminal. Without a terminal, only lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Progress is not shown.
    None,
    /// A progress bar below the output.
    Bar,
}

/// Runs cargo, prints its output and passes each line to `take`; returns whether cargo succeeded.
pub(super) fn run(
    workspace: &Workspace,
    arguments: &[String],
    environment: &[(&str, String)],
    progress: Progress,
    mut take: impl FnMut(&str),
) -> Result<bool, Failure> {
    let mut command = cargo();
    command.args(arguments);
    run_command(command, workspace, environment, progress, &mut take)
}

/// Runs tests like [`cargo`](Self::cargo), with another command.
pub(super) fn run_command(
    mut command: Command,
    workspace: &Workspace,
    environment: &[(&str, String)],
    progress: Progress,
    take: &mut dyn FnMut(&str),
) -> Result<bool, Failure> {
    let mut child = command
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let bar = match progress {
        Progress::Bar if stdout().is_terminal() => new_bar(),
        _ => ProgressBar::hidden(),
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            // A test may print bytes that are not UTF-8.
            let line = String::from_utf8_lossy(&line);
            bar.suspend(|| println!("{line}"));
            take(&line);
            if let Some(count) = announced(&line) {
                bar.set_length(count);
            }
            if Verdict::of(&line).is_some() {
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    Ok(child.wait()?.success())
}

fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} machines");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

/// Returns the number of tests that a harness announces.
fn announced(line: &str) -> Option<u64> {
    line.strip_prefix("running ")?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_announces_how_many_tests_it_runs() {
        assert_eq!(announced("running 12 tests"), Some(12));
    }
}
