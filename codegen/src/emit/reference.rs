//! `board-reference.md`: all keys of board files and all drivers.

use super::schema::{default_in_toml, paragraph};
use super::table::{self, Column, left};
use super::{header, schema};
use crate::description::ROOT;
use crate::description::{Description, FileKeys, SCHEMA_VERSION};
use crate::language::scalar::{FREQUENCIES, SIZES};
use crate::language::schema::{Choice, Driver, Key, Kind, Presence, Table};

/// The name of the file in `generated/`.
pub const FILE: &str = "board-reference.md";

const COLUMNS: [Column<'static>; 4] = [
    left("key", 24),
    left("takes", 32),
    left("default", 12),
    left("meaning", 60),
];

/// Returns the page.
#[must_use]
pub fn emit() -> String {
    let header = header::of_tables().join("\n     ");
    let mut text = format!(
        "<!-- {header} -->\n\n# Board files: every key\n\n\
         A board is `boards/<name>.toml`; docs/boards.md shows how to write one. An editor with a\n\
         TOML language server completes these keys if the file starts with\n\
         `#:schema ../generated/{}`.\n",
        schema::FILE
    );
    text += &format!("\n## All drivers\n\n{}", glance());
    text += &format!(
        "\n## The file itself\n\n{} This page describes schema version {SCHEMA_VERSION}.\n\n{}",
        paragraph(FileKeys::TABLE.doc),
        keys(&FileKeys::TABLE)
    );
    for key in Description::TABLE.keys {
        text += &section(key);
    }
    text += &values();
    text
}

/// Returns all classes with their drivers, each with a link to its keys.
fn glance() -> String {
    let mut rows = Vec::new();
    for key in Description::TABLE.keys {
        let (Kind::OneDriver(drivers) | Kind::Drivers(drivers)) = key.kind else {
            continue;
        };
        let drivers = drivers.iter().map(|driver| {
            let title = format!("{}.{}", key.name, driver.name);
            // GitHub's anchor of a heading.
            let anchor = title.replace(['.', '[', ']', '`'], "");
            format!("[`{}`](#{anchor})", driver.name)
        });
        let drivers: Vec<String> = drivers.collect();
        rows.push([format!("`{}`", key.name), drivers.join(", ")]);
    }
    table::render(&[left("class", 24), left("drivers", 60)], &rows)
}

/// Returns the section of one table of the board.
fn section(key: &'static Key) -> String {
    let needed = match key.presence {
        Presence::Required => "Required.",
        Presence::Optional | Presence::Default(_) => "Optional.",
    };
    let meaning = paragraph(key.doc);
    let head = |title: &str| format!("\n## `[{title}]`\n\n{meaning} {needed}\n");
    let name = key.name;
    match key.kind {
        Kind::Table(table) => {
            let more = match paragraph(table.doc) {
                more if more == meaning => String::new(),
                more => format!(
                    "{}\n\n",
                    more.strip_prefix(&meaning).unwrap_or(&more).trim()
                ),
            };
            format!("{}\n{more}{}", head(name), keys(table))
        }
        Kind::Named(Kind::Table(table)) => {
            let what = paragraph(table.doc);
            format!(
                "{}\n{what}\n\n{}",
                head(&format!("{name}.NAME")),
                keys(table)
            )
        }
        Kind::OneDriver(all) => {
            let text = head(&format!("{name}.DRIVER"));
            format!("{text}\nOne of these drivers.\n{}", drivers(name, all))
        }
        Kind::Drivers(all) => {
            let text = head(&format!("{name}.DRIVER"));
            let said = "Any of these drivers, in the order of preference.";
            format!("{text}\n{said}\n{}", drivers(name, all))
        }
        kind => format!("{}\nType: {}.\n", head(name), takes(kind)),
    }
}

fn drivers(class: &str, drivers: &'static [Driver]) -> String {
    let texts = drivers.iter().map(|driver| {
        let Kind::Table(table) = driver.kind else {
            return String::new();
        };
        let title = format!("{class}.{}", driver.name);
        let fits = driver
            .fits()
            .unwrap_or_else(|| "On any architecture.".to_owned());
        format!(
            "\n### `[{title}]`\n\n{} {fits}\n\n{}",
            paragraph(table.doc),
            keys(table)
        )
    });
    texts.collect()
}

/// Returns the keys of a table, with those of nested tables by their paths.
fn keys(table: &'static Table) -> String {
    let mut rows = Vec::new();
    add_rows("", table, &mut rows);
    match rows.is_empty() {
        true => "It has no keys.\n".to_owned(),
        false => table::render(&COLUMNS, &rows),
    }
}

fn add_rows(path: &str, table: &'static Table, rows: &mut Vec<[String; 4]>) {
    for key in table.keys {
        let path = format!("{path}{}", key.name);
        let without = match key.presence {
            Presence::Required => "required".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default(default) => {
                format!("`{}`", default_in_toml(key.kind, default))
            }
        };
        let row = [format!("`{path}`"), takes(key.kind), without, meaning(key)];
        rows.push(row);
        match key.kind {
            Kind::Table(inner) => add_rows(&format!("{path}."), inner, rows),
            Kind::Named(Kind::Table(inner)) => add_rows(&format!("{path}.NAME."), inner, rows),
            _ => {}
        }
    }
}

fn meaning(key: &Key) -> String {
    let mut text = paragraph(key.doc);
    if let Kind::Choice(choices) = key.kind {
        text += &format!(" {}", words(choices).join("; "));
        text.push('.');
    }
    text
}

/// Formats a choice with its meaning: `"hvc"`: hypervisor call.
fn words(choices: &[Choice]) -> Vec<String> {
    let lines = choices.iter().map(|choice| {
        let meaning = paragraph(choice.doc);
        format!("`\"{}\"`: {}", choice.word, meaning.trim_end_matches('.'))
    });
    lines.collect()
}

/// Returns the kind of a key's values in a few words.
fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Address => "an [address](#values)".to_owned(),
        Kind::Port => "a [port](#values)".to_owned(),
        Kind::Size => "a [size](#values)".to_owned(),
        Kind::Frequency => "a [frequency](#values)".to_owned(),
        Kind::Interrupt => "an [interrupt](#values)".to_owned(),
        Kind::Name => "a [name](#values)".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Number { least, greatest } if least == greatest => format!("`{least}`"),
        Kind::Number { least, greatest } if *greatest == u32::MAX => {
            format!("a number from {least}")
        }
        Kind::Number { least, greatest } => format!("{least} to {greatest}"),
        Kind::Choice(choices) => {
            let words = choices
                .iter()
                .map(|choice| format!("`\"{}\"`", choice.word));
            words.collect::<Vec<_>>().join(", ")
        }
        Kind::List(item) => format!("a list: {}", takes(item)),
        Kind::Named(_) => "tables with names of your choice".to_owned(),
        Kind::Addresses => "addresses in quotes, each with a line of text".to_owned(),
        Kind::Table(_) | Kind::OneDriver(_) | Kind::Drivers(_) => "a table".to_owned(),
    }
}

/// Returns the notation of common kinds of values.
fn values() -> String {
    let units = |units: &[(&str, u64)]| {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let spaces = ROOT
        .spaces(None)
        .into_iter()
        .map(|space| format!("`{}` | {}", space.word, paragraph(space.doc)));
    let spaces: String = spaces.map(|line| format!("| {line} |\n")).collect();
    format!(
        "\n## Values\n\n\
         **An address** is a hexadecimal integer, such as `0x0900_0000`.\n\n\
         **A port** is a hexadecimal integer of 16 bits, such as `0x3F8`.\n\n\
         **A size** is text with a unit ({}), such as `\"64 KiB\"`, or a hexadecimal integer, such as `0x200`.\n\n\
         **A frequency** is text with a unit ({}), such as `\"62.5 MHz\"`.\n\n\
         **A name** consists of lower-case letters, digits and single hyphens, and starts with a letter.\n\n\
         **An interrupt** is a table with a number in one of these spaces, such as `{{ spi = 1 }}`. If the\n\
         trigger differs from the usual one of the device, add `trigger = \"edge\"` or `trigger = \"level\"`;\n\
         an I/O APIC also supports \"level-low\" and \"edge-falling\". On a board with several controllers of\n\
         a kind, the number is one of the first controller; `controller = \"NAME\"` selects a further one.\n\n\
         | space | interrupts |\n|---|---|\n{spaces}",
        units(SIZES),
        units(FREQUENCIES),
    )
}
