//! Adds what a board file lacks so that it can be read: tables of parts and keys that the machine
//! states.

use std::collections::BTreeSet;

use vmos_codegen::import::origin;
use vmos_codegen::source::Folder;
use vmos_codegen::{Board, Diagnostics, load_to_compare_from};

use super::super::edit::File;
use super::{Edited, selected};
use crate::command::import;
use crate::workspace::Workspace;

/// The classes of parts that every board has.
const REQUIRED: [&str; 4] = ["interrupt-controller", "timer", "console", "power"];

/// A board file that lacked something.
pub(super) struct Completed {
    /// The board that the new text describes.
    pub(super) board: Board,
    /// The new text.
    pub(super) text: String,
    /// The given keys that led to a change.
    pub(super) used: BTreeSet<String>,
}

/// Returns the board file `before` with the tables and keys that it lacks.
///
/// # Errors
/// Why nothing is added: the machine does not start, or the file would still have errors.
pub(super) fn completed(
    workspace: &Workspace,
    name: &str,
    before: &str,
    keys: &[String],
) -> Result<Completed, String> {
    let folder = Folder::new(&workspace.root);
    let origin = origin(&folder, name).ok_or("[board] or [qemu] has errors")?;
    let machine = import::of(origin).map_err(|failure| failure.to_string())?;
    let draft = File::parse(&machine).ok_or("the machine gives no valid board file")?;
    let mut completion = Completion {
        folder,
        name,
        text: before.to_owned(),
        used: BTreeSet::new(),
    };
    for class in REQUIRED {
        completion.add(&draft, class, keys);
    }
    let board = completion.load(&completion.text).map_err(|left| {
        let first = left.iter().next();
        let first = first.map_or("it has errors", |one| one.title.as_str());
        match keys {
            [] => format!("the machine does not tell all that the file lacks: {first}"),
            _ => format!("the keys that --accept names are not enough: {first}"),
        }
    })?;
    Ok(Completed {
        board,
        text: completion.text,
        used: completion.used,
    })
}

/// A board file that is being completed.
struct Completion<'a> {
    folder: Folder,
    name: &'a str,
    text: String,
    used: BTreeSet<String>,
}

impl Completion<'_> {
    fn load(&self, text: &str) -> Result<Board, Diagnostics> {
        let sources = Edited {
            folder: self.folder.clone(),
            name: self.name,
            text,
        };
        load_to_compare_from(&sources, self.name)
    }

    /// Adds the tables of a class that the file lacks, or the keys that its tables lack.
    fn add(&mut self, draft: &File, class: &str, keys: &[String]) {
        let all = draft.drivers(class);
        let path = |driver: &str| format!("{class}.{driver}");
        let is_selected = |driver: &&String| selected(keys, &path(driver)).is_some();
        let drivers: Vec<String> = all.iter().filter(is_selected).cloned().collect();
        // All ways to stop the machine, or else one of them.
        let alone = drivers.iter().map(core::slice::from_ref);
        let choices = core::iter::once(drivers.as_slice()).chain(alone);
        for choice in choices.filter(|choice| !choice.is_empty()) {
            let change = |file: &mut File| {
                let mut choice = choice.iter();
                let is_added = |driver: &String| file.add_driver(draft, class, driver).is_some();
                choice.all(is_added)
            };
            if self.try_change(change) {
                let given = choice.iter().filter_map(|one| selected(keys, &path(one))?);
                self.used.extend(given);
                return;
            }
        }
        for driver in &all {
            let table = path(driver);
            for key in draft.keys(class, driver) {
                let change = |file: &mut File| file.add_key(draft, class, driver, &key).is_some();
                if let Some(given) = selected(keys, &format!("{table}.{key}"))
                    && self.try_change(change)
                {
                    self.used.extend(given);
                }
            }
        }
    }

    /// Changes the file, if fewer errors are left then.
    fn try_change(&mut self, change: impl FnOnce(&mut File) -> bool) -> bool {
        let (Err(told), Some(mut file)) = (self.load(&self.text), File::parse(&self.text)) else {
            return false;
        };
        if !change(&mut file) {
            return false;
        }
        let changed = file.text();
        let is_better = match self.load(&changed) {
            Ok(_) => true,
            Err(left) => left.len() < told.len(),
        };
        if is_better {
            self.text = changed;
        }
        is_better
    }
}
