//! A board with its sources, and functions that quote their lines.

use std::collections::{BTreeMap, BTreeSet};

use vmos_codegen::emit::Artefact;
use vmos_codegen::facts::{Fact, Fixed};
use vmos_codegen::influence::{Influence, is_within};
use vmos_codegen::source::{Folder, Location};
use vmos_codegen::{Board, Written};

use crate::boards;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A board with its sources.
pub(super) struct Loaded {
    /// The resolved board.
    pub(super) board: Board,
    /// The parsed files of the board.
    pub(super) written: Written,
    /// Every key that is set or can be set.
    pub(super) facts: Vec<Fact>,
}

/// The largest number of lines of one file that are shown.
const SHOWN: usize = 8;

impl Loaded {
    /// Loads the named boards, or all boards if `names` is empty.
    pub(super) fn some(workspace: &Workspace, names: &[String]) -> Result<Vec<Self>, Failure> {
        let folder = Folder::new(&workspace.root);
        // Errors in named boards are reported here; of the others, boards with errors are skipped.
        let boards = if names.is_empty() {
            let sound = boards::Sound::of(workspace)?;
            sound.say_broken();
            sound.boards
        } else {
            boards::load_some(workspace, names)?
        };
        let loaded = boards.into_iter().map(|board| {
            let (board, written) = vmos_codegen::load_written(&folder, &board.name)?;
            let facts = written.all_facts();
            Ok(Self {
                board,
                written,
                facts,
            })
        });
        loaded.collect()
    }

    /// Returns the fact at a key path.
    pub(super) fn fact(&self, path: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.path == path)
    }

    /// Formats a location, as `boards/x.toml:12:5`.
    pub(super) fn position(&self, at: Location) -> String {
        let (path, line, column) = self.written.position(at);
        format!("{path}:{line}:{column}")
    }

    /// Quotes a line, in the style of rustc.
    pub(super) fn quote(&self, at: Location) -> String {
        let (path, line, column) = self.written.position(at);
        let file = self.written.files().iter().find(|file| file.path == path);
        let text = file
            .and_then(|file| file.text.lines().nth(line - 1))
            .unwrap_or_default();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let length = at.end.saturating_sub(at.start).max(1);
        let rest = text.chars().count().saturating_sub(column - 1).max(1);
        let marks = "^".repeat(length.min(rest));
        let before = " ".repeat(column - 1);
        format!(
            "{margin}--> {path}:{line}:{column}\n{margin} |\n{number} | {text}\n\
             {margin} | {before}{marks}\n"
        )
    }

    /// Describes where a key is set, and what that overrides.
    pub(super) fn setting(&self, path: &str) -> String {
        let fact = self.fact(path);
        let entry = self.written.find(path);
        let doc = fact.map(|fact| one_line(fact.doc)).unwrap_or_default();
        let doc = match doc.is_empty() {
            true => doc,
            false => format!("  # {doc}"),
        };
        let mut text = match (fact.map(|fact| &fact.value), entry) {
            (Some(Fixed::Absent), _) => format!("{path} is not set; it is optional{doc}\n"),
            (Some(value), None) => format!("{path} = {value}, by default{doc}\n"),
            (Some(value), Some(_)) => format!("{path} = {value}{doc}\n"),
            (None, _) => format!("[{path}]\n"),
        };
        let Some(entry) = entry else {
            let at = self.written.place(path);
            text += &format!("no file sets this key; it belongs here\n{}", self.quote(at));
            return text;
        };
        text += &self.quote(entry.node.at);
        let mut overridden = entry.overridden.clone();
        // A driver that replaces another one overrides its table.
        if let Some(Fixed::Drivers(names)) = fact.map(|fact| &fact.value) {
            let tables = names.iter().map(|name| format!("{path}.{name}"));
            let entries = tables.filter_map(|table| self.written.find(&table));
            overridden.extend(entries.flat_map(|entry| entry.overridden.iter().copied()));
        }
        for at in overridden {
            text += &format!("which overrides\n{}", self.quote(at));
        }
        text
    }

    /// Lists the keys in a table, one per line, with the locations where they are set.
    pub(super) fn contents(&self, table: &str) -> String {
        let inside = self.facts.iter().filter(|fact| {
            fact.path != table && is_within(&fact.path, table) && fact.value != Fixed::Absent
        });
        let rows: Vec<(String, String)> = inside
            .map(|fact| {
                let said = format!("{} = {}", fact.path, fact.value);
                let place = match self.written.find(&fact.path) {
                    Some(entry) => self.position(entry.node.at),
                    None => String::from("by default"),
                };
                (said, place)
            })
            .collect();
        let width = rows.iter().map(|(said, _)| said.chars().count()).max();
        let width = width.unwrap_or(0).min(72);
        rows.iter()
            .map(|(said, place)| format!("  {said:width$}  {place}\n"))
            .collect()
    }

    /// Lists the generated lines that depend on the given keys, or on keys in the given tables.
    pub(super) fn generated(&self, paths: &[&str]) -> Result<String, Failure> {
        let wanted = |key: &str| paths.iter().any(|path| is_within(key, path));
        let all = |_: &str| true;
        let influence = Influence::between(&self.board, &self.written, wanted, all)?;
        let mut lines: BTreeMap<&'static str, BTreeSet<usize>> = BTreeMap::new();
        for path in paths {
            for (file, more) in influence.lines_of(path) {
                lines.entry(file).or_default().extend(more);
            }
        }
        Ok(self.lines(influence.artefacts(), &lines))
    }

    fn lines(
        &self,
        artefacts: &BTreeMap<&'static str, Artefact>,
        lines: &BTreeMap<&'static str, BTreeSet<usize>>,
    ) -> String {
        let mut text = String::new();
        for (file, lines) in lines {
            let all: Vec<&str> = artefacts
                .get(file)
                .map(|artefact| artefact.text.lines().collect())
                .unwrap_or_default();
            for line in lines.iter().take(SHOWN) {
                let words = all.get(line - 1).copied().unwrap_or_default();
                text += &format!(
                    "  generated/{}/{file}:{line}: {}\n",
                    self.board.name,
                    shortened(words)
                );
            }
            if lines.len() > SHOWN {
                let more: Vec<String> = lines.iter().skip(SHOWN).map(usize::to_string).collect();
                text += &format!(
                    "  generated/{}/{file}: and {}\n",
                    self.board.name,
                    more.join(", ")
                );
            }
        }
        text
    }
}

/// Returns the first sentence of a doc comment, on one line.
fn one_line(doc: &str) -> String {
    let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    doc.split_once(". ")
        .map_or(doc.clone(), |(first, _)| format!("{first}."))
}

/// Trims a line and collapses its white space; cuts its end if it is too long.
pub(super) fn shortened(line: &str) -> String {
    const LONGEST: usize = 90;
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}

/// Merges boards with the same answer: the names of the boards, the answer, and then the generated
/// lines of each board.
pub(super) fn grouped(
    answers: Vec<(&Loaded, String, String)>,
) -> Vec<(Vec<&Loaded>, String, String)> {
    let mut groups: Vec<(Vec<&Loaded>, String, String)> = Vec::new();
    for (loaded, said, generated) in answers {
        match groups.iter_mut().find(|(_, known, _)| *known == said) {
            Some((boards, _, all)) => {
                boards.push(loaded);
                *all += &generated;
            }
            None => groups.push((vec![loaded], said, generated)),
        }
    }
    groups
}

/// Formats the merged answers.
pub(super) fn text_of(what: &str, groups: &[(Vec<&Loaded>, String, String)]) -> String {
    let mut texts = Vec::new();
    for (boards, said, generated) in groups {
        let names: Vec<&str> = boards.iter().map(|one| one.board.name.as_str()).collect();
        let mut text = format!("{what} on {}\n\n{said}", names.join(", "));
        if !generated.is_empty() {
            text += &format!("generated lines:\n{generated}");
        }
        texts.push(text);
    }
    texts.join("\n")
}
