//! The table of faults on the page.

use std::collections::BTreeSet;

use super::record::Record;
use super::{Fault, VERSIONS};

const HEAD: &str = "\
| fault | tests | counts that show it | planted errors that a test has detected | passed on |
|---|---|---|---|---|
";

pub(super) fn of(faults: &[Fault], record: &Record) -> String {
    let rows = faults.iter().map(|fault| row(fault, record));
    HEAD.to_owned() + &rows.collect::<String>()
}

fn row(fault: &Fault, record: &Record) -> String {
    let Fault {
        id,
        what,
        cases,
        host,
        note,
        counts,
        caught,
    } = fault;
    let host = host
        .iter()
        .map(|test| test.rsplit("::").next().unwrap_or(test));
    let mut tests: Vec<_> = cases
        .iter()
        .map(String::as_str)
        .chain(host)
        .map(code)
        .collect();
    if !note.is_empty() {
        tests.push(note.clone());
    }
    let counts: Vec<_> = counts.iter().map(|count| code(count)).collect();
    let caught: Vec<_> = caught
        .iter()
        .map(|(mistake, test)| {
            let test = if test.contains(' ') {
                test.clone()
            } else {
                code(test)
            };
            format!("{mistake}: {test}")
        })
        .collect();
    let mut places: Vec<_> = record.places(fault).into_iter().collect();
    places.sort_by_key(|(version, _)| number(version));
    let mut passed: Vec<_> = places
        .into_iter()
        .map(|(version, places)| {
            let boards: BTreeSet<_> = places
                .iter()
                .filter_map(|place| place.split('/').next())
                .collect();
            format!("QEMU {version}: {}", boards_of(boards.len()))
        })
        .collect();
    if cases.is_empty() && id != VERSIONS {
        passed = vec!["the host".to_owned()];
    }
    let cells = [
        format!("{id} {what}"),
        tests.join(", "),
        or_none(&counts.join(", ")),
        or_none(&caught.join("; ")),
        or_none(&passed.join(", ")),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// Returns a version as numbers: as texts, 10.0 would come before 7.2.
fn number(version: &str) -> Vec<u32> {
    version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

fn boards_of(count: usize) -> String {
    match count {
        1 => "1 board".to_owned(),
        _ => format!("{count} boards"),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn or_none(cell: &str) -> String {
    if cell.is_empty() {
        "–".to_owned()
    } else {
        cell.to_owned()
    }
}
