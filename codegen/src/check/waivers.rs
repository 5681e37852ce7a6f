//! Waivers: allowed overlaps, with a check that each waiver is needed.

use crate::description::{Description, Waiver};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::suggest;
use crate::source::Location;

/// Returns the help text that shows how to allow an overlap.
pub(super) fn suggestion(one: &str, other: &str) -> String {
    format!(
        "if this is intended, add:\n[waiver.some-name]\nbetween = [\"{one}\", \"{other}\"]\nreason = \"...\""
    )
}

/// The waivers of a board, and which of them were needed.
pub(crate) struct Waivers<'d> {
    list: Vec<(&'d Waiver, bool)>,
}

impl<'d> Waivers<'d> {
    /// Returns the waivers of a description, all marked as not needed so far.
    pub(crate) fn of(description: &'d Description) -> Self {
        let named = description.waiver.value();
        let list = named.map(|named| named.iter().map(|entry| (&entry.value, false)).collect());
        Self {
            list: list.unwrap_or_default(),
        }
    }

    /// Returns whether a waiver allows the two keys to overlap, and marks it as needed.
    pub(crate) fn allow(&mut self, one: &str, other: &str) -> bool {
        let mut allowed = false;
        for (waiver, needed) in &mut self.list {
            let Some(between) = waiver.between.value() else {
                continue;
            };
            let pair = (between.0.value.0.as_str(), between.1.value.0.as_str());
            if pair == (one, other) || pair == (other, one) {
                *needed = true;
                allowed = true;
            }
        }
        allowed
    }

    /// Returns the location of a waiver for two keys between which no overlap is ever allowed.
    pub(crate) fn refuse(&mut self, one: &str, other: &str) -> Option<Location> {
        self.allow(one, other).then_some(())?;
        let names = |waiver: &Waiver| {
            let between = waiver.between.value()?;
            let pair = (between.0.value.0.as_str(), between.1.value.0.as_str());
            (pair == (one, other) || pair == (other, one)).then_some(waiver.place.at)
        };
        self.list.iter().find_map(|(waiver, _)| names(waiver))
    }

    /// Reports waivers for unknown keys, and those that are not needed. Claims in `dropped` are
    /// ignored.
    pub(crate) fn finish(self, keys: &[&str], dropped: &[String], problems: &mut Problems) {
        for (waiver, needed) in self.list {
            let Some(between) = waiver.between.value() else {
                continue;
            };
            let is_dropped = |key: &str| {
                dropped.iter().any(|one| {
                    key == one
                        || key
                            .strip_prefix(one)
                            .is_some_and(|rest| rest.starts_with('.'))
                })
            };
            let mut sound = true;
            for path in [&between.0, &between.1] {
                let key = path.value.0.as_str();
                if is_dropped(key) {
                    sound = false;
                } else if !keys.contains(&key) {
                    sound = false;
                    let title = format!("`{key}` claims no range and no interrupt");
                    let is_inside = |known: &&str| {
                        let rest = known.strip_prefix(key);
                        rest.is_some_and(|rest| rest.starts_with('.'))
                    };
                    let near = suggest::nearest(key, keys.iter().copied());
                    let near = near.or_else(|| keys.iter().copied().find(is_inside));
                    let label = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "not a range or an interrupt of this board".to_owned(),
                    };
                    problems.report(
                        Diagnostic::new(Code::WaiverUnknownKey, path.at, title).label(label),
                    );
                }
            }
            if sound && !needed && waiver.reason.get().is_some() {
                let title = format!("`{}` is not needed", waiver.place.path);
                problems.report(
                    Diagnostic::new(Code::UnusedWaiver, waiver.place.at, title)
                        .label("the two keys do not overlap")
                        .remove(),
                );
            }
        }
    }
}
