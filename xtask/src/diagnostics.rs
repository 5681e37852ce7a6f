//! How mistakes are told: to a person, or to another program.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::ValueEnum;
use vmos_codegen::Diagnostics;
use vmos_codegen::diagnostic::{Code, Format};

/// The format that the command line asked for.
static FORMAT: OnceLock<MessageFormat> = OnceLock::new();

/// `--message-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For a person, on stderr; in colour on a terminal, unless NO_COLOR is set
    #[default]
    Human,
    /// A JSON object a line, on stdout
    Json,
    /// Annotations for a GitHub workflow, on stdout
    Github,
}

impl MessageFormat {
    /// What the command line asked for; what is for a person where it did not.
    #[must_use]
    pub fn chosen() -> Self {
        FORMAT.get().copied().unwrap_or_default()
    }

    /// Chooses for the rest of the process; only the first choice counts.
    pub(crate) fn choose(self) {
        let _ = FORMAT.set(self);
    }

    /// Whether stdout belongs to another program, so that what is for a person goes to stderr.
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

/// Tells all mistakes in the format that was chosen.
pub fn tell(mistakes: &Diagnostics) {
    let format = MessageFormat::chosen();
    if format.is_for_programs() {
        print!("{}", mistakes.render_as(format.into(), false));
        return;
    }
    let text = mistakes.render(coloured(&io::stderr()));
    eprintln!("{}\n\n{}", text.trim_end(), closing(mistakes));
}

/// Says what was done, where it does not get in the way of what programs read.
pub fn say(text: impl core::fmt::Display) {
    if MessageFormat::chosen().is_for_programs() {
        eprintln!("{text}");
    } else {
        println!("{text}");
    }
}

/// Whether to write in colour to `stream` (<https://no-color.org>).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal() && !dumb && !is_set("NO_COLOR")
}

/// How many there are, and where to read more.
fn closing(mistakes: &Diagnostics) -> String {
    let mut codes: Vec<Code> = mistakes.iter().map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let count = match mistakes.len() {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let codes: Vec<&str> = codes.iter().map(|code| code.written()).collect();
    format!("{count}; for more: cargo xtask explain {}", codes.join(" "))
}
