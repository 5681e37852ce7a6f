//! `board.schema.json`: the structure of board files, for editors.
//!
//! It is a JSON Schema, draft 7, which TOML language servers support. `x-taplo` contains what the
//! standard cannot express for Taplo, and there are no references, which Taplo does not resolve.
//! The schema cannot require a key, since a file may inherit it; `cargo xtask gen` checks that.

use super::header;
use super::json::Json;
use crate::description::ROOT;
use crate::description::{Description, FileKeys};
use crate::language::path::join;
use crate::language::reader::is_table;
use crate::language::scalar::{FREQUENCIES, SIZES};
use crate::language::schema::{Choice, Driver, Key, Kind, Presence, Table};

/// The name of the file in `generated/`.
pub const FILE: &str = "board.schema.json";

/// The patterns of names and addresses; [`Name`](crate::language::Name) checks names in Rust.
const NAME: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
const ADDRESS: &str = "^0x[0-9A-Fa-f]+(_[0-9A-Fa-f]+)*$";

/// Returns the schema.
#[must_use]
pub fn emit() -> String {
    let keys = FileKeys::TABLE.keys.iter().chain(Description::TABLE.keys);
    let mut members = vec![
        ("$comment", Json::text(header::of_tables().join(" "))),
        (
            "$schema",
            Json::text("http://json-schema.org/draft-07/schema#"),
        ),
        ("title", Json::text("A board of VMOS")),
        ("description", Json::text(paragraph(Description::TABLE.doc))),
    ];
    members.extend(object(properties("", keys)));
    members.push(("required", Json::texts(["schema"])));
    Json::object(members).pretty()
}

/// Joins the lines of a doc comment.
pub(super) fn paragraph(doc: &str) -> String {
    let lines = doc.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Returns a default in the notation of a board file.
pub(super) fn default_in_toml(kind: &Kind, default: &str) -> String {
    match kind {
        Kind::Number { .. } | Kind::Address | Kind::Port | Kind::List(_) => default.to_owned(),
        Kind::Size if default.starts_with("0x") => default.to_owned(),
        _ => format!("\"{default}\""),
    }
}

type Members = Vec<(&'static str, Json)>;

fn properties(path: &str, keys: impl Iterator<Item = &'static Key>) -> Json {
    Json::object(keys.map(|key| (key.name, property(path, key))))
}

fn property(path: &str, key: &'static Key) -> Json {
    let path = join(path, key.name);
    let mut text = paragraph(key.doc);
    match key.kind {
        Kind::Choice(choices) => {
            for choice in *choices {
                text += &format!("\n- `\"{}\"`: {}", choice.word, paragraph(choice.doc));
            }
        }
        kind if is_table(kind) => {}
        kind => text += &format!("\n\nType: {}.", kind.expected()),
    }
    text += &match key.presence {
        Presence::Required => "\n\nRequired, here or in the extended board.".to_owned(),
        Presence::Optional => "\n\nOptional.".to_owned(),
        Presence::Default(default) => {
            let default = default_in_toml(key.kind, default);
            format!("\n\nOptional; default: {default}.")
        }
    };
    let mut members = vec![("description", Json::text(text))];
    members.extend(value(&path, key.kind));
    Json::object(members)
}

/// Returns an integer in a range, ends included.
fn integer(least: u32, greatest: u32) -> Members {
    vec![
        ("type", Json::text("integer")),
        ("minimum", Json::Integer(least.into())),
        ("maximum", Json::Integer(greatest.into())),
    ]
}

/// Returns the schema of a value.
fn value(path: &str, kind: &'static Kind) -> Members {
    match kind {
        Kind::Address => address(),
        Kind::Size => size(),
        Kind::Frequency => frequency(),
        Kind::Interrupt => interrupt(),
        Kind::Text => pattern("\\S"),
        Kind::Name => pattern(NAME),
        // An editor can insert the only value.
        Kind::Number { least, greatest } if least == greatest => {
            vec![("enum", Json::List(vec![Json::Integer((*least).into())]))]
        }
        Kind::Number { least, greatest } => integer(*least, *greatest),
        Kind::Port => integer(0, u16::MAX.into()),
        Kind::Choice(choices) => words(choices),
        Kind::List(item) => vec![
            ("type", Json::text("array")),
            ("items", Json::object(value(path, item))),
        ],
        Kind::Table(table) => fixed(path, table),
        Kind::Named(entry) => named(NAME, Json::object(described(path, entry))),
        Kind::Addresses => named(ADDRESS, Json::object(pattern("\\S"))),
        Kind::OneDriver(drivers) => {
            let mut members = object(self::drivers(path, drivers));
            members.push(("maxProperties", Json::Integer(1)));
            members
        }
        Kind::Drivers(drivers) => object(self::drivers(path, drivers)),
    }
}

/// Returns the schema of a value; for a table, with the table's description.
fn described(path: &str, kind: &'static Kind) -> Members {
    let mut members = Members::new();
    if let Kind::Table(table) = kind {
        members.push(("description", Json::text(paragraph(table.doc))));
    }
    members.extend(value(path, kind));
    members
}

fn words(choices: &'static [Choice]) -> Members {
    let meanings = Json::texts(choices.iter().map(|choice| choice.doc));
    vec![
        (
            "enum",
            Json::texts(choices.iter().map(|choice| choice.word)),
        ),
        (
            "x-taplo",
            Json::object([("docs", Json::object([("enumValues", meanings)]))]),
        ),
    ]
}

fn object(properties: Json) -> Members {
    vec![
        ("type", Json::text("object")),
        ("properties", properties),
        ("additionalProperties", Json::Bool(false)),
    ]
}

fn fixed(path: &str, table: &'static Table) -> Members {
    object(properties(path, table.keys.iter()))
}

/// Returns an object whose keys the author chooses.
fn named(pattern: &str, value: Json) -> Members {
    vec![
        ("type", Json::text("object")),
        (
            "propertyNames",
            Json::object([("pattern", Json::text(pattern))]),
        ),
        ("additionalProperties", value),
    ]
}

fn drivers(path: &str, drivers: &'static [Driver]) -> Json {
    Json::object(drivers.iter().map(|driver| {
        let path = join(path, driver.name);
        let mut members = described(&path, driver.kind);
        if let (Some((_, Json::Text(text))), Some(fits)) = (members.first_mut(), driver.fits()) {
            *text += &format!("\n\n{fits}");
        }
        (driver.name, Json::object(members))
    }))
}

fn pattern(pattern: &str) -> Members {
    vec![
        ("type", Json::text("string")),
        ("pattern", Json::text(pattern)),
    ]
}

fn address() -> Members {
    vec![
        ("type", Json::text("integer")),
        ("minimum", Json::Integer(0)),
    ]
}

fn size() -> Members {
    vec![
        ("type", Json::texts(["string", "integer"])),
        ("pattern", Json::text(quantity(SIZES))),
        ("minimum", Json::Integer(0)),
    ]
}

fn frequency() -> Members {
    pattern(&quantity(FREQUENCIES))
}

/// Returns the pattern of a number, one space and a unit.
fn quantity(units: &[(&str, u64)]) -> String {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    format!("^[0-9]+(\\.[0-9]+)? ({})$", names.join("|"))
}

fn interrupt() -> Members {
    let mut properties: Vec<(&str, Json)> = ROOT
        .spaces(None)
        .iter()
        .map(|space| {
            let number = Json::object([
                ("description", Json::text(space.doc)),
                ("type", Json::text("integer")),
                ("minimum", Json::Integer(0)),
            ]);
            (space.word, number)
        })
        .collect();
    let mut trigger = vec![(
        "description",
        Json::text("The trigger of the line. Without it, the usual one of the device."),
    )];
    if let Kind::Choice(choices) = <crate::board::Trigger as crate::language::Read>::KIND {
        trigger.extend(words(choices));
    }
    properties.push(("trigger", Json::object(trigger)));
    let mut controller = vec![(
        "description",
        Json::text(
            "The further controller that has the interrupt, by its name. Without it, the first one.",
        ),
    )];
    controller.extend(pattern(NAME));
    properties.push(("controller", Json::object(controller)));
    // `cargo xtask gen` checks that there is exactly one number: with `oneOf`, an editor would
    // offer the key once for each space.
    let mut members = object(Json::object(properties));
    members.push(("minProperties", Json::Integer(1)));
    members.push(("maxProperties", Json::Integer(3)));
    members
}
