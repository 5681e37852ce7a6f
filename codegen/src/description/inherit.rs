//! `extends`: a board only contains its differences from another.
//!
//! Every file is parsed separately, and the located trees are merged, table by table: a value of
//! the nearer file replaces that of the farther one, whose location is kept. Two kinds of table are
//! not merged: an interrupt is a single value, and if only one driver is allowed, another driver
//! replaces the inherited one with all its properties. `without = ["pci"]` removes inherited tables
//! and keys.

use super::Description;
use super::file::{self, File, board_header};
use crate::binding::own_part::definition;
use crate::board::Architecture;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Located, Read, list};
use crate::language::scalar::{Name, Text};
use crate::language::schema::Kind;
use crate::language::suggest;
use crate::language::tree::{Entry, Node, Table, Value};
use crate::source::{FileId, Location, Sources};

/// The files of a board, and the tree merged from them.
pub(crate) struct Loaded {
    /// The merged tree; its location is that of `[board]` in the board's own file.
    pub(crate) root: Node,
    /// The paths of the files: the board's own, then those it extends, nearest first.
    pub(crate) sources: Vec<String>,
    /// The files in the same order as their paths; a location contains the index of its file.
    pub(crate) files: Vec<File>,
    /// Whether all files could be read.
    complete: bool,
    /// The number of errors in the files themselves.
    pub(crate) told: usize,
}

impl Loaded {
    /// Returns the tree merged from the n-th file and those that it extends. If the file is a
    /// fragment, missing keys are not errors.
    pub(crate) fn suffix(&self, n: usize) -> Node {
        let files = self.files.get(n..).unwrap_or_default();
        let is_board = files
            .first()
            .is_some_and(|own| own.root.get("board").is_some());
        let mut merged = merged(files, self.complete, &mut Problems::default());
        if !is_board && let Value::Table(table) = &mut merged.value {
            table.mark_incomplete();
        }
        merged
    }

    /// Returns the architecture that the board names.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        architecture_in(&self.root)
    }
}

/// Returns the architecture that a tree names.
pub(crate) fn architecture_in(root: &Node) -> Option<Architecture> {
    let Value::Table(root) = &root.value else {
        return None;
    };
    let Value::Text(word) = &root.find("board.architecture")?.node.value else {
        return None;
    };
    let mut all = Architecture::ALL.iter();
    all.find(|one| one.to_string() == *word).copied()
}

/// Reads the file of the board `name` and all files that it extends; `None` if its own file cannot
/// be read or a file has an unsupported schema version, which has been reported.
pub(crate) fn load(sources: &dyn Sources, name: &str, problems: &mut Problems) -> Option<Loaded> {
    let own = file::read(sources, name, None, problems)?;
    let (files, complete) = chain(sources, own, problems);
    // The keys of a file with another version may have any meaning.
    if problems.has(Code::SchemaVersion) {
        return None;
    }
    let paths = files.iter().map(|file| sources.path(&file.name)).collect();
    let mut root = merged(&files, complete, problems);
    if let Value::Table(root) = &mut root.value {
        definition::insert(root, sources, problems);
    }
    Some(Loaded {
        root,
        sources: paths,
        files,
        complete,
        told: 0,
    })
}

/// Returns the merged tree of files, nearest first.
fn merged(files: &[File], complete: bool, problems: &mut Problems) -> Node {
    let own = files.first().and_then(|own| board_header(&own.root));
    let at = own.unwrap_or(Location::start_of(FileId(0)));
    let mut merged = Table::default();
    if !complete {
        merged.mark_incomplete();
    }
    for file in files.iter().rev() {
        if let Some(without) = file.keys.without.get() {
            take_out(&mut merged, &without.value, problems);
        }
        merge(&mut merged, file.root.clone(), Some(&Description::KIND));
    }
    if !complete {
        merged.mark_incomplete();
    }
    Node {
        at,
        value: Value::Table(merged),
    }
}

/// Returns the file and those that it extends, nearest first, and whether all of them could be
/// read.
fn chain(sources: &dyn Sources, own: File, problems: &mut Problems) -> (Vec<File>, bool) {
    let mut files = vec![own];
    loop {
        let Some(last) = files.last() else {
            return (files, false);
        };
        let Some(extends) = last.keys.extends.get().cloned() else {
            let complete = last.keys.extends.is_absent();
            return (files, complete);
        };
        let parent = &extends.value.0;
        if let Some(first) = files.iter().position(|file| file.name == *parent) {
            report_cycle(&files[first..], &extends, problems);
            return (files, false);
        }
        match file::read(sources, parent, Some(extends.at), problems) {
            Some(file) => files.push(file),
            None => return (files, false),
        }
    }
}

fn report_cycle(circle: &[File], last: &Located<Name>, problems: &mut Problems) {
    let names: Vec<&str> = circle.iter().map(|file| file.name.as_str()).collect();
    let title = format!("`{}` extends itself", last.value.0);
    let mut diagnostic = Diagnostic::new(Code::ExtendsCycle, last.at, title)
        .label("this closes the cycle")
        .note(format!("{} -> {}", names.join(" -> "), last.value.0))
        .help("remove one `extends` from the cycle");
    for file in circle {
        if let Some(extends) = file
            .keys
            .extends
            .get()
            .filter(|extends| extends.at != last.at)
        {
            let text = format!("`{}` extends `{}`", file.name, extends.value.0);
            diagnostic = diagnostic.also(extends.at, text);
        }
    }
    problems.report(diagnostic);
}

/// Removes the inherited keys and tables that `without` names.
fn take_out(inherited: &mut Table, without: &[Located<Text>], problems: &mut Problems) {
    for path in without {
        if remove(inherited, &path.value.0) || inherited.incomplete {
            continue;
        }
        let title = format!("`{}` is not inherited", path.value.0);
        let paths = inherited.paths();
        let near = suggest::nearest(&path.value.0, paths.iter().map(String::as_str));
        let label = near.map(|near| format!("did you mean `{near}`?"));
        let label = label.or_else(|| in_its_table(inherited, &path.value.0));
        problems.report(
            Diagnostic::new(Code::WithoutUnknown, path.at, title)
                .label(
                    label.unwrap_or_else(|| "no inherited table or key has this path".to_owned()),
                )
                .help("`without` lists paths of inherited tables and keys, such as \"pci\""),
        );
    }
}

/// Returns the keys that the innermost existing table of a path has.
fn in_its_table(inherited: &Table, path: &str) -> Option<String> {
    let (table, _) = path.rsplit_once('.')?;
    let Some(Value::Table(inner)) = inherited.find(table).map(|entry| &entry.node.value) else {
        return in_its_table(inherited, table);
    };
    let keys: Vec<&str> = inner
        .entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    (!keys.is_empty()).then(|| format!("the inherited [{table}] has {}", list(&keys)))
}

fn remove(table: &mut Table, path: &str) -> bool {
    match path.split_once('.') {
        None => {
            let before = table.entries.len();
            table.entries.retain(|entry| entry.key != path);
            table.entries.len() < before
        }
        Some((first, rest)) => match table.get_mut(first).map(|entry| &mut entry.node.value) {
            Some(Value::Table(inner)) => remove(inner, rest),
            _ => false,
        },
    }
}

/// Merges `nearer` into the inherited tree; `kind` is the table's kind in the schema.
fn merge(inherited: &mut Table, nearer: Table, kind: Option<&Kind>) {
    inherited.incomplete |= nearer.incomplete;
    // The drivers that another one replaces.
    let mut replaced = Vec::new();
    if matches!(kind, Some(Kind::OneDriver(_))) && !nearer.entries.is_empty() {
        let names_another = nearer
            .entries
            .iter()
            .any(|entry| inherited.get(&entry.key).is_none());
        if names_another {
            inherited.entries.retain(|entry| {
                let stays = nearer.get(&entry.key).is_some();
                if !stays {
                    replaced.push(entry.node.at);
                }
                stays
            });
        }
    }
    for mut entry in nearer.entries {
        let inner_kind = kind.and_then(|kind| kind.inside(&entry.key));
        match inherited.get_mut(&entry.key) {
            Some(old) => merge_entry(old, entry, inner_kind),
            None => {
                entry.overridden.append(&mut replaced);
                inherited.entries.push(entry);
            }
        }
    }
}

fn merge_entry(old: &mut Entry, new: Entry, kind: Option<&'static Kind>) {
    match (&mut old.node.value, new.node.value) {
        (Value::Table(inherited), Value::Table(nearer))
            if !matches!(kind, Some(Kind::Interrupt)) =>
        {
            merge(inherited, nearer, kind);
            old.key_at = new.key_at;
            old.node.at = new.node.at;
        }
        (_, value) => {
            let mut overridden = vec![old.node.at];
            overridden.append(&mut old.overridden);
            *old = Entry {
                node: Node {
                    at: new.node.at,
                    value,
                },
                overridden,
                ..new
            };
        }
    }
}
