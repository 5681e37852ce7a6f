//! Finds the lines of a board's files that depend on each of its keys.
//!
//! The dependencies are measured instead of declared, so they cannot be wrong. Each key gets
//! another value in turn, the files are generated again, and the lines that change depend on the
//! key. This covers every emitter, template and binding.

mod change;
mod origin;

use std::collections::{BTreeMap, BTreeSet};

use similar::{DiffTag, TextDiff};

use crate::description::Description;
use crate::diagnostic::Problems;
use crate::emit::{self, Artefact};
use crate::facts::{Fact, Fixed};
use crate::language::tree::{Node, Value};
use crate::{Board, Written, check, resolve};
use change::Change;
use origin::Names;
pub use origin::{Origin, Relation};

/// The key that selects the processor.
const ARCHITECTURE: &str = "board.architecture";

/// The dependencies between keys and lines of a board's files.
#[derive(Clone, Debug)]
pub struct Influence {
    artefacts: BTreeMap<&'static str, Artefact>,
    keys: Vec<Influenced>,
    names: Names,
}

/// The lines that depend on a key.
#[derive(Clone, Debug)]
pub struct Influenced {
    /// The path of the key.
    pub path: String,
    /// Whether the key selects a part, so that another value changes many lines.
    pub picks: bool,
    /// The lines, from 1, by file.
    pub lines: BTreeMap<&'static str, BTreeSet<usize>>,
}

impl Influenced {
    fn count(&self) -> usize {
        self.lines.values().map(BTreeSet::len).sum()
    }
}

impl Influence {
    /// Tests every key of `board`, which was read from `written`.
    ///
    /// # Errors
    ///
    /// If the board's files cannot be generated.
    pub fn of(board: &Board, written: &Written) -> Result<Self, emit::Error> {
        Self::between(board, written, |_| true, |_| true)
    }

    /// Tests the keys whose paths `wanted` selects, on the files whose names `files` selects.
    ///
    /// # Errors
    ///
    /// As for [`of`](Self::of).
    pub fn between(
        board: &Board,
        written: &Written,
        wanted: impl Fn(&str) -> bool,
        files: impl Fn(&str) -> bool,
    ) -> Result<Self, emit::Error> {
        let artefacts = emit::artefacts_of(board, files)?;
        let trial = Trial {
            board,
            written,
            artefacts: &artefacts,
        };
        let mut keys = Vec::new();
        let facts = written.all_facts();
        for fact in facts.iter().filter(|fact| wanted(&fact.path)) {
            keys.push(Influenced {
                path: fact.path.clone(),
                picks: matches!(fact.value, Fixed::Drivers(_)) || fact.path == ARCHITECTURE,
                lines: trial.of_value(fact, &facts),
            });
        }
        for path in written.tables() {
            if wanted(&path) {
                let lines = trial.first_sound([Change::Remove].iter(), &path);
                keys.push(Influenced {
                    path,
                    picks: false,
                    lines,
                });
            }
        }
        keys.retain(|key| !key.lines.is_empty());
        Ok(Self {
            artefacts,
            keys,
            names: Names::of(written),
        })
    }

    /// Returns the files, by their names in the board's directory.
    #[must_use]
    pub const fn artefacts(&self) -> &BTreeMap<&'static str, Artefact> {
        &self.artefacts
    }

    /// Returns the keys that a line depends on, those with the fewest lines first. Only keys of
    /// values, if there are any; otherwise the tables without which the line would be missing.
    #[must_use]
    pub fn keys_of(&self, file: &str, line: usize) -> Vec<&str> {
        let has = |key: &&Influenced| key.lines.get(file).is_some_and(|set| set.contains(&line));
        let mut keys: Vec<&Influenced> = self.keys.iter().filter(has).collect();
        keys.sort_by_key(|key| key.count());
        // Selecting keys are only returned if there are no others.
        if keys.iter().any(|key| !key.picks) {
            keys.retain(|key| !key.picks);
        }
        let all: Vec<&str> = keys.iter().map(|key| key.path.as_str()).collect();
        // A table is only returned if none of its own keys is.
        let inside = |path: &str, table: &str| {
            path.strip_prefix(table)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        all.iter()
            .copied()
            .filter(|path| !all.iter().any(|other| inside(other, path)))
            .collect()
    }

    /// Returns the lines that depend on the key at `path` or on a key in that table.
    #[must_use]
    pub fn lines_of(&self, path: &str) -> BTreeMap<&'static str, BTreeSet<usize>> {
        let mut lines: BTreeMap<&'static str, BTreeSet<usize>> = BTreeMap::new();
        for key in self.keys.iter().filter(|key| is_within(&key.path, path)) {
            for (file, more) in &key.lines {
                lines.entry(file).or_default().extend(more);
            }
        }
        lines
    }

    /// Returns all keys that some line depends on.
    pub fn keys(&self) -> impl Iterator<Item = &Influenced> {
        self.keys.iter()
    }
}

/// Returns whether `path` is `table` or a key in it.
#[must_use]
pub fn is_within(path: &str, table: &str) -> bool {
    path.strip_prefix(table)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A board with one changed key.
struct Trial<'b> {
    board: &'b Board,
    written: &'b Written,
    artefacts: &'b BTreeMap<&'static str, Artefact>,
}

type Lines = BTreeMap<&'static str, BTreeSet<usize>>;

impl Trial<'_> {
    /// Returns the lines that depend on the value or on the presence of a key.
    fn of_value(&self, fact: &Fact, facts: &[Fact]) -> Lines {
        let mut lines = Lines::new();
        for group in change::values(fact, facts, self.written) {
            for (file, more) in self.first_sound(group.iter(), &fact.path) {
                lines.entry(file).or_default().extend(more);
            }
        }
        if fact.is_written && !matches!(fact.value, Fixed::Drivers(_)) {
            for (file, more) in self.first_sound([Change::Remove].iter(), &fact.path) {
                lines.entry(file).or_default().extend(more);
            }
        }
        lines
    }

    /// Returns the lines changed by the first change that gives a valid board and changes any line;
    /// if no board is valid, by the first that gives a board.
    fn first_sound<'c>(&self, changes: impl Iterator<Item = &'c Change>, path: &str) -> Lines {
        let mut unsound = None;
        for change in changes {
            let Some((lines, sound)) = self.outcome(path, change) else {
                continue;
            };
            // All changes of a group show the same lines, so no other one would show more.
            if sound {
                return lines;
            }
            if !lines.is_empty() {
                unsound.get_or_insert(lines);
            }
        }
        unsound.unwrap_or_default()
    }

    /// Returns the lines that a change of the key at `path` changes, and whether the board is valid
    /// then. `None` if it is not a board.
    fn outcome(&self, path: &str, change: &Change) -> Option<(Lines, bool)> {
        let root = self.written.changed(path, change)?;
        let mut problems = Problems::default();
        let board = read_anyway(self.board, &root, &mut problems)?;
        // The same board gives the same files.
        if board == *self.board {
            return Some((Lines::new(), problems.is_empty()));
        }
        let mut lines = Lines::new();
        let mut is_board = false;
        for (&name, before) in self.artefacts {
            // A change for which a file cannot be generated shows nothing; try the next one.
            let Ok(after) = emit::artefacts_of(&board, |wanted| wanted == name) else {
                continue;
            };
            is_board = true;
            if let Some(after) = after.get(name)
                && before.text != after.text
            {
                lines.insert(name, changed_lines(&before.text, &after.text));
            }
        }
        if !is_board {
            return None;
        }
        Some((lines, problems.is_empty()))
    }
}

/// Returns the board of `root` in spite of errors.
fn read_anyway(board: &Board, root: &Node, problems: &mut Problems) -> Option<Board> {
    let description = Description::of(root, problems)?;
    let claimed = check::check(&board.name, &description, problems);
    resolve::resolve(&description, &claimed, board.sources.clone())
}

/// Returns the lines of `before` that are missing in `after`; for an insertion, the line before it.
fn changed_lines(before: &str, after: &str) -> BTreeSet<usize> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = BTreeSet::new();
    for op in diff.ops() {
        let range = op.old_range();
        match op.tag() {
            DiffTag::Equal => {}
            DiffTag::Insert => {
                lines.extend((range.start > 0).then_some(range.start));
            }
            DiffTag::Delete | DiffTag::Replace => lines.extend(range.map(|line| line + 1)),
        }
    }
    lines
}

impl Written {
    /// Returns the paths of all tables.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        let mut paths = Vec::new();
        if let Some(table) = self.table() {
            for path in table.paths() {
                let is_table = |path| {
                    self.find(path)
                        .is_some_and(|entry| matches!(entry.node.value, Value::Table(_)))
                };
                if is_table(&path) {
                    paths.push(path);
                }
            }
        }
        paths
    }
}

#[cfg(test)]
mod tests;
