//! What is wrong with a statement that is not TOML, and what was probably meant.

use std::ops::Range;

use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic, lookalike};
use crate::source::{FileId, Location};

/// Returns the diagnostic for an error of the TOML parser in `text`. `unclosed` is the position of a
/// bracket or quote that is never closed, if this is the cause.
pub(super) fn error(
    file: FileId,
    error: &toml::de::Error,
    unclosed: Option<usize>,
    text: &str,
) -> Diagnostic {
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
    match is_like_one || begins(&"string values must be quoted") {
        true => not_a_value(file, span, written, text),
        false => unexpected(file, span, error.message(), text),
    }
}

/// Returns a diagnostic for this part of the file.
fn at(file: FileId, start: usize, end: usize, what: &str) -> Diagnostic {
    let title = format!("this is not TOML: {what}");
    Diagnostic::new(Code::Syntax, Location { file, start, end }, title)
}

/// Returns the diagnostic for what is written in place of a value.
fn not_a_value(file: FileId, span: Range<usize>, written: &str, text: &str) -> Diagnostic {
    if written.trim().is_empty() {
        return at(file, span.start, span.start, "a value is missing").label("expected a value");
    }
    if let Some(rest) = after_value(written) {
        let what = "unexpected text after the value";
        let diagnostic = at(file, span.start + rest, span.end, what)
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
    let diagnostic = at(file, span.start, span.end, "string values must be quoted");
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
    match digit {
        Some(digit) => diagnostic.label(format!("write the digit {digit}, not a letter")),
        None => match hexadecimal_digits(bare) {
            Some(digits) => diagnostic
                .label("neither a number nor text in quotes")
                .help(format!("if it is hexadecimal, write 0x{digits}"))
                .help(format!("if it is text, write \"{bare}\"")),
            None => diagnostic.label(format!("write \"{bare}\"")),
        },
    }
}

/// Returns the diagnostic for something that cannot be at its place, with the parser's message.
fn unexpected(file: FileId, span: Range<usize>, message: &str, text: &str) -> Diagnostic {
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
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
    let diagnostic = at(file, span.start, span.end, what)
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
fn line_of(text: &str, at: usize) -> Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start
        ..text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length)
}

/// Returns the diagnostic for a number with letters at `at`, which the TOML parser leaves to its caller.
pub(super) fn not_a_number(file: FileId, at: &Range<usize>, text: &str) -> Diagnostic {
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
