//! Errors of a description, in the style of rustc.
//!
//! Readers and checks add a [`Diagnostic`] to [`Problems`] and continue. [`Diagnostics`] finally
//! contains all of them, ordered by file and position, with the text that they refer to.

mod code;
pub(crate) mod escape;
mod explain;
mod fix;
mod format;
pub(crate) mod lookalike;
mod render;

use core::fmt;

pub use code::Code;
pub use explain::Explanation;
pub use fix::{Change, Fix};
pub use format::Format;

use crate::board::Architecture;
use crate::source::{FileId, Location, SourceFile};

/// An error in a board file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of the error.
    pub code: Code,
    /// The error in one line.
    pub title: String,
    /// The location of the error, with the text shown there.
    pub primary: Label,
    /// Related locations, possibly in other files.
    pub secondary: Vec<Label>,
    /// Notes: additional facts about the error.
    pub notes: Vec<String>,
    /// Help texts: ways to fix the error.
    pub helps: Vec<String>,
    /// The change that fixes the error, if there is exactly one.
    pub fix: Option<Fix>,
    /// The inherited value that causes the error, if it is in another file than the error.
    pub inherited: Option<Location>,
    /// The key that the fix changes, or the key concerned if there is no fix; `None` if the diagnostic
    /// is not about a key.
    pub key: Option<KeyPath>,
}

/// A key in the description of a board, in any of its files contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// The path, such as `console.pl011.base`.
    pub path: String,
    /// The index, for an element of a list.
    pub element: Option<usize>,
}

/// A location with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The location in a board file.
    pub at: Location,
    /// The text shown at the location; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// Creates an error; the methods below add the rest.
    pub fn new(code: Code, at: Location, title: impl Into<String>) -> Self {
        Self {
            code,
            title: title.into(),
            primary: Label {
                at,
                text: String::new(),
            },
            secondary: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
            fix: None,
            inherited: None,
            key: None,
        }
    }

    /// Returns the location of the value concerned: the primary location, or the inherited value.
    #[must_use]
    pub fn subject(&self) -> Location {
        self.inherited.unwrap_or(self.primary.at)
    }

    /// Sets the text shown at the primary location.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds a related location with its text.
    #[must_use]
    pub fn also(mut self, at: Location, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            at,
            text: text.into(),
        });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a help text: a way to fix the error.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Adds several help texts.
    #[must_use]
    pub fn helps(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        self.helps.extend(texts);
        self
    }

    /// Suggests replacing the value with this text.
    #[must_use]
    pub fn write(self, text: impl Into<String>) -> Self {
        self.change(Change::Write(text.into()))
    }

    /// Suggests replacing the value with this number, written in the value's base.
    #[must_use]
    pub fn write_number(self, number: u64) -> Self {
        self.change(Change::Number(number))
    }

    /// Suggests removing the key.
    #[must_use]
    pub fn remove(self) -> Self {
        self.change(Change::Remove)
    }

    /// Fixes the error by removing the part at this path.
    #[must_use]
    pub fn without(self, path: &str) -> Self {
        self.change(Change::Without(path.to_owned()))
    }

    /// Suggests adding a line to the table at this path.
    #[must_use]
    pub fn add(self, table: &str, line: impl Into<String>) -> Self {
        self.change(Change::Add {
            table: table.to_owned(),
            line: line.into(),
        })
    }

    fn change(mut self, change: Change) -> Self {
        self.fix = Some(Fix {
            at: self.primary.at,
            change,
        });
        self
    }
}

/// The errors found while a description is read and checked.
#[derive(Debug, Default)]
pub struct Problems {
    files: Vec<SourceFile>,
    list: Vec<Diagnostic>,
    /// The architecture of the board, once it is known; suggestions depend on it.
    architecture: Option<Architecture>,
}

impl Problems {
    /// Creates an empty collection; the files that were read before stay known.
    pub(crate) fn with_files(files: Vec<SourceFile>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// Creates an empty collection for the same board.
    pub(crate) fn scratch(&self) -> Self {
        Self {
            files: self.files.clone(),
            list: Vec::new(),
            architecture: self.architecture,
        }
    }

    /// Sets the architecture of the board.
    pub(crate) fn set_architecture(&mut self, architecture: Option<Architecture>) {
        self.architecture = architecture;
    }

    /// Returns the architecture of the board, if it is known.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        self.architecture
    }

    /// Returns the errors so far, for changes.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.list
    }

    /// Returns the errors so far.
    pub(crate) fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Returns the files that were added.
    pub(crate) fn into_files(self) -> Vec<SourceFile> {
        self.files
    }

    /// Adds a file, so that locations can refer to it.
    pub(crate) fn add_file(&mut self, path: String, text: String) -> FileId {
        self.files.push(SourceFile { path, text });
        FileId(self.files.len() - 1)
    }

    /// Adds the text of a file; reports an error if it is not text.
    pub(crate) fn add_text(&mut self, path: &str, bytes: &[u8]) -> Option<FileId> {
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match str::from_utf8(without_mark) {
            Ok(text) => Some(self.add_file(path.to_owned(), text.to_owned())),
            Err(error) => {
                let start = error.valid_up_to();
                let text = String::from_utf8_lossy(without_mark).into_owned();
                let file = self.add_file(path.to_owned(), text);
                let at = Location {
                    file,
                    start,
                    end: start + char::REPLACEMENT_CHARACTER.len_utf8(),
                };
                let title = format!("{path} is not text in UTF-8");
                self.report(
                    Diagnostic::new(Code::CannotRead, at, title).label("the first invalid byte"),
                );
                None
            }
        }
    }

    /// Returns a file that was added.
    pub(crate) fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0)
    }

    /// Adds an error.
    pub(crate) fn report(&mut self, mut diagnostic: Diagnostic) {
        let file = self.file(diagnostic.primary.at.file);
        if let Some(fix) = &mut diagnostic.fix {
            fix.settle(self.files.get(fix.at.file.0));
        }
        let is_syntax = diagnostic.code == Code::Syntax;
        let note = file.and_then(|file| lookalike::note(file, diagnostic.primary.at, is_syntax));
        diagnostic.notes.extend(note);
        self.list.push(diagnostic);
    }

    /// Adds other errors, except at locations that already have one.
    pub(crate) fn add_elsewhere(&mut self, other: Self) {
        let told: Vec<Location> = self.list.iter().map(Diagnostic::subject).collect();
        let new = |one: &Diagnostic| !told.contains(&one.subject());
        self.list.extend(other.list.into_iter().filter(new));
    }

    /// Returns whether there is no error so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether there is an error of this kind.
    pub(crate) fn has(&self, code: Code) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// Returns all errors, in order.
    pub(crate) fn into_diagnostics(self) -> Diagnostics {
        let Self {
            files, mut list, ..
        } = self;
        for diagnostic in &mut list {
            // An error moved to another file has its fix there.
            if diagnostic.inherited.is_none()
                && let Some(help) = diagnostic.fix.as_ref().map(|fix| fix.change.help())
            {
                diagnostic.helps.insert(0, help);
            }
        }
        list.sort_by_key(|diagnostic| {
            (
                diagnostic.primary.at.file,
                diagnostic.primary.at.start,
                diagnostic.code,
            )
        });
        Diagnostics { files, list }
    }
}

/// All errors of a description, ordered by file and position.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    files: Vec<SourceFile>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Returns the errors, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns the number of errors.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns path, line and column of a location, lines and columns counted from 1.
    pub fn position(&self, at: Location) -> (&str, usize, usize) {
        self.files.get(at.file.0).map_or(("", 1, 1), |file| {
            let (line, column) = file.position(at.start);
            (file.path.as_str(), line, column)
        })
    }

    /// Adds the errors of another description, except those that are here already: boards that
    /// extend the same file share its errors.
    pub fn merge(&mut self, other: Self) {
        let shift = self.files.len();
        let moved = |label: &Label| Label {
            at: Location {
                file: FileId(label.at.file.0 + shift),
                ..label.at
            },
            text: label.text.clone(),
        };
        let known: Vec<String> = self
            .list
            .iter()
            .map(|one| render::plain(self, one))
            .collect();
        let new: Vec<Diagnostic> = other
            .list
            .iter()
            .filter(|one| !known.contains(&render::plain(&other, one)))
            .map(|one| Diagnostic {
                primary: moved(&one.primary),
                secondary: one.secondary.iter().map(moved).collect(),
                ..one.clone()
            })
            .collect();
        self.files.extend(other.files);
        self.list.extend(new);
    }

    /// Formats the errors; only the human format can have colour.
    pub fn render_as(&self, format: Format, colour: bool) -> String {
        match format {
            Format::Human => self.render(colour),
            Format::Json => format::json(self),
            Format::Github => format::github(self),
        }
    }

    /// Formats the errors for a terminal, separated by empty lines.
    pub fn render(&self, colour: bool) -> String {
        render::all(self, colour)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl core::error::Error for Diagnostics {}
