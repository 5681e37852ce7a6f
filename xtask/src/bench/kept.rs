//! The counts that are kept in the repository, and what has become more since.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::figure::{self, Kind};
use super::table::number;
use crate::failure::FileError;
use crate::guest::outcome::Outcome;

/// The file, from the root of the workspace.
pub const FILE: &str = "tests/counts.json";

/// How much more than was recorded is too much.
const TOLERANCE: f64 = 0.03;

/// The same where a count depends on how many requests the machine finds at a time, which is another
/// number on a computer that is busy.
const BATCH_TOLERANCE: f64 = 0.15;

/// So few instructions more are never too much: a figure may be 0.
const SLACK: f64 = 5.0;

/// How many functions of a figure are kept, those with the most instructions.
const FUNCTIONS: usize = 12;

/// How many functions are named that have grown.
const NAMED: usize = 5;

/// A figure as it is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// How many instructions an operation takes.
    pub instructions: f64,
    /// By how much that varied from one count to the next, as a part of it: a machine that measures
    /// its clock takes another number of instructions each time.
    pub varies: f64,
    /// How many of them the functions have that have the most.
    pub functions: BTreeMap<String, f64>,
}

/// The figures of a board, by their keys.
pub type Figures = BTreeMap<String, Kept>;

/// Everything that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The version of QEMU that it was counted with, as `7.2`. Others come with other firmware and
    /// other device trees, and count some instructions in another way.
    pub emulator: String,
    /// The boards.
    pub boards: BTreeMap<String, Figures>,
}

impl Counts {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or makes no sense.
    pub fn read(root: &Path) -> Outcome<Option<Self>> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
        let json = serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        let counts = Self::of_json(&json);
        Ok(Some(counts.ok_or_else(|| {
            format!("{FILE} is not as `cargo xtask bench --record` writes it")
        })?))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, root: &Path) -> Outcome {
        let path = root.join(FILE);
        let text = serde_json::to_string_pretty(&self.to_json())?;
        fs::write(&path, text + "\n").map_err(FileError::at("write", &path))?;
        Ok(())
    }

    fn to_json(&self) -> Value {
        let rounded = |value: f64| value.round() as u64;
        let figure = |kept: &Kept| {
            let functions = kept.functions.iter();
            let functions: Map<_, _> = functions
                .map(|(name, &count)| (name.clone(), json!(rounded(count))))
                .collect();
            let instructions = rounded(kept.instructions);
            json!({"instructions": instructions, "varies": kept.varies, "functions": functions})
        };
        let board = |figures: &Figures| -> Value {
            let figures = figures
                .iter()
                .map(|(key, kept)| (key.clone(), figure(kept)));
            Value::Object(figures.collect())
        };
        let boards = self.boards.iter();
        let boards: Map<_, _> = boards
            .map(|(name, figures)| (name.clone(), board(figures)))
            .collect();
        json!({"qemu": self.emulator, "boards": boards})
    }

    fn of_json(json: &Value) -> Option<Self> {
        let figure = |json: &Value| {
            let functions = json["functions"].as_object()?.iter();
            let functions = functions.map(|(name, count)| Some((name.clone(), count.as_f64()?)));
            Some(Kept {
                instructions: json["instructions"].as_f64()?,
                varies: json["varies"].as_f64()?,
                functions: functions.collect::<Option<_>>()?,
            })
        };
        let board = |json: &Value| -> Option<Figures> {
            let figures = json.as_object()?.iter();
            figures
                .map(|(key, json)| Some((key.clone(), figure(json)?)))
                .collect()
        };
        let boards = json["boards"].as_object()?.iter();
        Some(Self {
            emulator: json["qemu"].as_str()?.to_owned(),
            boards: boards
                .map(|(name, json)| Some((name.clone(), board(json)?)))
                .collect::<Option<_>>()?,
        })
    }
}

impl Kept {
    /// What is kept of a figure that was counted several times.
    #[must_use]
    pub fn new(counts: &[f64], largest: &[(&str, f64)]) -> Self {
        let least = counts.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let most = counts.iter().copied().reduce(f64::max).unwrap_or(0.0);
        let functions = largest.iter().take(FUNCTIONS);
        Self {
            instructions: least,
            varies: if least > 0.0 {
                thousandths(most / least - 1.0)
            } else {
                0.0
            },
            functions: functions
                .map(|&(name, count)| (name.to_owned(), count))
                .collect(),
        }
    }

    /// How much more the figure `key` may be than was recorded, as a part of that.
    fn tolerance(&self, key: &str) -> f64 {
        let kind = figure::find(key).map(|figure| figure.kind);
        match kind {
            Some(Kind::Batch) => BATCH_TOLERANCE,
            // Twice, since a few counts do not show how much it can vary.
            _ => TOLERANCE.max(2.0 * self.varies),
        }
    }

    /// Whether `instructions` is too many more for the figure `key`.
    #[must_use]
    pub fn is_exceeded_by(&self, key: &str, instructions: f64) -> bool {
        let more = instructions - self.instructions;
        more > SLACK && more > self.instructions * self.tolerance(key)
    }

    /// Whether `instructions` is so many fewer that they should be recorded.
    #[must_use]
    pub fn is_outdone_by(&self, key: &str, instructions: f64) -> bool {
        let fewer = self.instructions - instructions;
        fewer > SLACK && fewer > self.instructions * self.tolerance(key)
    }

    /// What there is to say of a figure that has become more: by how much, and which functions have
    /// grown the most. `functions` are all that there are now.
    #[must_use]
    pub fn complaint(&self, key: &str, now: f64, functions: &[(&str, f64)]) -> String {
        let title = figure::find(key).map_or(key, |figure| figure.title);
        let recorded = self.instructions;
        let mut text = format!(
            "{title}: {} now, {} recorded",
            number(now),
            number(recorded)
        );
        if recorded > 0.0 {
            let _ = write!(text, ", {:.1} % more", 100.0 * (now / recorded - 1.0));
        }
        // Of a function that is not among those kept it is known that it had no more than the
        // smallest of them.
        let smallest = self.functions.values().copied().fold(f64::MAX, f64::min);
        let unknown = if self.functions.is_empty() {
            0.0
        } else {
            smallest
        };
        let mut grown: Vec<_> = functions
            .iter()
            .map(|&(name, count)| {
                let before = self.functions.get(name).copied();
                (count - before.unwrap_or(unknown), name, before, count)
            })
            .filter(|(more, ..)| *more >= 1.0)
            .collect();
        grown.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (more, name, before, count) in grown.iter().take(NAMED) {
            let before = match before {
                Some(before) => number(*before),
                None if unknown > 0.0 => format!("at most {}", number(unknown)),
                None => String::from("none"),
            };
            let (more, count) = (number(*more), number(*count));
            let _ = write!(text, "\n    +{more}  {name}: {count}, {before} recorded");
        }
        if grown.is_empty() {
            text.push_str("\n    no function by itself has grown");
        }
        text
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The first two numbers of a version, which is what differs between releases that matter here.
#[must_use]
pub fn release(version: &str) -> &str {
    match version.match_indices('.').nth(1) {
        Some((end, _)) => &version[..end],
        None => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept::new(&[1003.0, 1000.0], &[("turn", 600.0), ("send", 300.0)])
    }

    #[test]
    fn three_per_cent_more_are_let_through_and_no_more() {
        assert!(!kept().is_exceeded_by("udp", 1030.0));
        assert!(kept().is_exceeded_by("udp", 1031.0));
        assert!(kept().is_outdone_by("udp", 969.0));
        assert!(!kept().is_outdone_by("udp", 970.0));
    }

    #[test]
    fn a_count_that_depends_on_the_computer_may_be_more() {
        assert!(!kept().is_exceeded_by("udp-32x64", 1150.0));
        assert!(kept().is_exceeded_by("udp-32x64", 1151.0));
        let booted = Kept::new(&[1100.0, 1000.0, 1050.0], &[]);
        assert_eq!(booted.instructions, 1000.0);
        assert!(!booted.is_exceeded_by("boot", 1199.0));
        assert!(booted.is_exceeded_by("boot", 1201.0));
    }

    #[test]
    fn what_was_nothing_may_not_become_something() {
        let kept = Kept::default();
        assert!(!kept.is_exceeded_by("idle", 0.0));
        assert!(kept.is_exceeded_by("idle", 6.0));
    }

    #[test]
    fn the_function_that_has_grown_is_named() {
        let now = [("turn", 600.0), ("send", 380.0), ("check", 320.0)];
        let said = kept().complaint("udp", 1300.0, &now);
        let lines: Vec<_> = said.lines().map(str::trim).collect();
        let expected = [
            "UDP 64 B, one in flight: instructions: 1,300 now, 1,000 recorded, 30.0 % more",
            "+80.0  send: 380.0, 300.0 recorded",
            "+20.0  check: 320.0, at most 300.0 recorded",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("tests")).unwrap();
        assert_eq!(Counts::read(root.path()).unwrap(), None);
        let figures = Figures::from([("udp".to_owned(), kept())]);
        let counts = Counts {
            emulator: "7.2".to_owned(),
            boards: BTreeMap::from([("some-board".to_owned(), figures)]),
        };
        counts.write(root.path()).unwrap();
        assert_eq!(Counts::read(root.path()).unwrap(), Some(counts));
    }

    #[test]
    fn a_file_that_is_something_else_is_an_error_that_says_so() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("tests")).unwrap();
        fs::write(root.path().join(FILE), "[]").unwrap();
        let error = Counts::read(root.path()).unwrap_err().to_string();
        assert!(error.contains("tests/counts.json"), "{error}");
    }

    #[test]
    fn a_release_is_two_numbers() {
        assert_eq!(
            [release("7.2.22"), release("10.0"), release("x")],
            ["7.2", "10.0", "x"]
        );
    }
}
