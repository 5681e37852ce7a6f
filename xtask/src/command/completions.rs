//! `cargo xtask completions`: prints the completions of a shell.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::CommandLine;
use crate::boards;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// The word that is completed.
const WORD: &str = "xtask";

/// Print a shell's completions of these commands
///
/// They complete commands, options, and the boards and apps that exist now.
///
/// Shells complete by the first word of a line, so they need a function of that name. In bash or zsh:
/// xtask() { cargo xtask "$@"; }. In fish: function xtask; cargo xtask $argv; end. Write the output to
/// ~/.local/share/bash-completion/completions/xtask for bash, to _xtask in a folder of fpath for zsh, or to
/// ~/.config/fish/completions/xtask.fish for fish.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask completions bash
  cargo xtask completions fish")]
pub struct Arguments {
    /// Shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = CommandLine::command().bin_name(WORD);
    // Outside of a workspace, there are no names.
    if let Ok(workspace) = Workspace::find() {
        let apps = workspace.apps.iter().map(|app| app.name.clone()).collect();
        command = with_names(command, boards::names(&workspace)?, apps);
    }
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, WORD, &mut text);
    print!("{}", String::from_utf8_lossy(&text));
    if arguments.shell == Shell::Fish {
        print!("{}", positional_for_fish(&command));
    }
    Ok(())
}

/// Returns completions of the arguments without an option, which clap leaves out for fish.
fn positional_for_fish(command: &clap::Command) -> String {
    let mut text = String::new();
    for command in command.get_subcommands() {
        for argument in command.get_positionals() {
            let values = argument.get_possible_values();
            let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
            if !names.is_empty() {
                let (of, names) = (command.get_name(), names.join(" "));
                let when = format!("__fish_{WORD}_using_subcommand {of}");
                text += &format!("complete -c {WORD} -n \"{when}\" -f -a \"{names}\"\n");
            }
        }
    }
    text
}

/// Adds the names of boards and apps to the arguments that take one.
fn with_names(command: clap::Command, of_boards: Vec<String>, apps: Vec<String>) -> clap::Command {
    // Clap keeps names for as long as the process runs, which ends after printing them.
    let names = |names: Vec<String>| -> Vec<&'static str> {
        names.into_iter().map(|name| &*name.leak()).collect()
    };
    let (boards, apps) = (names(of_boards), names(apps));
    let hosted = [&boards[..], &[boards::HOSTED]].concat();
    command.mut_subcommands(|command| {
        let is_run = command.get_name() == "run";
        command.mut_args(|argument| {
            let names = match argument.get_id().as_str() {
                // An argument with a default names a board or an app that may not exist.
                _ if !argument.get_default_values().is_empty() => return argument,
                "board" if is_run => &hosted,
                "board" | "boards" => &boards,
                "app" => &apps,
                _ => return argument,
            };
            argument.value_parser(PossibleValuesParser::new(names))
        })
    })
}
