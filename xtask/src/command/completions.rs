//! `cargo xtask completions`: prints the completions of a shell.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Args, CommandFactory as _};
use clap_complete::Shell;
use vmos_codegen::diagnostic::Code;
use vmos_codegen::source::{Folder, Sources as _};

use super::CommandLine;
use crate::boards;
use crate::failure::{Failure, FileError};
use crate::workspace::Workspace;

/// The word that is completed.
const WORD: &str = "xtask";

/// Print a shell's completions of these commands
///
/// They complete commands, options, the boards and apps that exist now, and the codes of diagnostics.
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
        let names = Names::of(&workspace)?;
        command = command.mut_subcommands(|command| names.offered_by(command));
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

/// The names that arguments take. Clap keeps them for as long as the process runs, which ends after
/// printing them.
struct Names {
    boards: Vec<&'static str>,
    /// Also a process of the host.
    machines: Vec<&'static str>,
    /// Also those of VMOS, if the workspace is another one.
    extensible: Vec<&'static str>,
    apps: Vec<&'static str>,
    codes: Vec<&'static str>,
}

impl Names {
    fn of(workspace: &Workspace) -> Result<Self, Failure> {
        let root = &workspace.root;
        let extensible = Folder::new(root).names();
        let boards = kept(boards::names(workspace)?);
        Ok(Self {
            machines: [&boards[..], &[boards::HOSTED]].concat(),
            boards,
            extensible: kept(extensible.map_err(FileError::at("list", root))?),
            apps: kept(workspace.apps.iter().map(|app| app.name.clone())),
            codes: kept(Code::ALL.iter().map(ToString::to_string)),
        })
    }

    /// Returns a command whose arguments know the names that they take.
    fn offered_by(&self, command: clap::Command) -> clap::Command {
        let is_run = command.get_name() == "run";
        command.mut_args(|argument| {
            let names = match value_name(&argument) {
                // Some apps only: the argument lists them itself.
                _ if !argument.get_possible_values().is_empty() => return argument,
                "BOARD" if is_run => &self.machines,
                "BOARD" if argument.get_id() == "from" => &self.extensible,
                "BOARD" => &self.boards,
                "APP" => &self.apps,
                "CODE" => &self.codes,
                _ => return argument,
            };
            // The app that is the default in VMOS need not exist in another workspace.
            let mut defaults = argument.get_default_values().iter();
            if defaults.any(|default| !names.iter().any(|name| *name == default)) {
                return argument;
            }
            argument.value_parser(PossibleValuesParser::new(names))
        })
    }
}

/// Returns the word that stands for the value of an argument in the help.
fn value_name(argument: &Arg) -> &str {
    argument
        .get_value_names()
        .and_then(<[_]>::first)
        .map_or("", |name| name.as_str())
}

fn kept(names: impl IntoIterator<Item = String>) -> Vec<&'static str> {
    names.into_iter().map(|name| &*name.leak()).collect()
}
