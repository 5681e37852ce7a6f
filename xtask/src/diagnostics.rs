//! Prints diagnostics, for people or for programs.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::ValueEnum;
use vmos_codegen::Diagnostics;
use vmos_codegen::diagnostic::{Code, Format};

/// The format chosen on the command line.
static FORMAT: OnceLock<MessageFormat> = OnceLock::new();

/// The values of `--message-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// Text on stderr; coloured on a terminal unless NO_COLOR is set
    #[default]
    Human,
    /// One JSON object per line, on stdout
    Json,
    /// Annotations for GitHub workflows, on stdout
    Github,
}

impl MessageFormat {
    /// Returns the chosen format; the default is text for people.
    #[must_use]
    pub fn chosen() -> Self {
        FORMAT.get().copied().unwrap_or_default()
    }

    /// Sets the format for the rest of the process. Only the first call has an effect.
    pub(crate) fn choose(self) {
        let _ = FORMAT.set(self);
    }

    /// Returns whether stdout is reserved for programs, so that text for people goes to stderr.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        self != Self::Human
    }
}

impl From<MessageFormat> for Format {
    fn from(format: MessageFormat) -> Self {
        match format {
            MessageFormat::Human => Self::Human,
            MessageFormat::Json => Self::Json,
            MessageFormat::Github => Self::Github,
        }
    }
}

/// Prints all errors in the chosen format.
pub fn tell(mistakes: &Diagnostics) {
    let format = MessageFormat::chosen();
    if format.is_for_programs() {
        print!("{}", mistakes.render_as(format.into(), false));
        return;
    }
    let text = mistakes.render(coloured(&io::stderr()));
    eprintln!("{}\n\n{}", text.trim_end(), closing(mistakes));
}

/// Prints a message about what was done; on stderr if stdout is reserved for programs.
pub fn say(text: impl core::fmt::Display) {
    if MessageFormat::chosen().is_for_programs() {
        eprintln!("{text}");
    } else {
        println!("{text}");
    }
}

/// Returns whether output to `stream` is coloured (<https://no-color.org>).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal() && !dumb && !is_set("NO_COLOR")
}

/// Returns the closing line: how many errors there are, and how to read more about them.
fn closing(mistakes: &Diagnostics) -> String {
    let mut codes: Vec<Code> = mistakes.iter().map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let count = match mistakes.len() {
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    };
    let codes: Vec<&str> = codes.iter().map(|code| code.written()).collect();
    format!("{count}; details: cargo xtask explain {}", codes.join(" "))
}
