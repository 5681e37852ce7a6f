//! Tables whose keys are the names of drivers: `[console.pl011]`.

use super::reader::{Given, Read, list};
use super::schema::{self, Kind, NEW_DRIVER, offered};
use super::suggest;
use super::tree::{Entry, Table, Value};
use crate::board::Architecture;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// A class of drivers from which a board selects by name.
pub trait Class: Sized {
    /// The drivers of the class.
    const DRIVERS: &'static [schema::Driver];

    /// Reads the properties of the driver `name`.
    fn read_driver(name: &str, given: &Given<'_>, problems: &mut Problems) -> Option<Self>;
}

/// Exactly one driver of a class.
#[derive(Clone, Debug)]
pub struct OneDriver<C>(pub C);

/// One or more drivers of a class, in the order in which the class lists them.
#[derive(Clone, Debug)]
pub struct Drivers<C>(pub Vec<C>);

impl<C: Class> Read for OneDriver<C> {
    const KIND: Kind = Kind::OneDriver(C::DRIVERS);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let named = named_drivers::<C>(given, problems)?;
        let one = match named.as_slice() {
            [one] => *one,
            [first, second, ..] => {
                let title = format!("[{}] needs exactly one driver, but has two", given.path);
                let first_name = format!("`{}` is the first driver", first.key);
                problems.report(
                    Diagnostic::new(Code::OneDriver, second.key_at, title)
                        .label("a second driver")
                        .also(first.key_at, first_name)
                        .help("keep the one that the machine has"),
                );
                // The errors in both of them are reported.
                for entry in named {
                    read_entry::<C>(given, entry, problems);
                }
                return None;
            }
            [] => return None,
        };
        read_entry(given, one, problems).map(Self)
    }
}

impl<C: Class> Read for Drivers<C> {
    const KIND: Kind = Kind::Drivers(C::DRIVERS);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let named = named_drivers::<C>(given, problems)?;
        let mut drivers = Vec::new();
        // TOML tables have no order; the class defines the order of preference.
        for known in C::DRIVERS {
            for entry in named.iter().filter(|entry| entry.key == known.name) {
                drivers.push(read_entry(given, entry, problems));
            }
        }
        let drivers: Option<Vec<C>> = drivers.into_iter().collect();
        drivers.filter(|drivers| !drivers.is_empty()).map(Self)
    }
}

fn read_entry<C: Class>(given: &Given<'_>, entry: &Entry, problems: &mut Problems) -> Option<C> {
    let path = given.inside(&entry.key);
    let inner = given.entry(&path, entry);
    let architecture = problems.architecture();
    let others = other_drivers::<C>(entry, architecture);
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
        let others = others.join(" or ");
        let title = format!("[{path}] has the properties of {others}");
        problems.report(
            Diagnostic::new(Code::OtherDriver, entry.key_at, title)
                .label(format!("did you mean {others}?")),
        );
        return None;
    }
    let is_named = |driver: &&schema::Driver| driver.name == entry.key;
    let fits = C::DRIVERS
        .iter()
        .find(is_named)
        .map(|one| one.is_for(architecture));
    if fits == Some(true) {
        return C::read_driver(&entry.key, &inner, problems);
    }
    // The keys of a driver for another architecture need not be complete.
    let read = C::read_driver(&entry.key, &inner, &mut problems.scratch());
    if read.is_none() {
        let known = architecture.map_or_else(String::new, |one| one.to_string());
        let title = format!("`{path}` does not fit the architecture {known}");
        let names = offered(C::DRIVERS, architecture);
        problems.report(
            Diagnostic::new(Code::WrongArchitecture, entry.node.at, title)
                .label("a part of another architecture")
                .help(format!("drivers for {known}: {}", list(&names))),
        );
    }
    read
}

/// Returns the drivers that have all properties in a table, if the named driver lacks some: then the
/// name is the error.
fn other_drivers<C: Class>(entry: &Entry, architecture: Option<Architecture>) -> Vec<&'static str> {
    let Value::Table(table) = &entry.node.value else {
        return Vec::new();
    };
    let knows_all = |driver: &&schema::Driver| {
        table
            .entries
            .iter()
            .all(|property| driver.kind.inside(&property.key).is_some())
    };
    let misses_some = |driver: &&schema::Driver| match driver.kind {
        Kind::Table(schema) => schema
            .keys
            .iter()
            .any(|key| key.presence == schema::Presence::Required && table.get(key.name).is_none()),
        _ => false,
    };
    let Some(named) = C::DRIVERS.iter().find(|driver| driver.name == entry.key) else {
        return Vec::new();
    };
    if knows_all(&named) || !misses_some(&named) || table.incomplete {
        return Vec::new();
    }
    let know_all: Vec<_> = C::DRIVERS
        .iter()
        .filter(|driver| knows_all(driver) && driver.is_for(architecture))
        .collect();
    // Of several, those that need no other property are more likely.
    let complete = know_all.iter().filter(|driver| !misses_some(driver));
    let complete: Vec<_> = complete.map(|driver| driver.name).collect();
    match complete.is_empty() {
        true => know_all
            .first()
            .map(|driver| driver.name)
            .into_iter()
            .collect(),
        false => complete,
    }
}

/// Returns the entries that name drivers of the class; reports other entries, and an empty table.
fn named_drivers<'a, C: Class>(
    given: &Given<'a>,
    problems: &mut Problems,
) -> Option<Vec<&'a Entry>> {
    let names: Vec<&str> = C::DRIVERS.iter().map(|driver| driver.name).collect();
    let offered = offered(C::DRIVERS, problems.architecture());
    let Value::Table(table) = &given.node.value else {
        if let Some(diagnostic) = given.type_mismatch(&Kind::OneDriver(C::DRIVERS)) {
            let named = match &given.node.value {
                Value::Text(text) => suggest::nearest(text, offered.iter().copied()),
                _ => None,
            };
            let meant = named.map_or(offered, |name| vec![name]);
            problems.report(diagnostic.help(write(given.path, &meant)));
        }
        return None;
    };
    let names_one = table
        .entries
        .iter()
        .any(|entry| names.contains(&entry.key.as_str()));
    let has_property = table
        .entries
        .iter()
        .any(|entry| is_property::<C>(&entry.key));
    if !names_one && (has_property || table.entries.is_empty()) && !table.incomplete {
        problems.report(no_driver(given, table, &offered));
        return None;
    }
    let (known, unknown): (Vec<&Entry>, Vec<&Entry>) = table
        .entries
        .iter()
        .partition(|entry| names.contains(&entry.key.as_str()));
    for entry in &unknown {
        let title = format!("unknown driver `{}` in [{}]", entry.key, given.path);
        let near = suggest::nearest(&entry.key, offered.iter().copied());
        let label = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "no driver has this name".to_owned(),
        };
        let known = match problems.architecture() {
            Some(architecture) => format!("drivers for {architecture}: {}", list(&offered)),
            None => format!("known drivers: {}", list(&offered)),
        };
        problems.report(
            Diagnostic::new(Code::UnknownDriver, entry.key_at, title)
                .label(label)
                .help(known)
                .help(NEW_DRIVER),
        );
    }
    unknown.is_empty().then_some(known)
}

/// Returns whether a driver of the class has such a property.
fn is_property<C: Class>(key: &str) -> bool {
    C::DRIVERS
        .iter()
        .any(|driver| driver.kind.inside(key).is_some())
}

/// Returns the error for a table that names no driver. Often its properties are one level too high.
fn no_driver(given: &Given<'_>, table: &Table, names: &[&str]) -> Diagnostic {
    let title = format!("[{}] names no driver", given.path);
    let diagnostic = Diagnostic::new(Code::OneDriver, given.node.at, title)
        .label("the name of a driver is missing");
    let diagnostic = match table.entries.first() {
        Some(entry) => diagnostic.also(entry.key_at, "this belongs in the table of a driver"),
        None => diagnostic,
    };
    diagnostic.help(write(given.path, names))
}

fn write(path: &str, names: &[&str]) -> String {
    let tables: Vec<String> = names
        .iter()
        .map(|name| format!("[{path}.{name}]"))
        .collect();
    format!("write {}", tables.join(" or "))
}
