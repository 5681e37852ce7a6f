//! A board as a list of facts: every key with its value, in a canonical form.
//!
//! Two descriptions are equivalent if their facts are equal, regardless of order, units, explicit
//! defaults and inheritance.

use core::fmt;

use crate::Written;
use crate::description::{Description, ROOT};
use crate::diagnostic::Problems;
use crate::language::default_value;
use crate::language::path::join;
use crate::language::schema::{Kind, Presence, Table as Schema};
use crate::language::tree::{Entry, Node, Table, Value};
use crate::language::{Address, Frequency, Given, Interrupt, Port, Read, Size};
use crate::notation;
use crate::source::Location;

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The path of the key.
    pub path: String,
    /// The value of the key.
    pub value: Fixed,
    /// Whether a board file states the value; otherwise it is the default.
    pub is_written: bool,
    /// The kind of the key's values in the schema.
    pub kind: &'static Kind,
    /// The meaning of the value.
    pub doc: &'static str,
}

/// A value in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// A physical address.
    Address(u64),
    /// The number of an I/O port.
    Port(u16),
    /// A number of bytes.
    Size(u64),
    /// A frequency in Hz.
    Frequency(u64),
    /// An interrupt of the controller.
    Interrupt(Interrupt),
    /// A number without unit.
    Number(i128),
    /// Text, a name or a word.
    Text(String),
    /// A list of values.
    List(Vec<Self>),
    /// The drivers that a table selects.
    Drivers(Vec<String>),
    /// Nothing: the optional key is absent.
    Absent,
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.write_str(&notation::address(*address)),
            Self::Port(port) => f.write_str(&notation::port(*port)),
            Self::Size(bytes) => f.write_str(&notation::size(*bytes)),
            Self::Frequency(hertz) => f.write_str(&notation::frequency(*hertz)),
            Self::Interrupt(interrupt) => {
                write!(f, "{} {}", interrupt.space.word(), interrupt.number)?;
                if let Some(controller) = interrupt.space.controller() {
                    write!(f, " of {controller}")?;
                }
                match interrupt.trigger {
                    Some(trigger) => write!(f, ", {}", notation::trigger(trigger)),
                    None => Ok(()),
                }
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => {
                let list: Vec<String> = list.iter().map(|one| format!("\"{one}\"")).collect();
                write!(f, "[{}]", list.join(", "))
            }
            Self::Drivers(names) => f.write_str(&names.join(", ")),
            Self::Absent => f.write_str("not set"),
        }
    }
}

impl Fixed {
    /// Returns the difference to `after` for values in bytes, such as `+128 MiB`.
    #[must_use]
    pub fn difference(&self, after: &Self) -> Option<String> {
        let (Self::Size(before), Self::Size(after)) = (self, after) else {
            return None;
        };
        Some(difference(*before, *after))
    }
}

/// Formats the difference of two sizes, as in `+128 MiB` or `-128 MiB`.
#[must_use]
pub fn difference(before: u64, after: u64) -> String {
    let sign = if after < before { '-' } else { '+' };
    format!("{sign}{}", notation::size(after.abs_diff(before)))
}

impl Written {
    /// Returns all facts, in the order of the schema, without absent optional keys.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = self.all_facts();
        facts.retain(|fact| fact.value != Fixed::Absent);
        facts
    }

    /// Returns all facts, including absent optional keys.
    #[must_use]
    pub fn all_facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        fixed(&Description::TABLE, "", self.table(), &mut facts);
        facts
    }
}

/// Adds the facts of a table of fixed keys.
fn fixed(schema: &'static Schema, path: &str, table: Option<&Table>, facts: &mut Vec<Fact>) {
    for key in schema.keys {
        let path = join(path, key.name);
        if let Some(entry) = table.and_then(|table| table.get(key.name)) {
            value(key.kind, key.doc, &path, &entry.node, true, facts);
            continue;
        }
        match key.presence {
            Presence::Default(default) => {
                let node = Node {
                    at: Location::default(),
                    value: default_value(default, key.kind),
                };
                value(key.kind, key.doc, &path, &node, false, facts);
            }
            // An absent table has no facts.
            Presence::Optional if !holds_keys(key.kind) => facts.push(Fact {
                path,
                value: Fixed::Absent,
                is_written: false,
                kind: key.kind,
                doc: key.doc,
            }),
            Presence::Optional | Presence::Required => {}
        }
    }
}

fn holds_keys(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Table(_) | Kind::Named(_) | Kind::Addresses | Kind::OneDriver(_) | Kind::Drivers(_)
    )
}

/// Adds the facts of one key's value.
fn value(
    kind: &'static Kind,
    doc: &'static str,
    path: &str,
    node: &Node,
    is_written: bool,
    facts: &mut Vec<Fact>,
) {
    let mut push = |value: Fixed| {
        facts.push(Fact {
            path: path.to_owned(),
            value,
            is_written,
            kind,
            doc,
        });
    };
    let Value::Table(table) = &node.value else {
        push(leaf(kind, path, node));
        return;
    };
    match kind {
        Kind::Table(schema) => fixed(schema, path, Some(table), facts),
        Kind::OneDriver(_) | Kind::Drivers(_) => {
            let mut names: Vec<String> = keys(table).map(|entry| entry.key.clone()).collect();
            names.sort();
            push(Fixed::Drivers(names));
            for entry in keys(table) {
                if let Some(kind) = kind.inside(&entry.key) {
                    value(kind, doc, &join(path, &entry.key), &entry.node, true, facts);
                }
            }
        }
        Kind::Named(inner) => {
            for entry in sorted(table) {
                value(
                    inner,
                    doc,
                    &join(path, &entry.key),
                    &entry.node,
                    true,
                    facts,
                );
            }
        }
        Kind::Addresses => {
            for entry in sorted(table) {
                value(
                    &Kind::Text,
                    "",
                    &join(path, &entry.key),
                    &entry.node,
                    true,
                    facts,
                );
            }
        }
        _ => push(leaf(kind, path, node)),
    }
}

fn keys(table: &Table) -> impl Iterator<Item = &Entry> {
    table.entries.iter()
}

fn sorted(table: &Table) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = keys(table).collect();
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    entries
}

/// Returns the canonical form of a value without keys.
fn leaf(kind: &Kind, path: &str, node: &Node) -> Fixed {
    let given = Given {
        path,
        key_at: node.at,
        node,
        root: ROOT,
    };
    let mut scratch = Problems::default();
    let read = match kind {
        Kind::Address => Address::read(&given, &mut scratch).map(|read| Fixed::Address(read.0)),
        Kind::Port => Port::read(&given, &mut scratch).map(|read| Fixed::Port(read.0)),
        Kind::Size => Size::read(&given, &mut scratch).map(|read| Fixed::Size(read.0)),
        Kind::Frequency => {
            Frequency::read(&given, &mut scratch).map(|read| Fixed::Frequency(read.0))
        }
        Kind::Interrupt => Interrupt::read(&given, &mut scratch).map(Fixed::Interrupt),
        Kind::List(inner) => match &node.value {
            Value::List(list) => {
                let list = list.iter().map(|node| leaf(inner, path, node)).collect();
                Some(Fixed::List(list))
            }
            _ => None,
        },
        _ => None,
    };
    read.unwrap_or_else(|| plain(&node.value))
}

fn plain(value: &Value) -> Fixed {
    match value {
        Value::Text(text) => Fixed::Text(text.trim().to_owned()),
        Value::Integer(integer) => Fixed::Number(integer.value.unwrap_or_default()),
        other => Fixed::Text(other.type_name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::load_written;
    use crate::source::InMemory;
    use crate::tests::TOY;

    use super::*;

    fn facts_of(text: &str) -> Vec<(String, Fixed)> {
        let (_, written) = load_written(&InMemory::new().with("toy", text), "toy").unwrap();
        let facts = written.facts().into_iter();
        facts.map(|fact| (fact.path, fact.value)).collect()
    }

    fn told(path: &str) -> String {
        let facts = facts_of(TOY);
        let (_, value) = facts.iter().find(|(known, _)| known == path).unwrap();
        value.to_string()
    }

    #[test]
    fn values_are_written_as_in_board_files() {
        assert_eq!(told("console.pl011.base"), "0x2000_0000");
        assert_eq!(told("console.pl011.interrupt"), "spi 1");
        assert_eq!(told("console.pl011.clock"), "24 MHz");
        assert_eq!(told("pci.ecam.windows.memory32.size"), "256 MiB");
        assert_eq!(
            told("qemu.arguments"),
            r#"["-semihosting-config", "enable=on"]"#
        );
        assert_eq!(told("power"), "psci, semihosting");
        assert_eq!(told("undescribed.0x6000_0000"), "a clock");
    }

    #[test]
    fn another_notation_of_a_value_is_the_same_fact() {
        let other = TOY
            .replace("0x2000_0000", "0x20000000")
            .replace("memory = \"64 MiB\"", "memory = 0x400_0000")
            .replace("clock = \"24 MHz\"", "clock = \"24000 kHz\"");
        assert_ne!(other, TOY);
        assert_eq!(facts_of(&other), facts_of(TOY));
    }

    #[test]
    fn a_default_spelt_out_is_the_same_fact() {
        let with = TOY.replace(
            "[timer.arm-generic]\n",
            "[timer.arm-generic]\ncounter = \"virtual\"\n",
        );
        assert_ne!(with, TOY);
        assert_eq!(facts_of(&with), facts_of(TOY));
    }

    #[test]
    fn the_order_of_tables_and_keys_does_not_matter() {
        let moved = TOY.replace(
            "name = \"toy\"\ntitle = \"A toy\"",
            "title = \"A toy\"\nname = \"toy\"",
        );
        assert_ne!(moved, TOY);
        assert_eq!(facts_of(&moved), facts_of(TOY));
    }

    #[test]
    fn a_difference_of_sizes_has_a_sign() {
        assert_eq!(difference(0x800_0000, 0x1000_0000), "+128 MiB");
        assert_eq!(difference(0x2000, 0x1000), "-4 KiB");
    }
}
