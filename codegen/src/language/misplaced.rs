//! Valid keys in the wrong place, and keys of other descriptions.

use super::hexadecimal;
use super::path::join;
use super::schema::{Kind, Root, Table};
use super::tree::{Entry, Node, Table as Entries, Value};

/// Returns the correct place of a table of the board that is written as a dotted key under the
/// header of another one; `None` if it is something else.
pub(super) fn dotted(entry: &Entry, root: &Root) -> Option<String> {
    let is_table = root.board.keys.iter().any(|known| known.name == entry.key);
    let (mut path, mut entry) = (String::new(), entry);
    while let Value::Table(table) = &entry.node.value {
        path = join(&path, &entry.key);
        let [only] = table.entries.as_slice() else {
            break;
        };
        entry = only;
    }
    (is_table && !path.is_empty()).then(|| {
        format!("after a header, this is a key of that header's table: write it under [{path}]")
    })
}

/// Returns the correct place of the key, as text for a diagnostic; `None` if the place is unknown
/// or ambiguous.
pub(crate) fn home(key: &str, root: &Root) -> Option<String> {
    if root.file.keys.iter().any(|known| known.name == key) {
        return Some("this belongs at the top of the file, before the first table".to_owned());
    }
    let mut homes = Vec::new();
    add_homes(key, "", root.board, &mut homes);
    // A table of the board is more likely than that of one of its drivers.
    if homes.iter().filter(|home| !home.contains('.')).count() == 1 {
        homes.retain(|home| !home.contains('.'));
    }
    match homes.as_slice() {
        [home] => Some(format!("this belongs in [{home}]")),
        _ => None,
    }
}

fn add_homes(key: &str, path: &str, table: &'static Table, homes: &mut Vec<String>) {
    for known in table.keys {
        if known.name == key && !path.is_empty() {
            homes.push(path.to_owned());
        }
        let path = join(path, known.name);
        match known.kind {
            Kind::Table(inner) => add_homes(key, &path, inner, homes),
            Kind::OneDriver(drivers) | Kind::Drivers(drivers) => {
                for driver in *drivers {
                    if let Kind::Table(inner) = driver.kind {
                        add_homes(key, &join(&path, driver.name), inner, homes);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns the key of `table` whose named entries have most of the properties of `entry`, which is
/// then missing before the name of the entry. An empty entry has those of the only such key.
pub(crate) fn named(entry: &Entry, table: &Table) -> Option<&'static str> {
    let Value::Table(given) = &entry.node.value else {
        return None;
    };
    let count = given.entries.len();
    let fits = |kind: &Kind| match kind {
        Kind::Named(inner) => {
            let is_known = |property: &&Entry| inner.inside(&property.key).is_some();
            2 * given.entries.iter().filter(is_known).count() > count || count == 0
        }
        _ => false,
    };
    let mut found = table.keys.iter().filter(|known| fits(known.kind));
    let first = found.next()?;
    (count > 0 || found.next().is_none()).then_some(first.name)
}

/// Describes the keys of `table` that are tables with a key of this name, or whose value is an
/// interrupt as that of `entry`; `None` if there are none.
pub(super) fn near_by(entry: &Entry, table: &Table, root: &Root) -> Option<String> {
    let names = |fits: &dyn Fn(&Kind) -> bool| {
        let keys = table.keys.iter().filter(|known| fits(known.kind));
        let names: Vec<String> = keys.map(|known| format!("`{}`", known.name)).collect();
        (!names.is_empty()).then(|| names.join(" or "))
    };
    let is_interrupt = match &entry.node.value {
        Value::Table(given) => {
            let spaces = root.spaces(None);
            let is_space = |inner: &Entry| spaces.iter().any(|space| space.word == inner.key);
            given.entries.iter().any(is_space)
        }
        _ => false,
    };
    if is_interrupt {
        let found = names(&|kind| matches!(kind, Kind::Interrupt))?;
        return Some(format!("an interrupt is {found} here"));
    }
    let has_it = |kind: &Kind| match kind {
        Kind::Table(inner) => inner.keys.iter().any(|known| known.name == entry.key),
        _ => false,
    };
    Some(format!("a key of {}", names(&has_it)?))
}

/// Names that other formats use for the end of a range.
const ENDS: [&str; 5] = ["end", "last", "limit", "to", "top"];

/// Returns the size of a range that is given by its end, if the size is missing.
pub(super) fn end_of_range(entry: &Entry, table: &Entries, meant: Option<&str>) -> Option<String> {
    let number = |node: &Node| match &node.value {
        Value::Integer(integer) => u64::try_from(integer.value?).ok(),
        _ => None,
    };
    if !ENDS.contains(&entry.key.as_str()) || meant != Some("size") {
        return None;
    }
    let base = number(&table.get("base")?.node)?;
    let size = number(&entry.node)?.checked_sub(base)?;
    // An odd size is that up to the last byte.
    let size = size.checked_add(size % 2).filter(|size| *size > 0)?;
    Some(format!(
        "the size of a range is stated instead of its end: write size = {}",
        hexadecimal(size)
    ))
}
