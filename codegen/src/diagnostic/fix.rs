//! The one change to a board file that puts a mistake right, so that a command can make it too.

use crate::source::{Location, SourceFile};

/// A change and where it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The value, or for [`Change::Remove`] the key or the table.
    pub at: Location,
    /// What is done there.
    pub change: Change,
}

/// A change to a board file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put this text in place of the value.
    Write(String),
    /// Put this number in place of the value, in the base that the value is written in.
    Number(u64),
    /// Remove the key with its value, or the table.
    Remove,
    /// Add a line to a table.
    Add {
        /// The path of the table.
        table: String,
        /// The line.
        line: String,
    },
}

impl Fix {
    /// Brings a number into the base that the value in `file` is written in.
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
    /// What to do, for a person who looks at the place.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Write(text) => format!("write {text}"),
            Self::Number(number) => format!("write {number}"),
            Self::Remove => "remove it".to_owned(),
            Self::Add { table, line } => format!("add under [{table}]: {line}"),
        }
    }
}
