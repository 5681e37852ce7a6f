//! Parses the text of one file to a tree, and reports every syntax error.
//!
//! After an error, the TOML parser guesses, and an unclosed bracket swallows the rest of the file.
//! Therefore only the first error is reported, its statement is blanked without moving anything
//! else, and the rest is parsed again: each broken statement causes one diagnostic, and all others
//! are read.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::schema;
use super::statement::{Kind, Statement};
use super::syntax;
use super::tree::{Entry, Integer, Node, Table, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::{FileId, Location};

/// The number of broken statements above which the file is reported as not TOML.
const MOST_SYNTAX_ERRORS: usize = 32;

/// Parses a file that was added to `problems`. `content` is what the file should contain, for help
/// about its keys.
pub(crate) fn parse(file: FileId, content: &schema::Kind, problems: &mut Problems) -> Table {
    let text = problems
        .file(file)
        .map(|file| file.text.clone())
        .unwrap_or_default();
    let mut parser = Parser {
        file,
        text,
        broken: BTreeSet::new(),
        told: BTreeSet::new(),
        incomplete: BTreeSet::new(),
    };
    let mut duplicates = Vec::new();
    for _ in 0..MOST_SYNTAX_ERRORS {
        let error = {
            let (root, errors) = DeTable::parse_recoverable(&parser.text);
            let at = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
            match errors.into_iter().min_by_key(at) {
                Some(error) => error,
                None => {
                    for at in not_numbers(root.get_ref()) {
                        problems.report(syntax::not_a_number(file, &at, &parser.text));
                        parser.broken.insert(at.start);
                    }
                    let mut root = parser.table(root.get_ref());
                    parser.mark_incomplete(&mut root);
                    for duplicate in duplicates {
                        problems.report(duplicate_key(file, &duplicate, &root, content));
                    }
                    return root;
                }
            }
        };
        let span = error.span().unwrap_or_default();
        let before = parser.text.clone();
        match parser.take_out(span.start) {
            Taken::Broken(unclosed) => {
                problems.report(syntax::error(file, &error, unclosed, &before));
            }
            Taken::Again => {}
            Taken::Duplicate(path) => duplicates.push(Duplicate { path, span, error }),
        }
        if parser.text == before {
            break;
        }
    }
    Table {
        incomplete: true,
        ..Table::default()
    }
}

/// The text being parsed. It keeps its length, so spans stay valid.
struct Parser {
    file: FileId,
    text: String,
    /// The spans of removed values, which the text replaces by `0`.
    broken: BTreeSet<usize>,
    /// The starts of broken statements.
    told: BTreeSet<usize>,
    /// The headers of the tables that something was removed from.
    incomplete: BTreeSet<Option<usize>>,
}

/// The reason why something was removed from the text.
enum Taken {
    /// A broken statement, with the unclosed bracket or quote if that is the cause.
    Broken(Option<usize>),
    /// The rest of a broken statement that has been reported.
    Again,
    /// A statement whose key already exists: the path of the key.
    Duplicate(Vec<String>),
}

/// A key that is given twice.
struct Duplicate {
    path: Vec<String>,
    span: std::ops::Range<usize>,
    error: toml::de::Error,
}

impl Parser {
    /// Removes the statement with an error at `offset` from the text.
    fn take_out(&mut self, offset: usize) -> Taken {
        let statement = Statement::around(&self.text, offset);
        let header = statement.header(&self.text);
        if statement.is_whole(&self.text) {
            let path = statement.path(&self.text);
            let end = match statement.kind {
                Kind::Header => statement.body_end(&self.text),
                Kind::Key => statement.end,
            };
            self.blank(statement.start, end);
            return Taken::Duplicate(path);
        }
        let placeholder = statement
            .value(&self.text)
            .filter(|at| !self.broken.contains(at));
        match (statement.kind, placeholder) {
            (Kind::Header, _) => {
                // Without a readable header, the keys under it would belong to the table above.
                self.blank(statement.start, statement.body_end(&self.text));
                self.incomplete.insert(None);
            }
            (Kind::Key, Some(value)) => {
                self.blank(value, statement.end);
                self.text.replace_range(value..=value, "0");
                self.broken.insert(value);
            }
            (Kind::Key, None) => {
                self.blank(statement.start, statement.end);
                self.incomplete.insert(header);
            }
        }
        if statement.swallows_rest {
            self.incomplete.insert(None);
        }
        match self.told.insert(statement.start) {
            true => Taken::Broken(statement.unclosed),
            false => Taken::Again,
        }
    }

    /// Replaces everything except line breaks by spaces.
    fn blank(&mut self, start: usize, end: usize) {
        let blanks: String = self.text[start..end]
            .chars()
            .flat_map(|c| match c {
                '\n' | '\r' => std::iter::repeat_n(c, 1),
                other => std::iter::repeat_n(' ', other.len_utf8()),
            })
            .collect();
        self.text.replace_range(start..end, &blanks);
    }

    fn mark_incomplete(&self, root: &mut Table) {
        for header in &self.incomplete {
            match header {
                // Outside every table, or unknown: no missing key of this file is reported.
                None => root.mark_incomplete(),
                Some(header) => mark_table_at(root, *header),
            }
        }
    }

    fn at(&self, span: std::ops::Range<usize>) -> Location {
        Location {
            file: self.file,
            start: span.start,
            end: span.end,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_at: self.at(key.span()),
                node: self.node(value),
                overridden: Vec::new(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_at);
        Table {
            entries,
            incomplete: false,
        }
    }

    fn node(&self, value: &toml::Spanned<DeValue<'_>>) -> Node {
        let at = self.at(value.span());
        if self.broken.contains(&at.start) {
            return Node {
                at,
                value: Value::Broken,
            };
        }
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(integer) => Value::Integer(Integer {
                value: i128::from_str_radix(integer.as_str(), integer.radix()).ok(),
                radix: integer.radix(),
            }),
            DeValue::Float(_) => Value::Float,
            DeValue::Boolean(_) => Value::Boolean,
            DeValue::Datetime(_) => Value::DateTime,
            DeValue::Array(list) => {
                Value::List(list.iter().map(|value| self.node(value)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { at, value }
    }
}

fn mark_table_at(table: &mut Table, header: usize) {
    for entry in &mut table.entries {
        if let Value::Table(table) = &mut entry.node.value {
            match entry.node.at.start == header {
                true => table.mark_incomplete(),
                false => mark_table_at(table, header),
            }
        }
    }
}

/// Returns the positions of integers that contain letters, which the parser leaves to its caller.
fn not_numbers(table: &DeTable<'_>) -> Vec<std::ops::Range<usize>> {
    let mut places = Vec::new();
    for value in table.values() {
        find_not_numbers(value, &mut places);
    }
    places
}

fn find_not_numbers(value: &toml::Spanned<DeValue<'_>>, places: &mut Vec<std::ops::Range<usize>>) {
    match value.get_ref() {
        DeValue::Integer(integer) => {
            let digits = integer.as_str().trim_start_matches(['+', '-']);
            if !digits.chars().all(|c| c.is_digit(integer.radix())) {
                places.push(value.span());
            }
        }
        DeValue::Array(list) => list.iter().for_each(|item| find_not_numbers(item, places)),
        DeValue::Table(table) => table
            .values()
            .for_each(|value| find_not_numbers(value, places)),
        _ => {}
    }
}

fn duplicate_key(
    file: FileId,
    duplicate: &Duplicate,
    root: &Table,
    content: &schema::Kind,
) -> Diagnostic {
    let at = Location {
        file,
        start: duplicate.span.start,
        end: duplicate.span.end,
    };
    let path = duplicate.path.join(".");
    if duplicate.error.message() != "duplicate key" {
        return Diagnostic::new(Code::DuplicateKey, at, duplicate.error.message());
    }
    let diagnostic = Diagnostic::new(Code::DuplicateKey, at, format!("`{path}` is given twice"))
        .label("given again here");
    let diagnostic = diagnostic
        .help("keep one of the two")
        .helps(further(&duplicate.path, content));
    match root.find(&path) {
        Some(first) => diagnostic.also(first.key_at, "given here first"),
        None => diagnostic,
    }
}

/// Returns how to describe another part of the kind at `path`, if its table has a key for that.
fn further(path: &[String], content: &schema::Kind) -> Option<String> {
    /// The key under which a part has further ones of its kind, each with a name.
    const FURTHER: &str = "further";
    let (first, rest) = path.split_first()?;
    let part = rest
        .iter()
        .try_fold(content.inside(first)?, |kind, key| kind.inside(key))?;
    let schema::Kind::Named(schema::Kind::Table(table)) = part.inside(FURTHER)? else {
        return None;
    };
    let required = table
        .keys
        .iter()
        .filter(|key| key.presence == schema::Presence::Required);
    let keys: Vec<String> = required.map(|key| format!("{} = ...", key.name)).collect();
    Some(format!(
        "for a second one on the machine, give it a name: in the first [{}], write \
         `{FURTHER}.NAME = {{ {} }}`",
        path.join("."),
        keys.join(", ")
    ))
}

#[cfg(test)]
mod tests;
