//! The commands, one file each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

pub mod build;
pub mod generate;
pub mod list;
pub mod run;
pub mod setup;
pub mod test;

/// The one command of VMOS.
///
/// A board is a description, boards/<name>.toml. These commands turn it into code (gen), into an
/// image (build), and into a running machine (run).
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    after_help = "Start here:\n  cargo xtask list\n  cargo xtask run virt-arm64",
    max_term_width = 100
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gen(generate::Arguments),
    Run(Box<run::Arguments>),
    Build(build::Arguments),
    List(list::Arguments),
    Test(test::Arguments),
    Setup(setup::Arguments),
}

/// Does what the command line says.
///
/// The exit status is 0 where it worked, 1 where it did not, 2 where what was asked for makes no
/// sense; `run` passes on the status with which the machine stopped.
#[must_use]
pub fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Gen(arguments) => generate::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
    };
    let Err(failure) = done else {
        return ExitCode::SUCCESS;
    };
    match &failure {
        Failure::Status(_) => {}
        said => eprintln!("error: {said}"),
    }
    ExitCode::from(failure.status())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

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
