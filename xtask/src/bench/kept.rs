//! The counts recorded in the repository, and their comparison with new counts.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::figure::{self, Kind};
use super::table::number;
use crate::failure::FileError;
use crate::guest::outcome::Outcome;

/// The file's path in the workspace.
pub const FILE: &str = "tests/counts.json";

/// The relative increase of a count that is allowed.
const TOLERANCE: f64 = 0.03;

/// The relative increase that is allowed for counts that depend on how many requests arrive
/// together, which varies with the load of the host.
const BATCH_TOLERANCE: f64 = 0.15;

/// The increase in instructions that is always allowed, because a count may be 0.
const SLACK: f64 = 5.0;

/// How many functions are recorded for each figure, those with the most instructions.
const FUNCTIONS: usize = 12;

/// How many functions that grew are named in a message.
const NAMED: usize = 5;

/// A recorded figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The number of instructions per operation.
    pub instructions: f64,
    /// The relative variation between counts. For example, a machine that measures its clock takes
    /// a different number of instructions each time.
    pub varies: f64,
    /// The instructions of the figure's largest functions, by name.
    pub functions: BTreeMap<String, f64>,
}

/// The figures of a board, by key.
pub type Figures = BTreeMap<String, Kept>;

/// All recorded counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The QEMU version used, such as `7.2`. Other versions include other firmware and device
    /// trees, and count some instructions differently.
    pub emulator: String,
    /// The recorded figures, by board.
    pub boards: BTreeMap<String, Figures>,
}

impl Counts {
    /// Reads the file; `None` if it does not exist.
    ///
    /// # Errors
    /// The file cannot be read, or its content is invalid.
    pub fn read(root: &Path) -> Outcome<Option<Self>> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
        let json = serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        let counts = Self::of_json(&json);
        Ok(Some(counts.ok_or_else(|| {
            format!("{FILE} is not in the format that `cargo xtask bench --record` writes")
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
    /// Creates the record of a figure that was counted several times.
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

    /// Returns the relative increase allowed for the figure `key`.
    fn tolerance(&self, key: &str) -> f64 {
        let kind = figure::find(key).map(|figure| figure.kind);
        match kind {
            Some(Kind::Batch) => BATCH_TOLERANCE,
            // Twice the variation, because a few counts do not show all of it.
            _ => TOLERANCE.max(2.0 * self.varies),
        }
    }

    /// Returns whether `instructions` is above the tolerance for the figure `key`.
    #[must_use]
    pub fn is_exceeded_by(&self, key: &str, instructions: f64) -> bool {
        let more = instructions - self.instructions;
        more > SLACK && more > self.instructions * self.tolerance(key)
    }

    /// Returns whether `instructions` is so much lower that it should be recorded.
    #[must_use]
    pub fn is_outdone_by(&self, key: &str, instructions: f64) -> bool {
        let fewer = self.instructions - instructions;
        fewer > SLACK && fewer > self.instructions * self.tolerance(key)
    }

    /// Describes the increase of a figure: by how much, and which functions grew most. `functions`
    /// are all current functions.
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
        // A function that is not recorded had at most as many instructions as the smallest recorded
        // one.
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
            text.push_str("\n    no single function has grown");
        }
        text
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Returns the first two numbers of a version; only these matter for the counts.
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
    fn up_to_three_per_cent_more_is_allowed() {
        assert!(!kept().is_exceeded_by("udp", 1030.0));
        assert!(kept().is_exceeded_by("udp", 1031.0));
        assert!(kept().is_outdone_by("udp", 969.0));
        assert!(!kept().is_outdone_by("udp", 970.0));
    }

    #[test]
    fn a_count_that_depends_on_the_host_has_more_tolerance() {
        assert!(!kept().is_exceeded_by("udp-32x64", 1150.0));
        assert!(kept().is_exceeded_by("udp-32x64", 1151.0));
        let booted = Kept::new(&[1100.0, 1000.0, 1050.0], &[]);
        assert_eq!(booted.instructions, 1000.0);
        assert!(!booted.is_exceeded_by("boot", 1199.0));
        assert!(booted.is_exceeded_by("boot", 1201.0));
    }

    #[test]
    fn a_figure_of_zero_may_not_increase() {
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
    fn written_counts_are_read_back() {
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
    fn a_file_in_another_format_is_an_error() {
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
