//! A board file: its text, its tree, and its own keys.

use std::io;

use super::{Description, ROOT};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Given, Located, Read, list};
use crate::language::scalar::{Name, Number, Text};
use crate::language::schema::{Kind, Table as Schema};
use crate::language::table::table;
use crate::language::tree::{Node, Table, Value};
use crate::language::{parse, suggest};
use crate::source::{FileId, Location, Sources};

/// The supported version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

table! {
    /// The keys that concern the file itself; they are not inherited.
    pub struct FileKeys {
        /// The schema version of the file.
        schema: SchemaVersion => required,
        /// The board or fragment to inherit from: its values apply where this file sets none.
        extends: Name => optional,
        /// Paths of inherited tables and keys to remove, such as `pci` or `console.pl011.baud`.
        without: Vec<Located<Text>> => optional,
    }
}

/// A file that was read.
pub(crate) struct File {
    /// The file's name, without `.toml`.
    pub(crate) name: String,
    /// The file's tree, without the file's own keys.
    pub(crate) root: Table,
    /// The file's own keys, which are not inherited.
    pub(crate) keys: FileKeys,
}

/// Reads the file `name`, which `from` refers to; `None` if it cannot be read at all.
pub(crate) fn read(
    sources: &dyn Sources,
    name: &str,
    from: Option<Location>,
    problems: &mut Problems,
) -> Option<File> {
    let bytes = match sources.read(name) {
        Ok(bytes) => bytes,
        Err(error) => {
            let at = from.unwrap_or_else(|| {
                Location::start_of(problems.add_file(sources.path(name), String::new()))
            });
            let others = sources.names().unwrap_or_default();
            let diagnostic = match (error.kind(), from) {
                (io::ErrorKind::NotFound, _) => {
                    not_found(name, &sources.path(name), at, from.is_some(), &others)
                }
                _ => Diagnostic::new(
                    Code::CannotRead,
                    at,
                    format!("cannot read {}: {error}", sources.path(name)),
                ),
            };
            problems.report(diagnostic);
            return None;
        }
    };
    let file = problems.add_text(&sources.path(name), &bytes)?;
    let mut root = parse::parse(file, &Kind::Table(&Description::TABLE), problems);
    if from.is_none() && !root.incomplete && !has_board(&root) {
        let title = format!("{} is not a board", sources.path(name));
        problems.report(
            Diagnostic::new(Code::NotABoard, Location::start_of(file), title)
                .label("no [board] table in this file")
                .note("a file without [board] can only be extended by others"),
        );
        return None;
    }
    let keys = read_keys(file, &mut root, problems)?;
    if let Some(version) = keys
        .schema
        .get()
        .filter(|version| version.value.0 != SCHEMA_VERSION)
    {
        problems.report(wrong_version(version));
    }
    Some(File {
        name: name.to_owned(),
        root,
        keys,
    })
}

fn not_found(
    name: &str,
    path: &str,
    at: Location,
    extended: bool,
    others: &[String],
) -> Diagnostic {
    let code = if extended {
        Code::ExtendsUnknown
    } else {
        Code::CannotRead
    };
    let near = suggest::nearest(name, others.iter().map(String::as_str));
    let names: Vec<&str> = others.iter().map(String::as_str).collect();
    let diagnostic = Diagnostic::new(code, at, format!("there is no {path}"));
    let diagnostic = match (near, extended) {
        (Some(near), true) => diagnostic.label(format!("did you mean `{near}`?")),
        (Some(near), false) => diagnostic.note(format!("did you mean `{near}`?")),
        (None, true) => diagnostic.label("no such file"),
        (None, false) => diagnostic,
    };
    match names.is_empty() {
        true => diagnostic,
        false => diagnostic.help(format!("there are {}", list(&names))),
    }
}

/// Removes the file's own keys from its tree and reads them.
fn read_keys(file: FileId, root: &mut Table, problems: &mut Problems) -> Option<FileKeys> {
    let is_own = |key: &str| {
        Description::TABLE
            .keys
            .iter()
            .any(|known| known.name == key)
    };
    let own_names = |table: &Schema| table.keys.iter().map(|key| key.name).collect::<Vec<_>>();
    let names = own_names(&FileKeys::TABLE);
    let absent: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| root.get(name).is_none())
        .collect();
    // A misspelt one is reported here, with the intended key, and nowhere else.
    let belongs_here = |key: &str| {
        names.contains(&key)
            || (!is_own(key) && suggest::nearest(key, absent.iter().copied()).is_some())
    };
    let (here, rest) = std::mem::take(&mut root.entries)
        .into_iter()
        .partition(|entry| belongs_here(&entry.key));
    root.entries = rest;
    let at = board_header(root).unwrap_or_else(|| Location::start_of(file));
    let table = Table {
        entries: here,
        incomplete: root.incomplete,
    };
    let node = Node {
        at,
        value: Value::Table(table),
    };
    FileKeys::read(
        &Given {
            path: "",
            key_at: at,
            node: &node,
            root: ROOT,
        },
        problems,
    )
}

/// Returns whether there is a `[board]`, or a table that may be a misspelt one.
fn has_board(root: &Table) -> bool {
    root.entries
        .iter()
        .any(|entry| suggest::nearest(&entry.key, ["board"].into_iter()).is_some())
}

/// Returns the location of the file's own `[board]`.
pub(crate) fn board_header(root: &Table) -> Option<Location> {
    root.get("board").map(|entry| entry.node.at)
}

/// The number of a schema version, supported or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion(pub u32);

impl Read for SchemaVersion {
    const KIND: Kind = Kind::Number {
        least: SCHEMA_VERSION,
        greatest: SCHEMA_VERSION,
    };

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Integer(_) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        Number::<0, { u32::MAX }>::read(given, problems).map(|Number(version)| Self(version))
    }
}

fn wrong_version(version: &Located<SchemaVersion>) -> Diagnostic {
    let found = version.value.0;
    let title = format!("schema version {found} is not supported");
    let diagnostic = Diagnostic::new(Code::SchemaVersion, version.at, title)
        .label(format!("this workspace supports version {SCHEMA_VERSION}"));
    match found > SCHEMA_VERSION {
        true => diagnostic.help("the file is newer than this workspace: update the workspace"),
        false => diagnostic.help(format!("write `schema = {SCHEMA_VERSION}`")),
    }
}
