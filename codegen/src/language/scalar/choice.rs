//! Choices between words.

use super::super::reader::Given;
use super::super::schema::{Choice, Kind};
use super::super::suggest;
use super::super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Declares the words of an enum's variants, and the help text for other words.
macro_rules! choices {
    ($Type:ty { $($Variant:ident = $word:literal: $doc:literal,)+ } $(otherwise $page:expr)?) => {
        impl $crate::language::Read for $Type {
            const KIND: $crate::language::schema::Kind =
                $crate::language::schema::Kind::Choice(&[
                    $($crate::language::schema::Choice { word: $word, doc: $doc },)+
                ]);

            fn read(
                given: &$crate::language::Given<'_>,
                problems: &mut $crate::diagnostic::Problems,
            ) -> Option<Self> {
                let page: &[&str] = &[$($page)?];
                match $crate::language::scalar::read_choice(
                    given, &Self::KIND, page, problems,
                )? {
                    $($word => Some(Self::$Variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use choices;

/// Reads the word; reports an error with a help if it is not one of `kind`'s.
pub(crate) fn read_choice<'a>(
    given: &Given<'a>,
    kind: &Kind,
    pages: &[&str],
    problems: &mut Problems,
) -> Option<&'a str> {
    let (Value::Text(text), Kind::Choice(choices)) = (&given.node.value, kind) else {
        given.wrong_type(kind, problems);
        return None;
    };
    if choices.iter().any(|choice| choice.word == text) {
        return Some(text);
    }
    let title = format!("`{}` cannot be \"{text}\"", given.path);
    let diagnostic = Diagnostic::new(Code::UnknownChoice, given.node.at, title);
    let words = choices.iter().map(|choice| choice.word);
    let near = suggest::nearest(text, words.clone()).or_else(|| last_of(text, words));
    let label = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("must be {}", kind.expected()),
    };
    let pages = pages.iter().filter(|_| near.is_none());
    problems.report(
        diagnostic
            .label(label)
            .help(explain(choices))
            .helps(pages.map(|page| (*page).to_owned())),
    );
    None
}

/// Returns the word after a hyphen at the end of a text, such as that of `qemu-system-arm`.
fn last_of<'k>(text: &str, words: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let is_last = |word: &&str| {
        let rest = text.strip_suffix(*word);
        rest.is_some_and(|rest| rest.ends_with('-'))
    };
    words.filter(is_last).max_by_key(|word| word.len())
}

fn explain(choices: &[Choice]) -> String {
    let lines = choices
        .iter()
        .map(|choice| format!("\"{}\": {}", choice.word, choice.doc));
    lines.collect::<Vec<_>>().join("\n")
}
