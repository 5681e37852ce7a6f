//! Reports outdated files in the formats of diagnostics for other programs.

use serde::Serialize;

use super::Stale;
use crate::diagnostic::{Format, escape};

/// The help text: how to bring the files up to date.
const HELP: &str = "run `cargo xtask gen` and review the diff";

/// The members of a diagnostic that apply to a generated file.
#[derive(Serialize)]
struct Message {
    code: Option<&'static str>,
    level: &'static str,
    message: String,
    file: String,
    line: usize,
    column: usize,
    notes: Vec<String>,
    help: [&'static str; 1],
}

impl Stale {
    /// Reports each file in a format.
    #[must_use]
    pub fn report_as(stale: &[Self], format: Format) -> String {
        match format {
            Format::Human => Self::report(stale),
            Format::Json => stale.iter().map(Self::json).collect(),
            Format::Github => stale.iter().map(Self::github).collect(),
        }
    }

    /// Returns the first line that differs, from 1.
    fn line(&self) -> usize {
        match self {
            Self::Missing { .. } | Self::Extra { .. } => 1,
            Self::Changed { line, .. } => *line,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "this generated file is missing",
            Self::Extra { .. } => "this file belongs to no board",
            Self::Changed { .. } => "this generated file is out of date",
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } | Self::Extra { .. } => vec![],
            Self::Changed { diff, .. } => vec![diff.clone()],
        }
    }

    fn json(&self) -> String {
        let message = Message {
            code: None,
            level: "error",
            message: self.title().to_owned(),
            file: format!("generated/{}", self.path()),
            line: self.line(),
            column: 1,
            notes: self.notes(),
            help: [HELP],
        };
        // Text and numbers only, so this cannot fail.
        serde_json::to_string(&message).unwrap_or_default() + "\n"
    }

    fn github(&self) -> String {
        let lines = self.notes().into_iter().chain([HELP.to_owned()]);
        let text = lines.collect::<Vec<_>>().join("\n");
        format!(
            "::error file=generated/{},line={},title={}::{}\n",
            escape::property(self.path()),
            self.line(),
            escape::property(self.title()),
            escape::data(&text)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> Stale {
        Stale::Changed {
            path: String::from("a/board.rs"),
            line: 3,
            diff: String::from("-1\n+2"),
        }
    }

    #[test]
    fn a_program_gets_the_file_and_the_line() {
        let text = Stale::report_as(&[changed()], Format::Json);
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["file"], "generated/a/board.rs");
        assert_eq!(object["line"], 3);
        assert_eq!(object["notes"][0], "-1\n+2");
    }

    #[test]
    fn a_pull_request_gets_an_annotation_at_the_line() {
        let missing = Stale::Missing {
            path: String::from("a/linker.ld"),
        };
        assert_eq!(
            Stale::report_as(&[changed(), missing], Format::Github),
            "::error file=generated/a/board.rs,line=3,title=this generated file is out of \
             date::-1%0A+2%0Arun `cargo xtask gen` and review the diff\n\
             ::error file=generated/a/linker.ld,line=1,title=this generated file is missing::run \
             `cargo xtask gen` and review the diff\n"
        );
    }
}
