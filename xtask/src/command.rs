//! The `cargo xtask` commands, one file each.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::child;
use crate::diagnostics::{self, MessageFormat};
use crate::failure::Failure;
use crate::output;
use crate::transport::{self, Transport};

pub mod audit;
pub mod bench;
pub mod build;
pub mod completions;
pub mod debug;
pub mod diff;
pub mod doc;
pub mod explain;
pub mod generate;
pub mod import;
pub mod lint;
pub mod list;
pub mod new;
pub mod new_app;
pub mod new_driver;
pub mod new_project;
pub mod profile;
pub mod run;
pub mod setup;
pub mod simulate;
pub mod size;
pub mod soak;
pub mod test;
pub mod verify;
pub mod why;

/// Build, run, check and test VMOS.
///
/// A board is described in boards/<name>.toml. These commands generate code from the description
/// (gen), build an image (build) and run it in QEMU (run).
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask",
    version,
    disable_help_subcommand = true,
    after_help = "Start here:\n  cargo xtask list\n  cargo xtask run <BOARD>",
    max_term_width = 100
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// Format of the diagnostics for board files
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    message_format: MessageFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gen(generate::Arguments),
    New(new::Arguments),
    NewDriver(new_driver::Arguments),
    NewApp(new_app::Arguments),
    NewProject(new_project::Arguments),
    Explain(explain::Arguments),
    Run(Box<run::Arguments>),
    Build(build::Arguments),
    Debug(debug::Arguments),
    List(list::Arguments),
    Lint(lint::Arguments),
    Test(test::Arguments),
    Simulate(simulate::Arguments),
    Size(size::Arguments),
    Soak(soak::Arguments),
    Verify(verify::Arguments),
    Import(import::Arguments),
    Setup(setup::Arguments),
    Why(why::Arguments),
    Diff(diff::Arguments),
    Doc(doc::Arguments),
    Audit(audit::Arguments),
    Bench(bench::Arguments),
    Profile(profile::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command.
///
/// The exit status is 0 on success, 1 on failure and 2 for invalid arguments; `run` returns the
/// status with which the machine stopped.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(status) = child::become_program() {
        return status;
    }
    // Only a help text has examples, and finding a board for them takes a moment.
    let asks_for_help = |word: OsString| word == "--help" || word == "-h";
    let has_help = std::env::args_os().len() == 1 || std::env::args_os().any(asks_for_help);
    let board = has_help.then(first_board).flatten();
    let command_line = examples_with(CommandLine::command(), board.as_deref());
    // For invalid arguments, clap ends the process with exit status 2.
    let matches = command_line.get_matches();
    let parsed = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    parsed.message_format.choose();
    let done = match parsed.command {
        Command::Gen(arguments) => generate::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::NewDriver(arguments) => new_driver::run(&arguments),
        Command::NewApp(arguments) => new_app::run(&arguments),
        Command::NewProject(arguments) => new_project::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Debug(arguments) => debug::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Size(arguments) => size::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Doc(arguments) => doc::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    let written = output::outcome().map_err(|error| format!("cannot write to stdout: {error}"));
    let Err(failure) = done.and_then(|()| Ok(written?)) else {
        return ExitCode::SUCCESS;
    };
    match &failure {
        Failure::Status(_) => {}
        Failure::Mistakes(mistakes) => diagnostics::tell(mistakes),
        said => eprintln!("error: {said}"),
    }
    ExitCode::from(failure.status())
}

/// Puts the name of an existing board into the examples, so that they can be copied and run.
fn examples_with(command: clap::Command, board: Option<&str>) -> clap::Command {
    let Some(board) = board else { return command };
    let fill = |command: clap::Command| {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        command.after_help(help.replace("<BOARD>", board))
    };
    fill(command).mut_subcommands(fill)
}

/// Returns the first board of the repository that this xtask belongs to, found through the folder
/// of its package.
fn first_board() -> Option<String> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let package = package.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.parent()?;
    example_board(root)
}

/// Returns the first board for which the examples of every command work: one with every transport.
/// If there is none, returns the first board.
fn example_board(root: &Path) -> Option<String> {
    let names = vmos_codegen::board_names(root).ok()?;
    let has_all = |name: &&String| {
        let board = vmos_codegen::load(root, name);
        board.is_ok_and(|board| transport::transports(&board).len() == Transport::COUNT)
    };
    names.iter().find(has_all).or(names.first()).cloned()
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_examples_name_an_existing_board() {
        let command = examples_with(CommandLine::command(), Some("some-board"));
        for command in command.get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(!help.contains("<BOARD>"), "{help}");
        }
    }

    /// Returns the lines of a help text that can be typed.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let lines = help.lines().map(str::trim);
        lines
            .filter(|line| line.contains("cargo xtask "))
            .map(str::to_owned)
            .collect()
    }

    /// Splits a line like a shell, for the quotes that the examples use.
    fn words(line: &str) -> Vec<String> {
        let pieces = line.split(['"', '\'']).enumerate();
        let mut words = vec![String::new()];
        for (index, piece) in pieces {
            for (position, part) in piece.split(' ').enumerate() {
                match words.last_mut() {
                    Some(last) if index % 2 == 1 && position > 0 => *last += &format!(" {part}"),
                    Some(last) if position == 0 => *last += part,
                    _ => words.push(part.to_owned()),
                }
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_example_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let board = example_board(root).unwrap();
        let command = examples_with(CommandLine::command(), Some(&board));
        let all = command.get_subcommands().chain([&command]);
        let lines: Vec<String> = all.flat_map(examples).collect();
        assert!(lines.len() > 20);
        for line in lines {
            let words = words(&line);
            let start = words.iter().position(|word| word == "cargo").unwrap();
            let parsed = CommandLine::command().try_get_matches_from(&words[start + 1..]);
            let understood = parsed.and_then(|matches| CommandLine::from_arg_matches(&matches));
            assert!(understood.is_ok(), "{line}: {}", understood.unwrap_err());
        }
    }

    /// Returns the commands that a page shows, in its code blocks and within its sentences.
    fn shown(page: &str) -> Vec<String> {
        let pieces = page.split("```").enumerate();
        let (code, prose): (Vec<_>, Vec<_>) = pieces.partition(|(index, _)| index % 2 == 1);
        let lines = code.iter().flat_map(|(_, block)| block.lines());
        let lines = lines.map(|line| line.strip_prefix("$ ").unwrap_or(line));
        // Without comments, further commands, and the mark of a line that goes on.
        let lines = lines.map(|line| line.split(['#', '|', '\\']).next().unwrap_or_default());
        let spans = prose
            .iter()
            .flat_map(|(_, text)| text.split('`').skip(1).step_by(2));
        let commands = lines.chain(spans).map(|text| text.replace('\n', " "));
        commands
            .filter(|text| text.starts_with("cargo xtask "))
            .collect()
    }

    #[test]
    fn every_command_of_the_pages_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages = std::fs::read_dir(root.join("docs")).unwrap();
        let pages = pages.map(|entry| entry.unwrap().path());
        let more = [
            "README.md",
            "CONTRIBUTING.md",
            "templates/project/README.md",
        ];
        let pages = pages.chain(more.map(|page| root.join(page)));
        let mut count = 0;
        for page in pages.filter(|path| path.extension().is_some_and(|it| it == "md")) {
            for line in shown(&std::fs::read_to_string(&page).unwrap()) {
                // A word in brackets may be left out.
                let words = words(&line)
                    .into_iter()
                    .filter(|word| !word.starts_with('['));
                let parsed = CommandLine::command().try_get_matches_from(words.skip(1));
                let error = parsed.err();
                // A sentence may name a command without the board that it needs.
                let is_wrong = error.as_ref().filter(|error| {
                    error.use_stderr() && error.kind() != ErrorKind::MissingRequiredArgument
                });
                assert!(
                    is_wrong.is_none(),
                    "{}: {line}: {is_wrong:?}",
                    page.display()
                );
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn the_example_board_has_every_transport() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let board = vmos_codegen::load(root, &example_board(root).unwrap()).unwrap();
        assert_eq!(transport::transports(&board).len(), Transport::COUNT);
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        for command in CommandLine::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let example = format!("cargo xtask {}", command.get_name());
            assert!(help.contains(&example), "{}: {help}", command.get_name());
        }
    }

    #[test]
    fn every_option_has_a_description() {
        for command in CommandLine::command().get_subcommands() {
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {argument}",
                    command.get_name()
                );
            }
        }
    }
}
