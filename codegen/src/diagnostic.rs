//! What is wrong with a description, in the style of rustc.
//!
//! Readers and checks put a [`Diagnostic`] into [`Problems`] and go on; in the end [`Diagnostics`]
//! has them all, in the order of the files and of the places in them, together with the text they
//! point into.

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
    /// The one change that puts it right, where there is one.
    pub fix: Option<Fix>,
    /// The inherited value that it is about, if that stands in another file than the mistake.
    pub inherited: Option<Location>,
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
            fix: None,
            inherited: None,
        }
    }

    /// The value that the diagnostic is about: at the primary place, or inherited from another file.
    #[must_use]
    pub fn subject(&self) -> Location {
        self.inherited.unwrap_or(self.primary.at)
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

    /// Adds ways out, each if there is one.
    #[must_use]
    pub fn helps(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        self.helps.extend(texts);
        self
    }

    /// The way out is this text in place of the value.
    #[must_use]
    pub fn write(self, text: impl Into<String>) -> Self {
        self.change(Change::Write(text.into()))
    }

    /// The way out is this number in place of the value, in the base that the value is written in.
    #[must_use]
    pub fn write_number(self, number: u64) -> Self {
        self.change(Change::Number(number))
    }

    /// The way out is to remove the key.
    #[must_use]
    pub fn remove(self) -> Self {
        self.change(Change::Remove)
    }

    /// The way out is one more line in the table of that path.
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

/// Collects problems while a description is read and checked.
#[derive(Debug, Default)]
pub struct Problems {
    files: Vec<SourceFile>,
    list: Vec<Diagnostic>,
    /// The architecture of the board that is read, once it is known: only what it can have is
    /// suggested.
    architecture: Option<Architecture>,
}

impl Problems {
    /// No problems yet, of files that have been read before.
    pub(crate) fn with_files(files: Vec<SourceFile>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// No problems yet of the same board.
    pub(crate) fn scratch(&self) -> Self {
        Self {
            files: self.files.clone(),
            list: Vec::new(),
            architecture: self.architecture,
        }
    }

    /// Says what architecture the board has.
    pub(crate) fn set_architecture(&mut self, architecture: Option<Architecture>) {
        self.architecture = architecture;
    }

    /// The architecture of the board that is read, if it is known.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        self.architecture
    }

    /// The problems so far, to be told elsewhere.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.list
    }

    /// The problems so far.
    pub(crate) fn list(&self) -> &[Diagnostic] {
        &self.list
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

    /// Takes in what else was found, except at places of which something is told already.
    pub(crate) fn add_elsewhere(&mut self, other: Self) {
        let told: Vec<Location> = self.list.iter().map(Diagnostic::subject).collect();
        let new = |one: &Diagnostic| !told.contains(&one.subject());
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
        let Self {
            files, mut list, ..
        } = self;
        for diagnostic in &mut list {
            // One that is told in another file has told there what to write.
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
