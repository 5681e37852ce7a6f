//! What is wrong with a description, in the style of rustc.
//!
//! Readers and checks put a [`Diagnostic`] into [`Problems`] and go on; in the end [`Diagnostics`]
//! has them all, in the order of the files and of the places in them, together with the text they
//! point into.

mod code;
pub(crate) mod escape;
mod explain;
mod format;
mod render;

use core::fmt;

pub use code::Code;
pub use explain::Explanation;
pub use format::Format;

use crate::source::{FileId, Location, SourceFile};

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of problem.
    pub code: Code,
    /// What is wrong, in one line.
    pub title: String,
    /// The place to look at, and what to see there.
    pub primary: Label,
    /// Other places that have to do with it, possibly in other files.
    pub secondary: Vec<Label>,
    /// What one should know.
    pub notes: Vec<String>,
    /// The way out.
    pub helps: Vec<String>,
}

/// A place and what to see there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub at: Location,
    /// What to see; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// A problem at a place; the rest is added by the methods below.
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
        }
    }

    /// Says what to see at the place itself.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, at: Location, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            at,
            text: text.into(),
        });
        self
    }

    /// Adds what one should know.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds the way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }
}

/// Collects problems while a description is read and checked.
#[derive(Debug, Default)]
pub struct Problems {
    files: Vec<SourceFile>,
    list: Vec<Diagnostic>,
}

impl Problems {
    /// No problems yet, of files that have been read before.
    pub(crate) fn with_files(files: Vec<SourceFile>) -> Self {
        Self {
            files,
            list: Vec::new(),
        }
    }

    /// The files that were taken in.
    pub(crate) fn into_files(self) -> Vec<SourceFile> {
        self.files
    }

    /// Takes in a file, so that locations can point into it.
    pub(crate) fn add_file(&mut self, path: String, text: String) -> FileId {
        self.files.push(SourceFile { path, text });
        FileId(self.files.len() - 1)
    }

    /// A file that was taken in.
    pub(crate) fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0)
    }

    /// Notes a problem.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Takes in what else was found, except at places of which something is told already.
    pub(crate) fn add_elsewhere(&mut self, other: Self) {
        let told: Vec<Location> = self.list.iter().map(|one| one.primary.at).collect();
        let new = |one: &Diagnostic| !told.contains(&one.primary.at);
        self.list.extend(other.list.into_iter().filter(new));
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there is a problem of this kind.
    pub(crate) fn has(&self, code: Code) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// All problems, in order.
    pub(crate) fn into_diagnostics(self) -> Diagnostics {
        let Self { files, mut list } = self;
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

/// Every problem of a description, ordered by file and place.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    files: Vec<SourceFile>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The problems, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The path, line and column of a location of these diagnostics, lines and columns from 1.
    pub fn position(&self, at: Location) -> (&str, usize, usize) {
        self.files.get(at.file.0).map_or(("", 1, 1), |file| {
            let (line, column) = file.position(at.start);
            (file.path.as_str(), line, column)
        })
    }

    /// Adds the problems of another description, leaving out those that are here already: boards
    /// that extend the same file share its mistakes.
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

    /// The problems in a format; only what is for a person can have colour.
    pub fn render_as(&self, format: Format, colour: bool) -> String {
        match format {
            Format::Human => self.render(colour),
            Format::Json => format::json(self),
            Format::Github => format::github(self),
        }
    }

    /// The problems as text for a terminal, one after the other with an empty line between.
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
