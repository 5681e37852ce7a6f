//! Finds the facts of a board that differ between two revisions.

use std::collections::BTreeMap;

use vmos_codegen::facts::{Fixed, difference};
use vmos_codegen::language::hexadecimal;
use vmos_codegen::{Board, Written};

/// A fact whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The path of the key.
    pub(super) path: String,
    /// The value before; `None` if the key is new.
    pub(super) before: Option<String>,
    /// The value after; `None` if the key was removed.
    pub(super) after: Option<String>,
    /// The difference in bytes, for sizes.
    pub(super) difference: Option<String>,
}

impl Change {
    /// Formats the change in one line.
    pub(super) fn text(&self) -> String {
        let path = &self.path;
        match (&self.before, &self.after, &self.difference) {
            (Some(before), Some(after), Some(difference)) => {
                format!("{path} {difference} ({before} -> {after})")
            }
            (Some(before), Some(after), None) => format!("{path} {before} -> {after}"),
            (None, Some(after), _) => format!("{path} {after} (new)"),
            (Some(before), None, _) => format!("{path} (removed, was {before})"),
            (None, None, _) => path.clone(),
        }
    }
}

/// Returns the facts of a board that differ.
pub(super) fn changes(before: &(Board, Written), after: &(Board, Written)) -> Vec<Change> {
    let (old, new) = (facts(&before.1), facts(&after.1));
    let mut changes = Vec::new();
    let order: Vec<&String> = new.iter().map(|(path, _)| path).collect();
    let gone = old.iter().map(|(path, _)| path);
    let paths = order
        .iter()
        .copied()
        .chain(gone.filter(|path| !order.contains(path)));
    let (old, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (old.iter().cloned().collect(), new.iter().cloned().collect());
    for path in paths {
        let (before, after) = (old.get(path), new.get(path));
        if before == after {
            continue;
        }
        let difference = before
            .zip(after)
            .and_then(|(before, after)| before.difference(after));
        changes.push(Change {
            path: path.clone(),
            before: before.map(Fixed::to_string),
            after: after.map(Fixed::to_string),
            difference,
        });
    }
    changes.extend(ram(&before.0, &after.0));
    changes
}

/// Returns the change of the total RAM, which depends on several keys.
fn ram(before: &Board, after: &Board) -> Option<Change> {
    let total = |board: &Board| board.memory.ram.iter().map(|ram| ram.expected_size).sum();
    let (before, after): (u64, u64) = (total(before), total(after));
    (before != after).then(|| Change {
        path: String::from("memory.ram"),
        before: Some(Fixed::Size(before).to_string()),
        after: Some(Fixed::Size(after).to_string()),
        difference: Some(difference(before, after)),
    })
}

/// Returns the facts by path, in schema order. Addresses used as keys are normalized.
fn facts(written: &Written) -> Vec<(String, Fixed)> {
    let facts = written.facts().into_iter();
    facts
        .map(|fact| (in_one_way(&fact.path), fact.value))
        .collect()
}

fn in_one_way(path: &str) -> String {
    let address = path
        .strip_prefix("undescribed.0x")
        .and_then(|digits| u64::from_str_radix(&digits.replace('_', ""), 16).ok());
    match address {
        Some(address) => format!("undescribed.{}", hexadecimal(address)),
        None => path.to_owned(),
    }
}
