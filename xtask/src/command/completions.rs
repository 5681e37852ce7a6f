//! `cargo xtask completions`: prints the completions of a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::CommandLine;
use crate::failure::Failure;

/// The word that is completed.
const WORD: &str = "xtask";

/// Print a shell's completions of these commands
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
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, WORD, &mut text);
    print!("{}", String::from_utf8_lossy(&text));
    Ok(())
}
