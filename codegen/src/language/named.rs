//! Tables whose keys the author chooses: named entries, and addresses.

use super::reader::{Given, Read};
use super::scalar::{Text, check_name, hexadecimal, parse_hexadecimal};
use super::schema::Kind;
use super::tree::{Entry, Table, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// Entries by name, in the order of the file.
#[derive(Clone, Debug)]
pub struct Named<T>(pub Vec<NamedEntry<T>>);

/// A named entry.
#[derive(Clone, Debug)]
pub struct NamedEntry<T> {
    /// The entry's name.
    pub name: String,
    /// The location of the name.
    pub name_at: Location,
    /// The value with this name.
    pub value: T,
}

impl<T> Named<T> {
    /// Returns the entries.
    pub fn iter(&self) -> impl Iterator<Item = &NamedEntry<T>> {
        self.0.iter()
    }
}

impl<T: Read> Read for Named<T> {
    const KIND: Kind = Kind::Named(&T::KIND);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Table(table) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        if let Some(diagnostic) = unnamed(given, table, &T::KIND) {
            problems.report(diagnostic);
            return None;
        }
        let mut entries = Vec::new();
        // If one is invalid, the others are not complete, and nothing can be checked.
        let mut whole = true;
        for entry in &table.entries {
            if !check_name(&entry.key, entry.key_at, problems) {
                whole = false;
                continue;
            }
            let path = given.inside(&entry.key);
            let inner = given.entry(&path, entry);
            if let Some(value) = T::read(&inner, problems) {
                entries.push(NamedEntry {
                    name: entry.key.clone(),
                    name_at: entry.key_at,
                    value,
                });
            } else {
                whole = false;
            }
        }
        whole.then_some(Self(entries))
    }
}

/// Returns the error for a table that has the properties of an entry instead of named entries.
fn unnamed(given: &Given<'_>, table: &Table, kind: &Kind) -> Option<Diagnostic> {
    let is_property = |entry: &&Entry| {
        kind.inside(&entry.key).is_some() && !matches!(entry.node.value, Value::Table(_))
    };
    let property = table.entries.iter().find(is_property)?;
    let title = format!("[{}] contains an entry without a name", given.path);
    Some(
        Diagnostic::new(Code::WrongType, given.node.at, title)
            .label("a name is missing")
            .also(property.key_at, "this key belongs in a named table")
            .help(format!("write [{}.some-name]", given.path)),
    )
}

/// Addresses of devices that are left out on purpose, each with the reason.
#[derive(Clone, Debug)]
pub struct Undescribed(pub Vec<UndescribedEntry>);

/// A device that is left out on purpose.
#[derive(Clone, Debug)]
pub struct UndescribedEntry {
    /// The address of the device.
    pub address: u64,
    /// The location of the address in the file.
    pub at: Location,
    /// Why the device is left out.
    pub reason: String,
}

impl Read for Undescribed {
    const KIND: Kind = Kind::Addresses;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Table(table) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        let mut entries: Vec<UndescribedEntry> = Vec::new();
        for entry in &table.entries {
            let at = entry.key_at;
            let path = given.inside(&entry.key);
            let inner = Given {
                path: &path,
                key_at: at,
                node: &entry.node,
                root: given.root,
            };
            let reason = Text::read(&inner, problems);
            let Some(address) = parse_hexadecimal(&entry.key) else {
                let title = format!("`{}` is not an address", entry.key);
                // A key of digits only lacks its 0x.
                let meant = parse_hexadecimal(&format!("0x{}", entry.key));
                let diagnostic = Diagnostic::new(Code::BadAddress, at, title)
                    .label("not hexadecimal, or more than 64 bits");
                let first = entry.key.split(['-', '.', ' ', ':', '~']).next();
                let first = first.and_then(parse_hexadecimal);
                problems.report(match meant.or(first) {
                    Some(meant) => diagnostic.write(format!("\"{}\"", hexadecimal(meant))),
                    None => diagnostic.help("write the address in quotes, as \"0x1234_5000\""),
                });
                continue;
            };
            if let Some(first) = entries.iter().find(|other| other.address == address) {
                let title = format!("{} is given twice", hexadecimal(address));
                problems.report(
                    Diagnostic::new(Code::DuplicateKey, at, title)
                        .label("given again here")
                        .also(first.at, "given here first")
                        .help("keep one of the two"),
                );
                continue;
            }
            if let Some(Text(reason)) = reason {
                entries.push(UndescribedEntry {
                    address,
                    at,
                    reason,
                });
            }
        }
        Some(Self(entries))
    }
}
