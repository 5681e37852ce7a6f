//! TOML values that know where they stand.
//!
//! A tree outlives the text of its file, so that trees of several files can be merged: each key and
//! value keeps its own file and span, and a value that another file overrode is remembered.

use crate::source::Location;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// A scalar's or list's text, a table's header or braces.
    pub at: Location,
    /// The value.
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer of any size.
    Integer(Integer),
    /// A float, which no key takes.
    Float,
    /// A boolean.
    Boolean,
    /// A date or time, which no key takes.
    DateTime,
    /// An array.
    List(Vec<Node>),
    /// A table of any notation.
    Table(Table),
    /// Its text is not TOML, which has been told already.
    Broken,
}

impl Value {
    /// The value's type as diagnostics name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float => "a number with a fraction",
            Self::Boolean => "a boolean",
            Self::DateTime => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Broken => "nothing that can be read",
        }
    }
}

/// An integer as it was written.
#[derive(Clone, Debug)]
pub struct Integer {
    /// Its value, unless it has more than 127 bits.
    pub value: Option<i128>,
    /// 2, 8, 10 or 16.
    pub radix: u32,
}

/// A table's entries in the order they were written, inherited ones first.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The entries; no two have the same key.
    pub entries: Vec<Entry>,
    /// Whether entries may be missing because of a mistake that has been told already; what is not
    /// here is then not missed.
    pub incomplete: bool,
}

/// A key, its value, and the history of both.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Location,
    /// Its value.
    pub node: Node,
    /// The values that this one overrides, nearest first.
    pub overridden: Vec<Location>,
}

impl Table {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The entry of a key, to change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// The entry at a path of keys with dots between.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        match path.split_once('.') {
            None => self.get(path),
            Some((first, rest)) => match &self.get(first)?.node.value {
                Value::Table(table) => table.find(rest),
                _ => None,
            },
        }
    }

    /// The paths of all entries, tables included.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for entry in &self.entries {
            paths.push(entry.key.clone());
            if let Value::Table(table) = &entry.node.value {
                paths.extend(
                    table
                        .paths()
                        .iter()
                        .map(|path| format!("{}.{path}", entry.key)),
                );
            }
        }
        paths
    }

    /// Marks this table and those in it as incomplete.
    pub(crate) fn mark_incomplete(&mut self) {
        self.incomplete = true;
        for entry in &mut self.entries {
            if let Value::Table(table) = &mut entry.node.value {
                table.mark_incomplete();
            }
        }
    }
}
