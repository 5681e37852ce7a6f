//! The commands, one file each.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::diagnostics::{self, MessageFormat};
use crate::failure::Failure;

pub mod audit;
pub mod bench;
pub mod build;
pub mod debug;
pub mod diff;
pub mod explain;
pub mod generate;
pub mod import;
pub mod lint;
pub mod list;
pub mod new;
pub mod new_driver;
pub mod new_project;
pub mod profile;
pub mod run;
pub mod setup;
pub mod size;
pub mod test;
pub mod verify;
pub mod why;

/// The one command of VMOS.
///
/// A board is a description, boards/<name>.toml. These commands turn it into code (gen), into an
/// image (build), and into a running machine (run).
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    after_help = "Start here:\n  cargo xtask list\n  cargo xtask run <BOARD>",
    max_term_width = 100
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// How mistakes in board files are told
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
    NewProject(new_project::Arguments),
    Explain(explain::Arguments),
    Run(Box<run::Arguments>),
    Build(build::Arguments),
    Debug(debug::Arguments),
    List(list::Arguments),
    Lint(lint::Arguments),
    Test(test::Arguments),
    Size(size::Arguments),
    Verify(verify::Arguments),
    Import(import::Arguments),
    Setup(setup::Arguments),
    Why(why::Arguments),
    Diff(diff::Arguments),
    Audit(audit::Arguments),
    Bench(bench::Arguments),
    Profile(profile::Arguments),
}

/// Does what the command line says.
///
/// The exit status is 0 where it worked, 1 where it did not, 2 where what was asked for makes no
/// sense; `run` passes on the status with which the machine stopped.
#[must_use]
pub fn main() -> ExitCode {
    let command_line = examples_with(CommandLine::command(), first_board().as_deref());
    // What clap says of a command line that makes no sense ends the process with exit status 2.
    let matches = command_line.get_matches();
    let parsed = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    parsed.message_format.choose();
    let done = match parsed.command {
        Command::Gen(arguments) => generate::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::NewDriver(arguments) => new_driver::run(&arguments),
        Command::NewProject(arguments) => new_project::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Debug(arguments) => debug::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Size(arguments) => size::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
    };
    let Err(failure) = done else {
        return ExitCode::SUCCESS;
    };
    match &failure {
        Failure::Status(_) => {}
        Failure::Mistakes(mistakes) => diagnostics::tell(mistakes),
        said => eprintln!("error: {said}"),
    }
    ExitCode::from(failure.status())
}

/// Puts a board that there is into the examples, so that they can be typed as they stand.
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

/// A board of the repository that this command belongs to: cargo tells where its package is.
fn first_board() -> Option<String> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let package = package.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.parent()?;
    vmos_codegen::board_names(root).ok()?.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_name_a_board_that_there_is() {
        let command = examples_with(CommandLine::command(), Some("some-board"));
        for command in command.get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(!help.contains("<BOARD>"), "{help}");
        }
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
    fn every_option_says_what_it_does() {
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
