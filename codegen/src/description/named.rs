//! Tables whose keys the author chooses: named entries, and addresses.

use super::reader::{Given, Read};
use super::scalar::{Text, check_name, hexadecimal, parse_hexadecimal};
use super::schema::Kind;
use super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// Entries by name, in the order they were written.
#[derive(Clone, Debug)]
pub struct Named<T>(pub Vec<NamedEntry<T>>);

/// One of them.
#[derive(Clone, Debug)]
pub struct NamedEntry<T> {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_at: Location,
    /// What bears the name.
    pub value: T,
}

impl<T> Named<T> {
    /// The entries.
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
        let mut entries = Vec::new();
        for entry in &table.entries {
            if !check_name(&entry.key, entry.key_at, problems) {
                continue;
            }
            let path = given.inside(&entry.key);
            let inner = Given {
                path: &path,
                key_at: entry.key_at,
                node: &entry.node,
            };
            if let Some(value) = T::read(&inner, problems) {
                entries.push(NamedEntry {
                    name: entry.key.clone(),
                    name_at: entry.key_at,
                    value,
                });
            }
        }
        Some(Self(entries))
    }
}

/// Addresses of what is left out on purpose, with the reasons.
#[derive(Clone, Debug)]
pub struct Undescribed(pub Vec<UndescribedEntry>);

/// One of them.
#[derive(Clone, Debug)]
pub struct UndescribedEntry {
    /// The address.
    pub address: u64,
    /// Where it stands.
    pub at: Location,
    /// Why it is left out.
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
            };
            let reason = Text::read(&inner, problems);
            let Some(address) = parse_hexadecimal(&entry.key) else {
                let title = format!("`{}` is not an address", entry.key);
                problems.report(
                    Diagnostic::new(Code::BadAddress, at, title)
                        .label("not hexadecimal, or of more than 64 bits")
                        .help("write the address in quotes, as \"0x0901_0000\""),
                );
                continue;
            };
            if let Some(first) = entries.iter().find(|other| other.address == address) {
                let title = format!("{} is given twice", hexadecimal(address));
                problems.report(
                    Diagnostic::new(Code::DuplicateKey, at, title)
                        .label("and again here")
                        .also(first.at, "given here first"),
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
