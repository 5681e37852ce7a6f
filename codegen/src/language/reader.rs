//! Reads the keys of a table and reports each error once.
//!
//! An unknown key and a missing key are often the same error. Unknown keys are therefore checked
//! first, and a key for which one of them plausibly stands is not reported as missing.

use super::path::join;
use super::schema::{self, Kind, NEW_DRIVER, Presence, Root, offered};
use super::tree::{Entry, Node, Table, Value};
use super::{default_value, misplaced, suggest};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// A type that can be read from a board file.
pub trait Read: Sized {
    /// The kind of the type's values in the schema.
    const KIND: Kind;

    /// Reads a value; reports errors and returns `None` if it is invalid.
    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self>;
}

/// A value to be read, with its context.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The value's key path, such as `console.pl011.base`; empty for the whole file.
    pub path: &'a str,
    /// The location of the value's key.
    pub key_at: Location,
    /// The value in the tree.
    pub node: &'a Node,
    /// The tables of the file, down to the one that contains the value.
    pub root: &'static Root,
}

impl Given<'_> {
    /// Reports that the value has the wrong type, unless its text is invalid, which has been
    /// reported.
    pub(crate) fn wrong_type(&self, expected: &Kind, problems: &mut Problems) {
        if let Some(diagnostic) = self.type_mismatch(expected) {
            problems.report(diagnostic);
        }
    }

    /// Returns the diagnostic for a value of the wrong type, so that it can be extended.
    pub(crate) fn type_mismatch(&self, expected: &Kind) -> Option<Diagnostic> {
        if matches!(self.node.value, Value::Broken) {
            return None;
        }
        let title = format!("`{}` must be {}", self.path, expected.expected());
        let found = format!("this is {}", self.node.value.type_name());
        let diagnostic = Diagnostic::new(Code::WrongType, self.node.at, title).label(found);
        Some(match self.rewritten(expected) {
            Some(right) => diagnostic.help(right),
            None => diagnostic,
        })
    }

    /// Returns the path of a key in this value.
    pub(crate) fn inside(&self, key: &str) -> String {
        join(self.path, key)
    }

    /// Returns the value of an entry of this value; `path` is its key path.
    pub(crate) fn entry<'e>(&self, path: &'e str, entry: &'e Entry) -> Given<'e> {
        Given {
            path,
            key_at: entry.key_at,
            node: &entry.node,
            root: self.root,
        }
    }
}

/// The path and the location of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The table's key path.
    pub path: String,
    /// The location of the table's header or braces.
    pub at: Location,
}

/// A value with its location.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The value as it was read.
    pub value: T,
    /// The value's key path.
    pub path: String,
    /// The location of the value; for a default, of its table.
    pub at: Location,
}

impl<T> Located<T> {
    /// Returns another value with the path and location of this one.
    pub(crate) fn with<V>(&self, value: V) -> Located<V> {
        Located {
            value,
            path: self.path.clone(),
            at: self.at,
        }
    }
}

impl<T: Read> Read for Located<T> {
    const KIND: Kind = T::KIND;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        T::read(given, problems).map(|value| Self {
            value,
            path: given.path.to_owned(),
            at: given.node.at,
        })
    }
}

/// The content of a key.
#[derive(Clone, Debug)]
pub enum Field<T> {
    /// Nothing: the optional key is absent.
    Absent,
    /// An invalid value, which has been reported; nothing that depends on it is checked.
    Bad,
    /// A value, which may be the default.
    Given(Located<T>),
}

impl<T> Field<T> {
    /// Returns the value with its location, if there is one.
    pub fn get(&self) -> Option<&Located<T>> {
        match self {
            Self::Given(located) => Some(located),
            Self::Absent | Self::Bad => None,
        }
    }

    /// Returns the value, if there is one.
    pub fn value(&self) -> Option<&T> {
        self.get().map(|located| &located.value)
    }

    /// Returns the field with another value in the same place.
    pub(crate) fn map<U>(&self, of: impl Fn(&T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Bad => Field::Bad,
            Self::Given(located) => Field::Given(Located {
                value: of(&located.value),
                path: located.path.clone(),
                at: located.at,
            }),
        }
    }

    /// Returns whether the optional key is absent.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns an optional key's value for resolving: `None` only if the key is invalid.
    pub fn optional(&self) -> Option<Option<&Located<T>>> {
        match self {
            Self::Absent => Some(None),
            Self::Bad => None,
            Self::Given(located) => Some(Some(located)),
        }
    }
}

/// The keys of one table while it is being read.
pub(crate) struct Keys<'a, 'p> {
    table: &'a Table,
    schema: &'static schema::Table,
    place: Place,
    root: &'static Root,
    /// Unknown keys, each with the known key that it may be a misspelling of.
    unknown: Vec<(&'a Entry, Option<&'static str>)>,
    problems: &'p mut Problems,
}

impl<'a, 'p> Keys<'a, 'p> {
    /// Starts to read a table; reports an error if the value is not a table.
    pub(crate) fn open(
        given: &Given<'a>,
        schema: &'static schema::Table,
        problems: &'p mut Problems,
    ) -> Option<Self> {
        let Value::Table(table) = &given.node.value else {
            given.wrong_type(&Kind::Table(schema), problems);
            return None;
        };
        let known = |key: &str| schema.keys.iter().any(|known| known.name == key);
        let missing: Vec<&'static str> = schema
            .keys
            .iter()
            .map(|key| key.name)
            .filter(|name| table.get(name).is_none())
            .collect();
        let unknown = table.entries.iter().filter(|entry| !known(&entry.key));
        let unknown = unknown
            .map(|entry| {
                let near = suggest::nearest(&entry.key, missing.iter().copied());
                let class = || class_of(&entry.key, schema).filter(|name| missing.contains(name));
                let named =
                    || misplaced::named(entry, schema).filter(|name| missing.contains(name));
                (entry, near.or_else(class).or_else(named))
            })
            .collect();
        let place = Place {
            path: given.path.to_owned(),
            at: given.node.at,
        };
        Some(Self {
            table,
            schema,
            place,
            root: given.root,
            unknown,
            problems,
        })
    }

    /// Returns the place of the table.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Reads the key `name`.
    pub(crate) fn take<T: Read>(&mut self, name: &str) -> Field<T> {
        if let Some(entry) = self.table.get(name) {
            return self.read(entry);
        }
        let Some(key) = self.schema.keys.iter().find(|key| key.name == name) else {
            return Field::Bad;
        };
        if self.table.incomplete || self.unknown.iter().any(|(_, meant)| *meant == Some(name)) {
            return Field::Bad;
        }
        match key.presence {
            Presence::Optional => Field::Absent,
            Presence::Default(default) => self.default(name, default),
            Presence::Required => {
                if !self.stands_in::<T>(key.name) {
                    self.report_missing(key);
                }
                Field::Bad
            }
        }
    }

    /// Reports the unknown keys.
    pub(crate) fn close(&mut self) {
        let names: Vec<&str> = self.schema.keys.iter().map(|key| key.name).collect();
        for (entry, meant) in std::mem::take(&mut self.unknown) {
            let owner = describe_table(&self.place.path);
            let title = format!("unknown key `{}` in {owner}", entry.key);
            let diagnostic = Diagnostic::new(Code::UnknownKey, entry.key_at, title);
            let diagnostic = diagnostic.helps(misplaced::end_of_range(entry, self.table, meant));
            let given_already = || suggest::nearest(&entry.key, names.iter().copied());
            let diagnostic = match (meant, given_already()) {
                (Some(meant), _) => diagnostic
                    .label(format!("did you mean `{}`?", self.meant(entry, meant)))
                    .help(format!("known keys: {}", list(&names))),
                (None, Some(near)) => diagnostic
                    .label(format!("did you mean `{near}`? It is given already"))
                    .help(format!("known keys: {}", list(&names))),
                (None, None) if names.is_empty() => diagnostic
                    .label("not a known key")
                    .help(format!("{owner} has no keys")),
                (None, None) => diagnostic
                    .label(
                        misplaced::dotted(entry, self.root)
                            .or_else(|| misplaced::near_by(entry, self.schema, self.root))
                            .or_else(|| misplaced::home(&entry.key, self.root))
                            .unwrap_or_else(|| "not a known key".to_owned()),
                    )
                    .help(format!("known keys: {}", list(&names))),
            };
            self.problems.report(diagnostic);
        }
    }

    /// Returns the intended path of a key: for a named entry, the name may be missing.
    fn meant(&self, entry: &Entry, key: &'static str) -> String {
        let is_near = suggest::nearest(&entry.key, [key].into_iter()).is_some();
        let lacks_key = misplaced::named(entry, self.schema) == Some(key)
            || class_of(&entry.key, self.schema) == Some(key);
        match !is_near && lacks_key {
            true => join(key, &entry.key),
            false => key.to_owned(),
        }
    }

    fn read<T: Read>(&mut self, entry: &Entry) -> Field<T> {
        let path = join(&self.place.path, &entry.key);
        let given = Given {
            path: &path,
            key_at: entry.key_at,
            node: &entry.node,
            root: self.root,
        };
        match T::read(&given, self.problems) {
            Some(value) => Field::Given(Located {
                value,
                at: entry.node.at,
                path,
            }),
            None => Field::Bad,
        }
    }

    fn default<T: Read>(&mut self, name: &str, default: &str) -> Field<T> {
        let key = name.to_owned();
        let node = Node {
            at: self.place.at,
            value: default_value(default, &T::KIND),
        };
        self.read(&Entry {
            key,
            key_at: self.place.at,
            node,
            overridden: Vec::new(),
        })
    }

    /// Returns whether an unknown key has a value of the type of the missing key `name`. For text
    /// it returns false, because many keys are text.
    fn stands_in<T: Read>(&mut self, name: &'static str) -> bool {
        if matches!(
            T::KIND,
            Kind::Text | Kind::Name | Kind::Table(_) | Kind::Named(_)
        ) {
            return false;
        }
        let root = self.root;
        let fits = |entry: &Entry| {
            let given = Given {
                path: name,
                key_at: entry.key_at,
                node: &entry.node,
                root,
            };
            let mut scratch = Problems::default();
            T::read(&given, &mut scratch).is_some()
        };
        let free = self
            .unknown
            .iter_mut()
            .find(|(entry, meant)| meant.is_none() && fits(entry));
        match free {
            Some((_, meant)) => {
                *meant = Some(name);
                true
            }
            None => false,
        }
    }

    fn report_missing(&mut self, key: &schema::Key) {
        let owner = describe_table(&self.place.path);
        let what = if is_table(key.kind) { "table" } else { "key" };
        let title = format!("missing {what} `{}` in {owner}", key.name);
        let mut diagnostic = Diagnostic::new(Code::MissingKey, self.place.at, title)
            .label(format!("needs `{}`", key.name));
        if let Some(doc) = key.doc.lines().next() {
            diagnostic = diagnostic.note(format!("`{}`: {}", key.name, doc.trim()));
        }
        let path = join(&self.place.path, key.name);
        let expected = match key.kind {
            Kind::OneDriver(drivers) | Kind::Drivers(drivers) => {
                let offered = offered(drivers, self.problems.architecture());
                let tables = offered.iter().map(|name| format!("[{path}.{name}]"));
                let tables = tables.collect::<Vec<_>>().join(" or ");
                diagnostic = diagnostic.help(format!("add {tables}"));
                format!("for another device, {NEW_DRIVER}")
            }
            kind if is_table(kind) => format!("add [{path}]"),
            kind => format!("`{}` is {}", key.name, kind.expected()),
        };
        self.problems.report(diagnostic.help(expected));
    }
}

/// Returns the key of the class that has a driver of this name.
fn class_of(driver: &str, schema: &schema::Table) -> Option<&'static str> {
    let has_it = |kind: &Kind| match kind {
        Kind::OneDriver(drivers) | Kind::Drivers(drivers) => {
            drivers.iter().any(|known| known.name == driver)
        }
        _ => false,
    };
    schema
        .keys
        .iter()
        .find(|key| has_it(key.kind))
        .map(|key| key.name)
}

/// Returns whether a value of this kind is a table, with a header or in braces.
pub(crate) fn is_table(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Table(_) | Kind::Named(_) | Kind::Addresses | Kind::OneDriver(_) | Kind::Drivers(_)
    )
}

/// Describes a table in a diagnostic.
pub(crate) fn describe_table(path: &str) -> String {
    if path.is_empty() {
        "the board".to_owned()
    } else {
        format!("[{path}]")
    }
}

/// Formats names in quotes, separated by commas.
pub(crate) fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
