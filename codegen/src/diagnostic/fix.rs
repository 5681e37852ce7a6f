//! Changes to a board file that fix an error, for commands that apply them.

use crate::source::{Location, SourceFile};

/// A change with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The location of the value; for [`Change::Remove`], of the key or the table.
    pub at: Location,
    /// The change that fixes the error.
    pub change: Change,
}

/// A change to a board file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Replace the value with this text.
    Write(String),
    /// Replace the value with this number, in the value's base.
    Number(u64),
    /// Remove the key with its value, or the table.
    Remove,
    /// Remove the part at this path, whatever the error's own location is.
    Without(String),
    /// Add a line to a table.
    Add {
        /// The path of the table.
        table: String,
        /// The line to add, without line break.
        line: String,
    },
}

impl Fix {
    /// Converts a number to the base of the value in `file`.
    pub(super) fn settle(&mut self, file: Option<&SourceFile>) {
        let Change::Number(number) = self.change else {
            return;
        };
        let written = file.map_or("", |file| &file.text[file.span(self.at)]);
        let text = match written.get(..2) {
            Some("0x" | "0X") => format!("{number:#04X}").replacen("0X", "0x", 1),
            Some("0b") => format!("{number:#b}"),
            Some("0o") => format!("{number:#o}"),
            _ => number.to_string(),
        };
        self.change = Change::Write(text);
    }
}

impl Change {
    /// Returns the change in words.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Write(text) => format!("write {text}"),
            Self::Number(number) => format!("write {number}"),
            Self::Remove => "remove it".to_owned(),
            Self::Without(path) => format!("remove `{path}`"),
            Self::Add { table, line } => format!("add under [{table}]: {line}"),
        }
    }
}
