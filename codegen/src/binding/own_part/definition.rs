//! `parts/KIND.toml`: the definition of a kind of part.

use std::collections::BTreeMap;
use std::io;

use super::Any;
use crate::board::Trigger;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::Located;
use crate::language::scalar::{choices, is_name};
use crate::language::schema::Kind;
use crate::language::table::table;
use crate::language::tree::{Entry, Node, Table, Value};
use crate::language::{Named, Size, Text, parse};
use crate::source::{Location, Sources};

table! {
    /// A kind of part.
    pub struct Definition {
        /// One line about the part, with its data sheet.
        title: Text => required,
        /// The part's `compatible` strings in device trees, the most specific first. `cargo xtask
        /// verify` and the kernel look for the part by them.
        compatible: Vec<Located<Text>> => default("[]"),
        /// The part's register ranges, in the order of the `reg` property.
        registers: Named<Registers> => optional,
        /// The part's interrupts, in the order of the `interrupts` property.
        interrupts: Named<Line> => optional,
        /// Further values that differ between machines.
        values: Named<Parameter> => optional,
    }
}

table! {
    /// A register range.
    pub struct Registers {
        /// The content of the register range.
        doc: Text => optional,
        /// The size of the register range.
        size: Size => required,
    }
}

table! {
    /// The definition of an interrupt.
    pub struct Line {
        /// The event that raises the interrupt.
        doc: Text => optional,
        /// The usual trigger of the line.
        trigger: Trigger => default("level"),
        /// Whether a board must state the interrupt.
        presence: Presence => default("required"),
    }
}

table! {
    /// The definition of a value.
    pub struct Parameter {
        /// The meaning of the value, with its unit.
        doc: Text => optional,
        /// The smallest value.
        least: Any => default("0"),
        /// The largest value.
        greatest: Any => optional,
        /// The value if the board does not state it. Without it, every board states one.
        default: Any => optional,
    }
}

/// Whether a board must state an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A board must state the interrupt.
    Required,
    /// A board may omit the interrupt, if the part is polled.
    Optional,
}

choices! { Presence {
    Required = "required": "Every board states it.",
    Optional = "optional": "A board can leave it out.",
} }

/// The key of a definition in the table of a part.
const KEY: &str = "definition";

/// Inserts into each `[part.NAME]` of a board's tree the definition of its kind. Reports kinds
/// without a file.
pub(crate) fn insert(root: &mut Table, sources: &dyn Sources, problems: &mut Problems) {
    let Some(Value::Table(parts)) = root.get_mut("part").map(|entry| &mut entry.node.value) else {
        return;
    };
    let mut known: BTreeMap<String, Option<Entry>> = BTreeMap::new();
    for part in &mut parts.entries {
        let Value::Table(part) = &mut part.node.value else {
            continue;
        };
        let kind = part
            .get("kind")
            .map(|kind| (&kind.node.value, kind.node.at));
        let Some((Value::Text(kind), at)) = kind else {
            continue;
        };
        if part.get(KEY).is_some() || !is_name(kind) {
            continue;
        }
        let kind = kind.clone();
        let definition = known
            .entry(kind)
            .or_insert_with_key(|kind| read(kind, at, sources, problems));
        match definition {
            Some(definition) => part.entries.push(definition.clone()),
            None => part.mark_incomplete(),
        }
    }
}

/// Reads the file of a kind as an entry of the part's table.
fn read(kind: &str, at: Location, sources: &dyn Sources, problems: &mut Problems) -> Option<Entry> {
    let path = format!("parts/{kind}.toml");
    let bytes = match sources.read_part(kind) {
        Ok(bytes) => bytes,
        Err(error) => {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let (title, label) = match missing {
                true => (format!("there is no {path}"), "no such file".to_owned()),
                false => (format!("cannot read {path}"), error.to_string()),
            };
            problems.report(
                Diagnostic::new(Code::UnknownDriver, at, title)
                    .label(label)
                    .help("docs/own-parts.md shows how to define a part"),
            );
            return None;
        }
    };
    let file = problems.add_text(&path, &bytes)?;
    let mut table = parse::parse(file, &Kind::Table(&Definition::TABLE), problems);
    // The line for editors is a comment, and the schema of the file is that of the board.
    table.entries.retain(|entry| entry.key != "schema");
    let at = Location::start_of(file);
    Some(Entry {
        key: KEY.to_owned(),
        key_at: at,
        node: Node {
            at,
            value: Value::Table(table),
        },
        overridden: Vec::new(),
    })
}
