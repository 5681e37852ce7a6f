//! Compares what a board states of a part with the definition of its kind.

use super::definition::{Definition, Parameter, Presence};
use super::{Any, OwnPart};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Field, Located};
use crate::language::{Named, suggest};
use crate::source::Location;

/// An entry of a definition, and the value that the board states for it.
pub(super) struct Entry<'a, D, S> {
    pub(super) name: &'a str,
    pub(super) name_at: Location,
    pub(super) defined: &'a D,
    pub(super) stated: Option<&'a Located<S>>,
}

impl<'a, D, S> Entry<'a, D, S> {
    /// Returns both, if the board states it.
    pub(super) fn both(&self) -> Option<(&'a D, &'a Located<S>)> {
        Some((self.defined, self.stated?))
    }
}

/// The entries of a table of a definition.
pub(super) struct Entries;

impl Entries {
    /// Returns the entries in the order of the definition.
    pub(super) fn of<'a, D, S>(
        defined: &'a Field<Named<D>>,
        stated: &'a Field<Named<Located<S>>>,
    ) -> impl Iterator<Item = Entry<'a, D, S>> {
        let defined = defined.value().into_iter().flat_map(Named::iter);
        defined.map(|entry| Entry {
            name: &entry.name,
            name_at: entry.name_at,
            defined: &entry.value,
            stated: stated.value().and_then(|stated| {
                let mut all = stated.iter();
                all.find(|one| one.name == entry.name).map(|one| &one.value)
            }),
        })
    }
}

/// Reports entries that the definition does not have, missing entries, and values out of range.
pub(super) fn check(part: &OwnPart, definition: &Definition, problems: &mut Problems) {
    let Some(kind) = part.kind.value() else {
        return;
    };
    let place = Place {
        path: &part.place.path,
        at: part.place.at,
        kind: &kind.0,
    };
    // A name that is misspelt is reported once, and not as missing too.
    let mut meant = place.unknown(
        "registers",
        &definition.registers,
        &part.registers,
        problems,
    );
    for entry in Entries::of(&definition.registers, &part.registers) {
        let needed = part.registers.optional().is_some();
        if needed && entry.stated.is_none() && !meant.contains(&entry.name) {
            place.missing("registers", entry.name, entry.name_at, problems);
        }
    }
    let interrupts = &definition.interrupts;
    meant = place.unknown("interrupts", interrupts, &part.interrupts, problems);
    for entry in Entries::of(&definition.interrupts, &part.interrupts) {
        let needed = part.interrupts.optional().is_some()
            && entry.defined.presence.value() == Some(&Presence::Required);
        if needed && entry.stated.is_none() && !meant.contains(&entry.name) {
            place.missing("interrupts", entry.name, entry.name_at, problems);
        }
    }
    meant = place.unknown("values", &definition.values, &part.values, problems);
    for entry in Entries::of(&definition.values, &part.values) {
        match (entry.stated, entry.defined.default.optional()) {
            (Some(stated), _) => in_range(entry.defined, stated, entry.name_at, problems),
            (None, Some(None))
                if part.values.optional().is_some() && !meant.contains(&entry.name) =>
            {
                place.missing("values", entry.name, entry.name_at, problems);
            }
            _ => {}
        }
    }
}

/// Reports a value that its definition does not allow.
fn in_range(
    defined: &Parameter,
    stated: &Located<Any>,
    defined_at: Location,
    problems: &mut Problems,
) {
    let least = defined.least.value().map_or(0, |least| least.0);
    let Some(greatest) = defined.greatest.optional() else {
        return;
    };
    let greatest = greatest.map_or(u32::MAX, |greatest| greatest.value.0);
    if !(least..=greatest).contains(&stated.value.0) {
        let title = format!(
            "`{}` must be a number from {least} to {greatest}",
            stated.path
        );
        problems.report(
            Diagnostic::new(Code::BadNumber, stated.at, title)
                .label(format!("not from {least} to {greatest}"))
                .also(defined_at, "defined here"),
        );
    }
}

/// Where a part is described.
struct Place<'a> {
    path: &'a str,
    at: Location,
    kind: &'a str,
}

impl Place<'_> {
    /// Reports names that the definition does not have. Returns the names that they probably mean.
    fn unknown<'d, D, S>(
        &self,
        table: &str,
        defined: &'d Field<Named<D>>,
        stated: &Field<Named<Located<S>>>,
        problems: &mut Problems,
    ) -> Vec<&'d str> {
        // A definition with an error may lack entries.
        let Some(defined) = defined.optional() else {
            return Vec::new();
        };
        let mut meant = Vec::new();
        let names = defined.into_iter().flat_map(|all| all.value.iter());
        let names: Vec<&str> = names.map(|entry| entry.name.as_str()).collect();
        for entry in stated.value().into_iter().flat_map(Named::iter) {
            if names.contains(&entry.name.as_str()) {
                continue;
            }
            let title = format!("unknown key `{}` in [{}.{table}]", entry.name, self.path);
            let near = suggest::nearest(&entry.name, names.iter().copied());
            meant.extend(near);
            let label = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("parts/{}.toml does not define it", self.kind),
            };
            let known = match &*names {
                [] => format!("it defines no {table}"),
                names => format!("it defines {}", names.join(", ")),
            };
            problems.report(
                Diagnostic::new(Code::UnknownKey, entry.name_at, title)
                    .label(label)
                    .help(known),
            );
        }
        meant
    }

    fn missing(&self, table: &str, name: &str, defined_at: Location, problems: &mut Problems) {
        let title = format!("missing key `{table}.{name}` in [{}]", self.path);
        problems.report(
            Diagnostic::new(Code::MissingKey, self.at, title)
                .label(format!("needs `{table}.{name}`"))
                .also(defined_at, "defined here"),
        );
    }
}
