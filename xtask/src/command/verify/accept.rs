//! `cargo xtask verify --accept`: changes board files to what the machines are.
//!
//! Each change is tried in memory first, and is kept only if its error is gone and no new error in
//! the description itself appears. The file is replaced in one step, after the changes were shown
//! and confirmed.

mod missing;
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use similar::TextDiff;
use tempfile::NamedTempFile;
use vmos_codegen::diagnostic::{Change, Code, Diagnostic};
use vmos_codegen::machine::Facts;
use vmos_codegen::source::{Folder, Sources};
use vmos_codegen::verify::verify;
use vmos_codegen::{Board, Diagnostics};

use self::missing::{Completed, completed};
use super::edit::File;
use super::{Arguments, sentence};
use crate::boards;
use crate::failure::{Failure, FileError};
use crate::inspect;
use crate::workspace::{Workspace, relative_to_here};

/// The largest number of changes to a file.
const MOST: usize = 1000;

/// Runs the command.
pub(super) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let all = boards::names(workspace)?;
    let mut names = arguments.boards.clone();
    let mut keys = Vec::new();
    for word in arguments.accept.iter().filter(|word| !word.is_empty()) {
        // A board that directly follows the option.
        match all.contains(word) {
            true => names.push(word.clone()),
            false => keys.push(word.clone()),
        }
    }
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        // Reports the name with the list of boards.
        boards::load_to_compare(workspace, core::slice::from_ref(unknown))?;
    }
    let names = if names.is_empty() { all } else { names };
    let mut left = None;
    for name in names {
        let path = workspace.root.join("boards").join(format!("{name}.toml"));
        let before = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
        let start = match boards::load_to_compare(workspace, core::slice::from_ref(&name)) {
            Ok(mut boards) => boards.pop().map(|board| Completed {
                board,
                text: before.clone(),
                used: BTreeSet::new(),
            }),
            Err(Failure::Mistakes(told)) => {
                let completed = completed(workspace, &name, &before, &keys);
                if let Err(reason) = &completed {
                    eprintln!("{name}: nothing was added: {reason}");
                    boards::add(&mut left, *told);
                }
                completed.ok()
            }
            Err(other) => return Err(other),
        };
        let Some(start) = start else { continue };
        let accepted = Acceptance {
            workspace,
            board: &start.board,
            facts: &inspect::board(&start.board)?,
            keys: &keys,
        };
        if let Err(more) = accepted.run(&before, &start, arguments.yes)? {
            boards::add(&mut left, more);
        }
    }
    boards::tell(left)
}

/// A board that is changed to what its machine is.
struct Acceptance<'a> {
    workspace: &'a Workspace,
    board: &'a Board,
    facts: &'a Facts,
    /// The keys that may be changed; all if it is empty.
    keys: &'a [String],
}

impl Acceptance<'_> {
    /// Returns the errors that are left, if any.
    fn run(
        &self,
        before: &str,
        start: &Completed,
        yes: bool,
    ) -> Result<Result<(), Diagnostics>, Failure> {
        let name = &self.board.name;
        let path = self
            .workspace
            .root
            .join("boards")
            .join(format!("{name}.toml"));
        let (after, mut used) = self.accepted(&start.text);
        used.extend(start.used.iter().cloned());
        if let Some(key) = self.keys.iter().find(|key| !used.contains(*key)) {
            return Err(Failure::usage(format!(
                "--accept {key}: nothing at this key of `{name}` differs from the machine in a way that \
                 can only be one thing\n  `cargo xtask verify {name}` lists what differs"
            )));
        }
        if after != before {
            let shown = relative_to_here(&path);
            let diff = TextDiff::from_lines(before, &after);
            let shown = shown.display().to_string();
            let is_of = format!("accepted from {}", self.facts.teller);
            print!("{}", diff.unified_diff().header(&shown, &is_of));
            if !yes && !confirmed(&shown)? {
                return Err(format!("{shown} is unchanged").into());
            }
            replace(&path, before, &after)?;
            println!("wrote {shown}");
        }
        Ok(match self.verify(&after) {
            Ok(said) => {
                println!("{said}");
                Ok(())
            }
            Err(left) => Err(left),
        })
    }

    /// Compares a changed file with the machine.
    fn verify(&self, text: &str) -> Result<String, Diagnostics> {
        let sources = Edited {
            folder: Folder::new(&self.workspace.root),
            name: &self.board.name,
            text,
        };
        let agreed = verify(&sources, &self.board.name, self.facts)?;
        Ok(sentence(self.board, self.facts, agreed))
    }

    /// Returns the changed text, and the keys that led to a change.
    fn accepted(&self, before: &str) -> (String, BTreeSet<String>) {
        let mut used = BTreeSet::new();
        // Wrong values first: a part at a wrong address hides the device that is there.
        let text = self.with_fixes(before, |change| !is_added(change), &mut used);
        let text = self.with_tables(&text, &mut used);
        let text = self.with_fixes(&text, |_| true, &mut used);
        (text, used)
    }

    /// Applies all selected fixes of this kind that help.
    fn with_fixes(
        &self,
        before: &str,
        is_wanted: fn(&Change) -> bool,
        used: &mut BTreeSet<String>,
    ) -> String {
        let mut text = before.to_owned();
        let mut refused: BTreeSet<Id> = BTreeSet::new();
        for _ in 0..MOST {
            let Err(told) = self.verify(&text) else { break };
            let next = told.iter().find_map(|one| {
                let path =
                    path(one).filter(|_| one.fix.iter().any(|fix| is_wanted(&fix.change)))?;
                let key = self.selected(&path)?;
                (!refused.contains(&id(one))).then_some((one, path, key))
            });
            let Some((one, path, key)) = next else { break };
            match self.with_fix(&text, &told, one, &path) {
                Some(changed) => {
                    used.extend(key);
                    text = changed;
                }
                None => {
                    refused.insert(id(one));
                }
            }
        }
        text
    }

    fn selected(&self, path: &str) -> Option<Option<String>> {
        selected(self.keys, path)
    }

    /// Returns the text with one error fixed; `None` if the fix does not help.
    fn with_fix(
        &self,
        text: &str,
        told: &Diagnostics,
        one: &Diagnostic,
        path: &str,
    ) -> Option<String> {
        let mut file = File::parse(text)?;
        match &one.fix.as_ref()?.change {
            // The address is the key of its line.
            Change::Write(address) if one.code == Code::HidesNothing => {
                file.rename(path, address)?;
            }
            Change::Write(value) => {
                let element = one.key.as_ref().and_then(|key| key.element);
                file.set(path, element, value)?;
            }
            Change::Number(number) => file.set(path, None, &number.to_string())?,
            Change::Remove | Change::Without(_) => file.remove(path)?,
            Change::Add { table, line } => file.add(table, &line.replace(REASON, NO_REASON))?,
        }
        let changed = file.text();
        let is_better = match self.verify(&changed) {
            Ok(_) => true,
            Err(left) => {
                let is_gone = left.iter().all(|other| id(other) != id(one));
                is_gone && mistakes(&left) <= mistakes(told)
            }
        };
        is_better.then_some(changed)
    }
}

/// Returns the key that selects a path: `Some(None)` if no keys are given, and all are selected.
fn selected(keys: &[String], path: &str) -> Option<Option<String>> {
    let is_inside = |key: &&String| {
        let rest = path.strip_prefix(key.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match keys.is_empty() {
        true => Some(None),
        false => keys.iter().find(is_inside).cloned().map(Some),
    }
}

/// The placeholder for the reason in the line that an error suggests, and its replacement.
const REASON: &str = "why it is left out";
const NO_REASON: &str = "not used";

/// The properties that identify an error while the file changes around it.
type Id = (Code, String);

fn id(one: &Diagnostic) -> Id {
    (one.code, one.title.clone())
}

/// Whether a fix adds a line.
fn is_added(change: &Change) -> bool {
    matches!(change, Change::Add { .. })
}

/// Returns the number of errors that need no machine to be found.
fn mistakes(told: &Diagnostics) -> usize {
    let of_text = |one: &&Diagnostic| !one.code.is_of_the_machine();
    told.iter().filter(of_text).count()
}

/// Returns the path of what a fix changes.
fn path(one: &Diagnostic) -> Option<String> {
    match &one.fix.as_ref()?.change {
        Change::Add { table, line } => {
            let (key, _) = line.split_once(" = ")?;
            Some(format!("{table}.{}", key.trim_matches('"')))
        }
        Change::Without(path) => Some(path.clone()),
        Change::Write(_) | Change::Number(_) | Change::Remove => {
            one.key.as_ref().map(|key| key.path.clone())
        }
    }
}

fn confirmed(path: &str) -> io::Result<bool> {
    print!("write {path}? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Replaces the file in one step, unless it was changed in the meantime.
fn replace(path: &Path, before: &str, after: &str) -> Result<(), Failure> {
    let failed = |what| FileError::at(what, path);
    let now = fs::read_to_string(path).map_err(failed("read"))?;
    if now != before {
        return Err(format!(
            "{} was changed in the meantime; nothing was written",
            relative_to_here(path).display()
        )
        .into());
    }
    let folder = path.parent().unwrap_or(path);
    let mut new = NamedTempFile::new_in(folder).map_err(failed("write"))?;
    new.write_all(after.as_bytes()).map_err(failed("write"))?;
    let permissions = fs::metadata(path).map_err(failed("read"))?.permissions();
    new.as_file()
        .set_permissions(permissions)
        .map_err(failed("write"))?;
    new.persist(path)
        .map_err(|error| failed("write")(error.error))?;
    Ok(())
}

/// The board files with one of them changed.
struct Edited<'a> {
    folder: Folder,
    name: &'a str,
    text: &'a str,
}

impl Sources for Edited<'_> {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        match name == self.name {
            true => Ok(self.text.as_bytes().to_vec()),
            false => self.folder.read(name),
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.folder.names()
    }

    fn own_names(&self) -> io::Result<Vec<String>> {
        self.folder.own_names()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path(name)
    }
}
