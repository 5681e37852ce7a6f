//! A table of a board file that an import writes.

use core::fmt;

use super::Inputs;
use crate::board;

/// The column at which comments start, if the text before them is shorter.
const COLUMN: usize = 35;

/// A table of a board file, with comments.
#[derive(Clone, Debug)]
pub struct Section {
    header: String,
    note: Option<String>,
    lines: Vec<(String, Option<String>)>,
    /// The values that must be looked up.
    pub(crate) todo: Vec<String>,
    /// The QEMU arguments that the part requires.
    pub(crate) arguments: Vec<&'static str>,
    /// The part's inputs; empty unless it is an interrupt controller.
    pub(crate) inputs: Vec<Inputs>,
    /// The first addresses of the devices that have these inputs; empty if that is unknown.
    pub(crate) owners: Vec<u64>,
    /// The first addresses of further controllers of the kind, each with the number of its input 0.
    pub(crate) further: Vec<(u64, u32)>,
    /// How the interrupt controller delivers messages; `None` for other parts.
    pub(crate) messages: Option<board::Msi>,
    /// The option with which QEMU's `virt` has such a part, if it depends on an option.
    pub(crate) option: Option<&'static str>,
}

impl Section {
    /// Creates the table at `path`.
    pub(crate) fn new(path: &str) -> Self {
        Self {
            header: format!("[{path}]"),
            note: None,
            lines: Vec::new(),
            todo: Vec::new(),
            arguments: Vec::new(),
            inputs: Vec::new(),
            owners: Vec::new(),
            further: Vec::new(),
            messages: None,
            option: None,
        }
    }

    /// Creates a table for a part without a driver: a comment that says what to look up.
    pub(crate) fn missing(path: &str, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            header: format!("# TODO [{path}]: {what}"),
            todo: vec![format!("[{path}]: {what}")],
            ..Self::new(path)
        }
    }

    /// Adds QEMU arguments that the part requires.
    pub(crate) fn needs(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// Sets the inputs of the part, an interrupt controller.
    pub(crate) fn with_inputs(mut self, inputs: &[Inputs]) -> Self {
        self.inputs.extend(inputs);
        self
    }

    /// States that the part is an interrupt controller that delivers messages in this way, if it
    /// does.
    pub(crate) fn with_messages(mut self, messages: Option<board::Msi>) -> Self {
        self.messages = messages;
        self
    }

    /// Sets the devices that have the part's inputs, by their first addresses.
    pub(crate) fn with_owners(mut self, owners: impl IntoIterator<Item = u64>) -> Self {
        self.owners.extend(owners);
        self
    }

    /// Adds a further controller of the kind, at `base`, whose input 0 has the number `first`.
    pub(crate) fn with_further(mut self, base: u64, first: u32) -> Self {
        self.owners.push(base);
        self.further.push((base, first));
        self
    }

    /// States the option with which QEMU's `virt` has such a part.
    pub(crate) fn with_option(mut self, option: &'static str) -> Self {
        self.option = Some(option);
        self
    }

    /// Adds a comment after the header.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds a comment after the header, if there is one.
    pub(crate) fn optional_note(mut self, note: Option<&str>) -> Self {
        self.note = note.map(str::to_owned).or(self.note);
        self
    }

    /// Adds a key.
    pub(crate) fn line(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.lines.push((format!("{key} = {value}"), None));
        self
    }

    /// Adds a key if there is a value.
    pub(crate) fn optional(self, key: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.line(key, value),
            None => self,
        }
    }

    /// Adds a comment after the last key.
    pub(crate) fn beside(mut self, comment: impl Into<String>) -> Self {
        if let Some((_, last)) = self.lines.last_mut() {
            *last = Some(comment.into());
        }
        self
    }

    /// Adds a key whose value must be looked up; `example` has the right form.
    pub(crate) fn todo(mut self, key: &str, example: &str, what: &str) -> Self {
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
