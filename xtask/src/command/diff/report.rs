//! Formats the result of a comparison, for a terminal or for a pull request.

use std::collections::{BTreeMap, BTreeSet};

use vmos_codegen::{Board, Written};

use super::facts::{self, Change};
use super::image::{self, Verdict};
use super::revision::Revision;

/// The effect of a change on all boards.
pub(super) struct Comparison {
    /// A description of the commit compared with.
    base: String,
    /// The facts that differ, each with the boards on which it differs.
    facts: Vec<(Change, Vec<String>)>,
    /// Boards that were added, with their titles.
    added: Vec<(String, String)>,
    /// The names of boards that were removed.
    removed: Vec<String>,
    /// Boards that were renamed, with their old names.
    renamed: Vec<(String, String)>,
    /// Boards whose description in the commit can no longer be read, with the reason.
    unread: Vec<(String, String)>,
    /// Boards whose descriptions have errors in the working tree, each with the first error.
    broken: Vec<(String, String)>,
    /// The generated files that differ, of boards that exist in both revisions.
    generated: BTreeMap<String, Vec<String>>,
    /// The boards whose generated files are byte-identical.
    identical: Vec<String>,
    /// Whether the image changes, by board.
    pub(super) images: BTreeMap<String, Verdict>,
    /// The number of boards in the working tree.
    count: usize,
}

/// The largest number of names in a list; further names are only counted.
const SHOWN: usize = 6;

impl Comparison {
    /// Compares two revisions, given the sources that differ.
    pub(super) fn of(
        base: String,
        before: &Revision,
        after: &Revision,
        sources: &[String],
    ) -> Self {
        let was_there =
            |name: &String| before.boards.contains_key(name) || before.unread.contains_key(name);
        let mut comparison = Self {
            base,
            facts: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            renamed: Vec::new(),
            unread: Vec::new(),
            broken: after.unread.clone().into_iter().collect(),
            generated: BTreeMap::new(),
            identical: Vec::new(),
            images: BTreeMap::new(),
            count: after.boards.len(),
        };
        for (name, loaded) in &after.boards {
            if !was_there(name) {
                comparison
                    .added
                    .push((name.clone(), loaded.0.title.clone()));
                continue;
            }
            match (before.boards.get(name), before.unread.get(name)) {
                (Some(old), _) => comparison.add_facts(name, facts::changes(old, loaded)),
                (None, Some(why)) => comparison.unread.push((name.clone(), why.clone())),
                (None, None) => {}
            }
            let files = changed_files(name, before, after);
            if files.is_empty() {
                comparison.identical.push(name.clone());
            } else {
                comparison.generated.insert(name.clone(), files);
            }
            let verdict = image::verdict(name, &before.generated, &after.generated, sources);
            comparison.images.insert(name.clone(), verdict);
        }
        let names = before.boards.keys().chain(before.unread.keys());
        let is_there =
            |name: &String| after.boards.contains_key(name) || after.unread.contains_key(name);
        let gone = names.filter(|name| !is_there(name));
        comparison.removed = gone.cloned().collect();
        comparison.removed.sort();
        comparison.pair_renamed(&before.boards, &after.boards);
        comparison
    }

    /// Treats an added and a removed board as a rename if only the name differs.
    fn pair_renamed(
        &mut self,
        before: &BTreeMap<String, (Board, Written)>,
        after: &BTreeMap<String, (Board, Written)>,
    ) {
        let is_same = |old: &str, new: &str| {
            let pair = before.get(old).zip(after.get(new));
            pair.is_some_and(|(old, new)| {
                let changes = facts::changes(old, new);
                let own = ["board.name", "board.title"];
                changes
                    .iter()
                    .all(|change| own.contains(&change.path.as_str()))
            })
        };
        for (new, title) in core::mem::take(&mut self.added) {
            match self.removed.iter().position(|old| is_same(old, &new)) {
                Some(at) => self.renamed.push((new, self.removed.remove(at))),
                None => self.added.push((new, title)),
            }
        }
    }

    fn add_facts(&mut self, board: &str, changes: Vec<Change>) {
        for change in changes {
            match self.facts.iter_mut().find(|(known, _)| *known == change) {
                Some((_, boards)) => boards.push(board.to_owned()),
                None => self.facts.push((change, vec![board.to_owned()])),
            }
        }
    }

    fn boards_say_the_same(&self) -> bool {
        self.facts.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.renamed.is_empty()
            && self.unread.is_empty()
            && self.broken.is_empty()
    }

    fn is_no_change(&self) -> bool {
        let same = |verdict: &Verdict| {
            matches!(verdict, Verdict::Same | Verdict::Built { same: true, .. })
        };
        self.boards_say_the_same() && self.generated.is_empty() && self.images.values().all(same)
    }

    /// Formats the result for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("compared with {}\n", self.base);
        if self.is_no_change() {
            return text + &format!("no change: {}\n", self.what_is_the_same());
        }
        for (title, lines) in self.sections(|name| name.to_owned()) {
            text += &format!("\n{title}\n");
            for line in lines {
                text += &format!("  {line}\n");
            }
        }
        text
    }

    /// Formats the result for a pull request.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "### What this changes on the boards\n\nCompared with {}.\n",
            self.base
        );
        if self.is_no_change() {
            return text + &format!("\n**No change:** {}.\n", self.what_is_the_same());
        }
        for (title, lines) in self.sections(|name| format!("`{name}`")) {
            text += &format!("\n**{title}**\n\n");
            for line in lines {
                text += &format!("- {line}\n");
            }
        }
        text
    }

    fn what_is_the_same(&self) -> String {
        format!(
            "facts, generated files and images of {} are the same",
            counted(self.count, "board")
        )
    }

    /// Returns the lines to print, by section title; `name` formats names of boards and keys.
    fn sections(&self, name: impl Fn(&str) -> String) -> Vec<(&'static str, Vec<String>)> {
        let sections = [
            ("Facts", self.fact_lines(&name)),
            ("Generated files", self.generated_lines(&name)),
            ("Images", self.image_lines(&name)),
        ];
        sections
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .collect()
    }

    fn fact_lines(&self, name: &impl Fn(&str) -> String) -> Vec<String> {
        let mut lines = Vec::new();
        for (board, title) in &self.added {
            lines.push(format!("{}: a new board, {title}", name(board)));
        }
        for board in &self.removed {
            lines.push(format!("{}: the board was removed", name(board)));
        }
        for (board, old) in &self.renamed {
            lines.push(format!("{}: renamed from {}", name(board), name(old)));
        }
        for (board, why) in &self.unread {
            let why = why.trim_end_matches('.');
            lines.push(format!(
                "{}: its description in the commit can no longer be read ({why})",
                name(board)
            ));
        }
        for (board, why) in &self.broken {
            lines.push(format!(
                "{}: its description has a mistake ({why}); `cargo xtask gen {board}` lists all",
                name(board)
            ));
        }
        for (change, boards) in &self.facts {
            lines.push(format!(
                "{}: {}",
                self.all(boards, name),
                name(&change.text())
            ));
        }
        if lines.is_empty() {
            lines.push(String::from("no fact differs"));
        }
        lines
    }

    fn generated_lines(&self, name: &impl Fn(&str) -> String) -> Vec<String> {
        let mut by_files: BTreeMap<&Vec<String>, Vec<String>> = BTreeMap::new();
        for (board, files) in &self.generated {
            by_files.entry(files).or_default().push(board.clone());
        }
        let mut lines: Vec<String> = by_files
            .iter()
            .map(|(files, boards)| {
                let files = files.iter().map(|file| name(file)).collect::<Vec<_>>();
                format!("{}: {} changed", self.all(boards, name), files.join(", "))
            })
            .collect();
        if !self.identical.is_empty() {
            let boards = self.all(&self.identical, name);
            lines.push(format!("{boards}: byte-identical"));
        }
        lines
    }

    fn image_lines(&self, name: &impl Fn(&str) -> String) -> Vec<String> {
        let mut by_verdict: Vec<(String, Vec<String>)> = Vec::new();
        for (board, verdict) in &self.images {
            let told = told(verdict, board, name);
            match by_verdict.iter_mut().find(|(known, _)| *known == told) {
                Some((_, boards)) => boards.push(board.clone()),
                None => by_verdict.push((told, vec![board.clone()])),
            }
        }
        by_verdict
            .into_iter()
            .map(|(told, boards)| format!("{}: {told}", self.all(&boards, name)))
            .collect()
    }

    /// Lists the names of boards, or says that it is all of them.
    fn all(&self, boards: &[String], name: &impl Fn(&str) -> String) -> String {
        if boards.len() == self.count && self.count > 2 {
            return format!("all {} boards", self.count);
        }
        let names: Vec<String> = boards.iter().map(|board| name(board)).collect();
        names.join(", ")
    }
}

fn told(verdict: &Verdict, board: &str, name: &impl Fn(&str) -> String) -> String {
    match verdict {
        Verdict::Same => String::from("unchanged: no input differs"),
        Verdict::SameButComments => String::from("unchanged: only comments differ in its inputs"),
        Verdict::Changes(files) => {
            let own = format!("generated/{board}/");
            let files = files
                .iter()
                .map(|file| file.strip_prefix(&own).unwrap_or(file));
            format!("changes, because of {}", shown(files, name))
        }
        Verdict::MayChange(files) => format!(
            "may change, because of {} (--build finds out)",
            shown(files.iter().map(String::as_str), name)
        ),
        Verdict::Built { same: true, sizes } => {
            format!("built at both revisions: the same {} bytes", sizes.1)
        }
        Verdict::Built { same: false, sizes } => {
            format!(
                "built at both revisions: changed; {} bytes before, {} now",
                sizes.0, sizes.1
            )
        }
    }
}

fn shown<'f>(files: impl Iterator<Item = &'f str>, name: &impl Fn(&str) -> String) -> String {
    let files: Vec<String> = files.map(name).collect();
    let rest = files.len().saturating_sub(SHOWN);
    let mut text = files[..files.len() - rest].join(", ");
    if rest > 0 {
        text += &format!(" and {}", counted(rest, "other file"));
    }
    text
}

/// Formats a count and what is counted, as in `1 board` or `2 boards`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Returns the generated files of a board that differ, were added or were removed.
fn changed_files(board: &str, before: &Revision, after: &Revision) -> Vec<String> {
    let of_board = |revision: &Revision| {
        let prefix = format!("{board}/");
        let files = revision.generated.iter();
        let own = files.filter_map(|(path, bytes)| {
            Some((path.strip_prefix(&prefix)?.to_owned(), bytes.clone()))
        });
        own.collect::<BTreeMap<String, Vec<u8>>>()
    };
    let (before, after) = (of_board(before), of_board(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    changed.cloned().collect()
}
