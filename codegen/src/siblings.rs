//! Errors of a board that extends another.
//!
//! Values that are right in the parent may be wrong in a board that extends it, because of
//! something that the board changes. Such an error belongs to the board: it is reported in the
//! board's file, with the line to add there, and the parent's line is a related location. Changing
//! the parent would break the parent.

mod overriding;

use crate::check;
use crate::description::Description;
use crate::description::inherit::{Loaded, architecture_in};
use crate::diagnostic::{Change, Code, Diagnostic, KeyPath, Label, Problems};
use crate::language::tree::{Node, Value};
use crate::source::{FileId, Location};

pub(crate) use overriding::Overriding;

/// The keys that identify a board's machine.
const MACHINE: [&str; 4] = ["qemu.machine", "qemu.cpu", "qemu.system", "qemu.arguments"];

/// Moves each error reported at an inherited line to the file that causes it. Errors in the files
/// themselves stay in place.
pub(crate) fn settle(loaded: &Loaded, problems: &mut Problems) {
    let mut list = core::mem::take(problems.list_mut());
    let mut known: Vec<Option<Vec<Told>>> = vec![None; loaded.files.len()];
    for diagnostic in list.iter_mut().skip(loaded.told) {
        let of = diagnostic.primary.at.file.0;
        if of == 0 {
            name_without(loaded, diagnostic);
        }
        if of >= loaded.files.len() {
            // The definition of a part is in a file of its own.
            continue;
        }
        let has_it = |n: &usize| {
            let told = known[*n].get_or_insert_with(|| told_of(loaded, *n, problems));
            told.contains(&Told::of(diagnostic))
        };
        // The farthest file that has the error together with those it extends.
        let owner = (1..=of).rev().find(has_it).unwrap_or(0);
        if owner < of {
            move_to(loaded, owner, diagnostic, &[]);
        }
    }
    *problems.list_mut() = list;
}

/// Moves the error about a missing table to the line that removes it.
fn name_without(loaded: &Loaded, diagnostic: &mut Diagnostic) {
    let Some(file) = loaded.files.first() else {
        return;
    };
    if diagnostic.code != Code::MissingKey {
        return;
    }
    let without = file.keys.without.value().into_iter().flatten();
    let is_it = |path: &str| {
        let name = path.rsplit('.').next().unwrap_or(path);
        let table = path.rsplit_once('.').map(|(table, _)| format!("[{table}]"));
        let owner = table.unwrap_or_else(|| "the board".to_owned());
        let what = format!("`{name}` in {owner}");
        diagnostic.title.ends_with(&what)
    };
    if let Some(entry) = without.into_iter().find(|one| is_it(&one.value.0)) {
        let text = "a board needs it: remove this entry, or describe another one";
        diagnostic.primary = Label {
            at: entry.at,
            text: text.to_owned(),
        };
    }
}

/// Moves differences from the machine in the same way. A file is only named as their cause if it
/// describes the same machine.
pub(crate) fn settle_machine(loaded: &Loaded, problems: &mut Problems) {
    let own = loaded.files.iter();
    let names_machine: Vec<bool> = own
        .map(|file| MACHINE.iter().any(|key| file.root.find(key).is_some()))
        .collect();
    for diagnostic in problems.list_mut() {
        let of = diagnostic.primary.at.file.0;
        // A device that is not described is missing in the board's own file.
        let is_missing = diagnostic.code == Code::NotDescribed;
        let other_machine = names_machine.iter().take(of).any(|names| *names);
        let is_board = of < loaded.files.len();
        if of > 0 && is_board && (other_machine || is_missing) {
            move_to(loaded, 0, diagnostic, &MACHINE);
        }
    }
}

/// The properties by which equal diagnostics are recognised.
#[derive(Clone, PartialEq, Eq)]
struct Told(Code, String, Location);

impl Told {
    fn of(diagnostic: &Diagnostic) -> Self {
        Self(
            diagnostic.code,
            diagnostic.title.clone(),
            diagnostic.primary.at,
        )
    }
}

/// Returns the errors of the n-th file together with those it extends.
fn told_of(loaded: &Loaded, n: usize, problems: &Problems) -> Vec<Told> {
    let root = loaded.suffix(n);
    let mut scratch = problems.scratch();
    scratch.set_architecture(architecture_in(&root));
    if let Some(description) = Description::of(&root, &mut scratch) {
        let name = loaded.files.get(n).map_or("", |file| &file.name);
        check::check(name, &description, &mut scratch);
    }
    scratch.list().iter().map(Told::of).collect()
}

/// Moves an error to the n-th file; `keys` are other possible causes.
fn move_to(loaded: &Loaded, n: usize, diagnostic: &mut Diagnostic, keys: &[&str]) {
    let root = loaded.suffix(n);
    let inherited = diagnostic.primary.at;
    let path = path_of(&root, inherited);
    let overriding = Overriding::of(loaded, n);
    let help = match (&path, diagnostic.fix.as_ref().map(|fix| &fix.change)) {
        (Some(path), Some(Change::Write(text))) => Some(overriding.value(path, text)),
        (Some(path), Some(Change::Number(number))) => {
            Some(overriding.value(path, &number.to_string()))
        }
        (Some(path), Some(Change::Remove)) => Some(overriding.without(path)),
        (_, Some(Change::Without(part))) => Some(overriding.without(part)),
        (_, Some(Change::Add { table, line })) => Some(overriding.line(table, line)),
        // The error says what to write in place of an absent part.
        (Some(_), None)
            if diagnostic.code == Code::NotOnMachine && !diagnostic.helps.is_empty() =>
        {
            None
        }
        (Some(path), None) => Some(overriding.some_way(path)),
        (None, _) => None,
    };
    let own = |label: &&Label| label.at.file == FileId(n);
    let is_added = matches!(
        diagnostic.fix.as_ref().map(|fix| &fix.change),
        Some(Change::Add { .. })
    );
    let (at, text) = match diagnostic.secondary.iter().find(own) {
        Some(label) => (label.at, label.text.clone()),
        None => {
            let path = path.as_deref().unwrap_or_default();
            let at = cause(loaded, n, &root, path, keys);
            let is_extends = at == extends(loaded, n);
            let text = match (is_added, is_extends) {
                (true, _) => diagnostic.primary.text.clone(),
                (false, true) => "an inherited value does not fit this board".to_owned(),
                (false, false) => "an inherited value does not fit this".to_owned(),
            };
            (at, text)
        }
    };
    diagnostic.secondary.retain(|label| label.at != at);
    let before = core::mem::replace(&mut diagnostic.primary, Label { at, text });
    if !is_added {
        diagnostic.secondary.insert(0, before);
    }
    diagnostic.inherited = Some(inherited);
    if let Some(help) = help {
        diagnostic.helps.insert(0, help);
    }
}

/// Returns the most likely cause of the error in the n-th file.
fn cause(loaded: &Loaded, n: usize, root: &Node, path: &str, keys: &[&str]) -> Location {
    let file = &loaded.files[n];
    let inside = |one: &str, other: &str| {
        one == other
            || one
                .strip_prefix(other)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let without = file.keys.without.value().into_iter().flatten();
    let without = without
        .filter(|one| inside(path, &one.value.0) || inside(&one.value.0, path))
        .map(|one| one.at)
        .next();
    let part = || {
        let table = overriding::header(path);
        values(root)
            .into_iter()
            .filter(|(value, at)| at.file == FileId(n) && inside(value, &table))
            .map(|(_, at)| at)
            .next_back()
    };
    let memory = path.starts_with("memory.").then_some("qemu.memory");
    let keys = keys.iter().copied().chain(memory);
    let mut found = keys.filter_map(|key| Some(file.root.find(key)?.node.at));
    without
        .or_else(part)
        .or_else(|| found.next())
        .unwrap_or(extends(loaded, n))
}

/// Returns the location at which the n-th file extends another.
fn extends(loaded: &Loaded, n: usize) -> Location {
    let file = loaded.files.get(n);
    let extends = file.and_then(|file| file.keys.extends.get());
    extends.map_or(Location::start_of(FileId(n)), |extends| extends.at)
}

/// Returns every value of a tree with its location, in the order of the tree.
fn values(root: &Node) -> Vec<(String, Location)> {
    fn collect(node: &Node, path: &str, values: &mut Vec<(String, Location)>) {
        let Value::Table(table) = &node.value else {
            values.push((path.to_owned(), node.at));
            return;
        };
        for entry in &table.entries {
            let path = crate::language::path::join(path, &entry.key);
            collect(&entry.node, &path, values);
        }
    }
    let mut all = Vec::new();
    collect(root, "", &mut all);
    all
}

/// Sets the key that each fix changes.
pub(crate) fn name_keys(loaded: &Loaded, problems: &mut Problems) {
    for diagnostic in problems.list_mut() {
        let fix = diagnostic.fix.as_ref().map(|fix| fix.at);
        let at = fix.unwrap_or_else(|| diagnostic.subject());
        diagnostic.key = path_of(&loaded.root, at).map(|path| {
            let entry = match &loaded.root.value {
                Value::Table(table) => table.find(&path),
                _ => None,
            };
            let element = entry.and_then(|entry| match &entry.node.value {
                Value::List(list) => list.iter().position(|one| one.at == at),
                _ => None,
            });
            KeyPath { path, element }
        });
    }
}

/// Returns the path of the key whose value, name or table is at a location.
pub(crate) fn path_of(root: &Node, at: Location) -> Option<String> {
    fn find(node: &Node, path: &str, at: Location) -> Option<String> {
        let is_inside = |list: &Node| list.at == at;
        match &node.value {
            Value::Table(table) => table.entries.iter().find_map(|entry| {
                let path = crate::language::path::join(path, &entry.key);
                if entry.node.at == at || entry.key_at == at {
                    return Some(path);
                }
                find(&entry.node, &path, at)
            }),
            Value::List(list) => list.iter().any(is_inside).then(|| path.to_owned()),
            _ => None,
        }
    }
    find(root, "", at)
}
