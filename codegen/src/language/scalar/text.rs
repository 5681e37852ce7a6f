//! Text for display, and names.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems, lookalike};
use crate::source::Location;

/// A line of text that is not empty.
///
/// It becomes part of comments and command lines, in which a line break or a control character
/// would start something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Read for Text {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Text(text) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        let trouble = match trouble(text) {
            Some(trouble) => trouble,
            None => return Some(Self(text.trim().to_owned())),
        };
        let title = format!("`{}` must be a line of text", given.path);
        problems.report(
            Diagnostic::new(Code::BadText, given.node.at, title)
                .label(trouble)
                .help("write one line of plain text, not empty"),
        );
        None
    }
}

/// Returns why a text is not valid, or `None` if it is.
fn trouble(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        return Some("this is empty");
    }
    let breaks_out = text.chars().any(breaks_out);
    breaks_out.then_some("this has a line break or an invisible character in it")
}

/// One or more words for a command line. A character that only looks like an ASCII one is invalid,
/// because the command would not understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub String);

impl Read for Words {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Text(text) = Text::read(given, problems)?;
        if lookalike::describe(&text).is_none() {
            return Some(Self(text));
        }
        let title = format!(
            "`{}` contains a character that only looks like an ASCII one",
            given.path
        );
        problems.report(
            Diagnostic::new(Code::BadText, given.node.at, title)
                .label("QEMU would not understand it"),
        );
        None
    }
}

/// Returns whether a character is a control character, a line separator, or one that reorders or
/// hides text.
fn breaks_out(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The name of a file or part: lower-case letters, digits and hyphens, starting with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

impl Read for Name {
    const KIND: Kind = Kind::Name;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Text(text) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        if let Some(board) = board_of_file(text) {
            let title = format!("`{text}` is not a name");
            problems.report(
                Diagnostic::new(Code::BadText, given.node.at, title)
                    .label("the name of a file")
                    .write(format!("\"{board}\"")),
            );
            return None;
        }
        let last = text.rsplit_once('.').map(|(_, last)| last);
        if let Some(last) = last.filter(|last| is_name(last)) {
            problems.report(
                Diagnostic::new(
                    Code::BadText,
                    given.node.at,
                    format!("`{text}` is not a name"),
                )
                .label("a path")
                .write(format!("\"{last}\"")),
            );
            return None;
        }
        check_name(text, given.node.at, problems).then(|| Self(text.clone()))
    }
}

/// Returns the name of the board whose file this text names.
fn board_of_file(text: &str) -> Option<&str> {
    let is_path = text.contains(['/', '\\']) || text.ends_with(".toml");
    let name = text.strip_suffix(".toml").unwrap_or(text);
    let name = name.rsplit(['/', '\\']).next().filter(|_| is_path)?;
    is_name(name).then_some(name)
}

/// Returns whether `text` is a name.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(plain)
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Returns the name that a text is but for its capitals and separators.
fn as_name(text: &str) -> Option<String> {
    let separated = text.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    let is_close = separated != text && is_name(&separated);
    is_close.then(|| format!("write {separated}"))
}

/// Checks that `text` is a name, because names become those of files, modules and symbols.
pub(crate) fn check_name(text: &str, at: Location, problems: &mut Problems) -> bool {
    let good = is_name(text);
    if !good {
        problems.report(
            Diagnostic::new(Code::BadText, at, format!("`{text}` is not a name"))
                .label("cannot be a name")
                .helps(as_name(text))
                .help("a name has lower-case letters, digits and single hyphens, a letter first"),
        );
    }
    good
}
