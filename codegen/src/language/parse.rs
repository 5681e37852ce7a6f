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
use super::tree::{Entry, Integer, Node, Table, Value};
use crate::diagnostic::{Code, Diagnostic, Problems, lookalike};
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
                        problems.report(not_a_number(file, &at, &parser.text));
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
                problems.report(syntax_error(file, &error, unclosed, &before));
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

fn syntax_error(
    file: FileId,
    error: &toml::de::Error,
    unclosed: Option<usize>,
    text: &str,
) -> Diagnostic {
    let diagnostic = |start, end, what: &str| {
        let title = format!("this is not TOML: {what}");
        Diagnostic::new(Code::Syntax, Location { file, start, end }, title)
    };
    if let Some(start) = unclosed {
        let at = Location {
            file,
            start,
            end: start + 1,
        };
        return Diagnostic::new(Code::Syntax, at, "this bracket or quote is never closed")
            .label("opened here");
    }
    let span = error.span().unwrap_or_default();
    let written = text.get(span.clone()).unwrap_or_default();
    // The parser takes anything that is not a value for text without quotes, and words that start
    // like `inf` or `true` for one of those.
    let is_word = written.starts_with(|c: char| c.is_ascii_alphabetic());
    let begins = |what: &&str| error.message().starts_with(*what);
    let is_like_one = is_word && ["invalid float", "invalid boolean"].iter().any(begins);
    if is_like_one || begins(&"string values must be quoted") {
        if written.trim().is_empty() {
            return diagnostic(span.start, span.start, "a value is missing")
                .label("expected a value");
        }
        if let Some(rest) = after_value(written) {
            let diagnostic = diagnostic(
                span.start + rest,
                span.end,
                "unexpected text after the value",
            )
            .label("expected a comma or the end of the line before this");
            // A key that follows lacks its comma; it is not text.
            let is_key = text[span.end..]
                .trim_start_matches([' ', '\t'])
                .starts_with('=');
            return match is_key || written.contains(['=', '{', '[']) {
                true => diagnostic,
                false => diagnostic.help(format!("if text is meant, write \"{written}\"")),
            };
        }
        let bare = written.trim_matches(|c: char| c.is_whitespace() || "“”„‘’'`".contains(c));
        let diagnostic = diagnostic(span.start, span.end, "string values must be quoted");
        let digit = match bare {
            "l" | "I" => Some('1'),
            "O" | "o" => Some('0'),
            _ => None,
        };
        let plain = lookalike::plain(bare);
        let number = plain.filter(|plain| plain.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(number) = number {
            return diagnostic.label(format!("write {number}"));
        }
        return match digit {
            Some(digit) => diagnostic.label(format!("write the digit {digit}, not a letter")),
            None => match hexadecimal_digits(bare) {
                Some(digits) => diagnostic
                    .label("neither a number nor text in quotes")
                    .help(format!("if it is hexadecimal, write 0x{digits}"))
                    .help(format!("if it is text, write \"{bare}\"")),
                None => diagnostic.label(format!("write \"{bare}\"")),
            },
        };
    }
    let (what, expected) = match error.message().split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (error.message(), None),
    };
    let forgotten = (what == "unexpected leading zero")
        .then(|| forgotten_prefix(&text[span.start..]))
        .flatten();
    let label = match (what, expected) {
        ("unexpected leading zero", _) => {
            "a number must not start with 0, except for 0x".to_owned()
        }
        ("invalid hexadecimal number", _) => "not a hexadecimal digit".to_owned(),
        _ if text[span.start..].starts_with(':') => "write `=`".to_owned(),
        _ if text[span.start..].starts_with(';') => "remove `;`".to_owned(),
        (_, None | Some("nothing")) => "unexpected here".to_owned(),
        (_, Some(expected)) => format!("expected {expected}"),
    };
    let diagnostic = diagnostic(span.start, span.end, what)
        .label(label)
        .helps(forgotten);
    let line = text
        .get(line_of(text, span.start))
        .unwrap_or_default()
        .trim();
    match what {
        _ if line.starts_with("//") || line.starts_with(';') => {
            diagnostic.help("a comment begins with `#`")
        }
        "invalid hexadecimal number" if text[span.start..].starts_with(['O', 'o']) => {
            diagnostic.help("this is the letter O: write the digit 0")
        }
        "invalid hexadecimal number" if text[span.start..].starts_with(['l', 'I']) => {
            diagnostic.help("this is a letter: write the digit 1")
        }
        "key with no value" => diagnostic.help(format!(
            "write {line} = ... if it is a key, [{line}] if it is a table"
        )),
        _ => diagnostic,
    }
}

/// Returns the help for a number in hexadecimal digits that starts with 0 in place of 0x.
fn forgotten_prefix(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit() && c != '_');
    let digits = text[..end.unwrap_or(text.len())].replace('_', "");
    let number = u64::from_str_radix(&digits, 16).ok()?;
    let meant = format!("if 0x was left out, write {}", super::hexadecimal(number));
    (number > 0).then_some(meant)
}

/// Returns the digits of a number in hexadecimal without its 0x, maybe with an `h` after it, such as
/// `3F8`. At least one of them is also a decimal digit, because `fade` is rather a word.
fn hexadecimal_digits(bare: &str) -> Option<&str> {
    let digits = bare.trim_end_matches(['h', 'H']);
    let is_digit = |c: char| c.is_ascii_hexdigit() || c == '_';
    let is_number = digits.chars().all(is_digit) && digits.contains(|c: char| c.is_ascii_digit());
    is_number.then_some(digits)
}

/// Returns the line around a position.
fn line_of(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start
        ..text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length)
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

fn not_a_number(file: FileId, at: &std::ops::Range<usize>, text: &str) -> Diagnostic {
    let written = text.get(at.clone()).unwrap_or_default();
    let title = "this is not TOML: letters in a number";
    let at = Location {
        file,
        start: at.start,
        end: at.end,
    };
    let diagnostic = Diagnostic::new(Code::Syntax, at, title).label("not a number");
    let digits = written.trim_end_matches(['h', 'H']);
    match digits.chars().all(|c| c.is_ascii_hexdigit() || c == '_') {
        true => diagnostic.help(format!("if it is hexadecimal, write 0x{digits}")),
        false => diagnostic.help(format!("if it is text, write \"{written}\"")),
    }
}

/// Returns where text continues after a complete value.
fn after_value(written: &str) -> Option<usize> {
    let (value, rest) = written.split_once([' ', '\t'])?;
    DeValue::parse(value).ok()?;
    Some(written.len() - rest.trim_start().len())
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
