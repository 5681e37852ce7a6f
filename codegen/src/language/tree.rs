//! TOML values with their locations.
//!
//! A tree does not refer to the text of its file, so that trees of several files can be merged:
//! each key and value keeps its own file and span, and overridden values are kept too.

use crate::source::Location;

/// A value with its location.
#[derive(Clone, Debug)]
pub struct Node {
    /// The location of a scalar's or list's text, or of a table's header or braces.
    pub at: Location,
    /// The value with its type.
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
    /// A TOML table: under a header, inline, or of dotted keys.
    Table(Table),
    /// Invalid TOML, which has been reported.
    Broken,
}

impl Value {
    /// Returns the value's type in the words of diagnostics.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float => "a number with a fraction",
            Self::Boolean => "a boolean",
            Self::DateTime => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Broken => "invalid TOML",
        }
    }
}

/// An integer, with the base in which it was written.
#[derive(Clone, Debug)]
pub struct Integer {
    /// The integer's value; `None` if it has more than 127 bits.
    pub value: Option<i128>,
    /// The base of the integer: 2, 8, 10 or 16.
    pub radix: u32,
}

impl Integer {
    /// Returns whether a decimal number is that of this text.
    pub(crate) fn is_written_as(&self, text: &str) -> bool {
        self.value.is_some_and(|value| value.to_string() == text)
    }
}

/// The entries of a table in the order of the text, inherited ones first.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The entries; no two have the same key.
    pub entries: Vec<Entry>,
    /// Whether entries may be missing because of an error that has been reported; missing keys are
    /// then not reported.
    pub incomplete: bool,
}

/// A key with its value and the values that it overrides.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of the key.
    pub key: String,
    /// The location of the key.
    pub key_at: Location,
    /// The value of the key.
    pub node: Node,
    /// The values that this one overrides, nearest first.
    pub overridden: Vec<Location>,
}

impl Table {
    /// Returns the entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Returns the entry of a key for changes.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Returns the entry at a path of keys separated by dots.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        match path.split_once('.') {
            None => self.get(path),
            Some((first, rest)) => match &self.get(first)?.node.value {
                Value::Table(table) => table.find(rest),
                _ => None,
            },
        }
    }

    /// Returns the paths of all entries, including tables.
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
