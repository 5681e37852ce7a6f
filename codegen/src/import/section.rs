//! A table of a board file that is being written.

use core::fmt;

/// Where comments begin, if what is before them leaves room.
const COLUMN: usize = 35;

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Section {
    header: String,
    note: Option<String>,
    lines: Vec<(String, Option<String>)>,
    /// What is left to be found out.
    pub(super) todo: Vec<String>,
}

impl Section {
    /// The table at `path`.
    pub(super) fn new(path: &str) -> Self {
        Self {
            header: format!("[{path}]"),
            note: None,
            lines: Vec::new(),
            todo: Vec::new(),
        }
    }

    /// A table of which only its name is known; what to look up stands in its place.
    pub(super) fn missing(path: &str, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            header: format!("# TODO [{path}]: {what}"),
            note: None,
            lines: Vec::new(),
            todo: vec![format!("[{path}]: {what}")],
        }
    }

    /// Says something beside the header.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds a key.
    pub(super) fn line(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.lines.push((format!("{key} = {value}"), None));
        self
    }

    /// Adds a key, if there is a value.
    pub(super) fn optional(self, key: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.line(key, value),
            None => self,
        }
    }

    /// Says something beside the last line.
    pub(super) fn beside(mut self, comment: impl Into<String>) -> Self {
        if let Some((_, last)) = self.lines.last_mut() {
            *last = Some(comment.into());
        }
        self
    }

    /// Adds a key whose value is to be found out; `example` is of the right form.
    pub(super) fn todo(mut self, key: &str, example: &str, what: &str) -> Self {
        let path = self.header.trim_matches(['[', ']']).to_owned();
        self.todo.push(format!("{path}.{key}: {what}"));
        let line = format!("# TODO {key} = {example}");
        self.lines.push((line, Some(what.to_owned())));
        self
    }
}

impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = (self.header.clone(), self.note.clone());
        for (line, comment) in std::iter::once(&header).chain(&self.lines) {
            match comment {
                Some(comment) if line.chars().count() < COLUMN => {
                    writeln!(formatter, "{line:COLUMN$}# {comment}")?;
                }
                Some(comment) => writeln!(formatter, "{line}  # {comment}")?,
                None => writeln!(formatter, "{line}")?,
            }
        }
        Ok(())
    }
}
