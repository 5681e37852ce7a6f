//! Diagnostics for other programs: one line of JSON or one GitHub annotation each.

use serde::Serialize;

use super::escape::{data, property};
use super::{Diagnostic, Diagnostics};
use crate::source::Location;

/// The format of diagnostics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, in the style of rustc.
    #[default]
    Human,
    /// One JSON object per line; docs/boards.md describes its members.
    Json,
    /// Workflow commands, which GitHub shows at the lines of a pull request.
    Github,
}

/// A diagnostic as JSON. Lines and columns count from 1, columns in characters.
#[derive(Serialize)]
struct Message<'a> {
    code: &'static str,
    level: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    related: Vec<Place<'a>>,
    notes: &'a [String],
    help: &'a [String],
    explain: String,
}

/// A location with its text; `end` is one past its last character.
#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end: End,
    label: &'a str,
}

#[derive(Serialize)]
struct End {
    line: usize,
    column: usize,
}

fn place<'a>(diagnostics: &'a Diagnostics, at: Location, label: &'a str) -> Place<'a> {
    let (file, line, column) = diagnostics.position(at);
    let end = Location {
        start: at.end.max(at.start),
        ..at
    };
    let (_, end_line, end_column) = diagnostics.position(end);
    Place {
        file,
        line,
        column,
        end: End {
            line: end_line,
            column: end_column,
        },
        label,
    }
}

/// Returns one line for each diagnostic.
pub(super) fn json(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for one in diagnostics.iter() {
        let related = one.secondary.iter();
        let message = Message {
            code: one.code.written(),
            level: "error",
            message: &one.title,
            place: place(diagnostics, one.primary.at, &one.primary.text),
            related: related
                .map(|label| place(diagnostics, label.at, &label.text))
                .collect(),
            notes: &one.notes,
            help: &one.helps,
            explain: format!("cargo xtask explain {}", one.code),
        };
        // Text and numbers only, so this cannot fail.
        text += &serde_json::to_string(&message).unwrap_or_default();
        text.push('\n');
    }
    text
}

/// Returns one line for each diagnostic, as "Workflow commands for GitHub Actions" specifies.
pub(super) fn github(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics.iter().map(|one| {
        let place = place(diagnostics, one.primary.at, &one.primary.text);
        let mut properties = format!(
            "file={},line={},col={}",
            property(place.file),
            place.line,
            place.column
        );
        properties += &format!(",endLine={}", place.end.line);
        // GitHub accepts columns only for a single line, and its last column is inclusive.
        if place.end.line == place.line {
            properties += &format!(",endColumn={}", place.end.column.max(place.column + 1) - 1);
        }
        let title = property(&format!("{}: {}", one.code, one.title));
        let message = data(&message(diagnostics, one));
        format!("::error {properties},title={title}::{message}\n")
    });
    lines.collect()
}

/// Returns everything except the title, in lines.
fn message(diagnostics: &Diagnostics, one: &Diagnostic) -> String {
    let mut lines = Vec::new();
    if !one.primary.text.is_empty() {
        lines.push(one.primary.text.clone());
    }
    for label in &one.secondary {
        let (file, line, column) = diagnostics.position(label.at);
        lines.push(format!("{file}:{line}:{column}: {}", label.text));
    }
    lines.extend(one.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(one.helps.iter().map(|help| format!("help: {help}")));
    lines.push(format!("For more: cargo xtask explain {}", one.code));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_from;
    use crate::source::InMemory;
    use crate::tests::TOY;

    fn told(old: &str, new: &str) -> Diagnostics {
        let text = TOY.replace(old, new);
        load_from(&InMemory::new().with("toy", text), "toy").unwrap_err()
    }

    fn overlap() -> Diagnostics {
        told("base = 0x2000_0000", "base = 0x3000_0000")
    }

    #[test]
    fn an_object_has_the_code_the_location_and_the_fix() {
        let text = overlap().render_as(Format::Json, false);
        assert_eq!(text.lines().count(), 1, "{text}");
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            object,
            serde_json::json!({
                "code": "E0033",
                "level": "error",
                "message": "`virtio-mmio` overlaps `console.pl011`",
                "file": "boards/toy.toml",
                "line": 47,
                "column": 8,
                "end": { "line": 47, "column": 19 },
                "label": "`virtio-mmio`: 0x3000_0000 to 0x3000_0FFF",
                "related": [{
                    "file": "boards/toy.toml",
                    "line": 38,
                    "column": 8,
                    "end": { "line": 38, "column": 19 },
                    "label": "`console.pl011`: 0x3000_0000 to 0x3000_0FFF",
                }],
                "notes": ["`cargo xtask verify` shows which of them differs from the machine"],
                "help": ["if this is intended, add:\n[waiver.some-name]\n\
                          between = [\"console.pl011\", \"virtio-mmio\"]\nreason = \"...\""],
                "explain": "cargo xtask explain E0033",
            })
        );
    }

    #[test]
    fn an_annotation_is_one_line_with_the_rest_escaped() {
        assert_eq!(
            overlap().render_as(Format::Github, true),
            "::error file=boards/toy.toml,line=47,col=8,endLine=47,endColumn=18,\
             title=E0033%3A `virtio-mmio` overlaps `console.pl011`::\
             `virtio-mmio`: 0x3000_0000 to 0x3000_0FFF%0A\
             boards/toy.toml:38:8: `console.pl011`: 0x3000_0000 to 0x3000_0FFF%0A\
             note: `cargo xtask verify` shows which of them differs from the machine%0A\
             help: if this is intended, add:%0A[waiver.some-name]%0A\
             between = [\"console.pl011\", \"virtio-mmio\"]%0Areason = \"...\"%0A\
             For more: cargo xtask explain E0033\n"
        );
    }

    #[test]
    fn text_of_the_author_cannot_end_an_annotation() {
        let told = told("count = 8", "count = 8\n\"50%::,\\n::error::x\" = 1");
        let text = told.render_as(Format::Github, false);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("50%25%3A%3A%2C%0A%3A%3Aerror"), "{text}");
    }

    #[test]
    fn every_error_is_one_line() {
        let text = TOY
            .replace("count = 8", "count = 0")
            .replace("\"hvc\"", "\"hcv\"");
        let told = load_from(&InMemory::new().with("toy", text), "toy").unwrap_err();
        for format in [Format::Json, Format::Github] {
            assert_eq!(told.render_as(format, false).lines().count(), 2);
        }
    }
}
