//! The results for a board, side by side, and the file that stores them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::counting::Load;
use super::figure::{self, FIGURES, Values};
use super::timing::quantile;
use crate::failure::FileError;
use crate::guest::outcome::Outcome;

/// The results for one program: a kernel, or a revision of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// The name of the program.
    pub side: String,
    /// The values of each figure, in the order of measurement.
    values: BTreeMap<&'static str, Vec<f64>>,
    /// The cost of a datagram by the number in flight.
    pub load: Load,
    /// The round-trip times of a small datagram, in microseconds.
    pub trips: Vec<f64>,
}

impl Column {
    /// Creates the results of a program, without values.
    #[must_use]
    pub fn new(side: &str) -> Self {
        Self {
            side: side.to_owned(),
            ..Self::default()
        }
    }

    /// Adds measured values.
    pub fn add(&mut self, values: Values) {
        for (key, value) in values {
            self.values.entry(key).or_default().push(value);
        }
    }

    /// Returns the median of a figure.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<f64> {
        let mut values = self.values.get(key)?.clone();
        values.sort_by(f64::total_cmp);
        Some(quantile(&values, 0.5))
    }

    fn to_json(&self) -> Value {
        let values: Map<String, Value> = self
            .values
            .iter()
            .map(|(key, values)| ((*key).to_owned(), json!(values)))
            .collect();
        json!({"side": self.side, "values": values, "load": self.load, "trips": self.trips})
    }

    fn of_json(json: &Value) -> Option<Self> {
        let numbers = |value: &Value| -> Option<Vec<f64>> {
            value.as_array()?.iter().map(Value::as_f64).collect()
        };
        let mut values = BTreeMap::new();
        for (key, value) in json["values"].as_object()? {
            // Skip figures that no longer exist.
            if let Some(figure) = figure::find(key) {
                values.insert(figure.key, numbers(value)?);
            }
        }
        let load = json["load"].as_array()?.iter().map(|point| {
            let window = usize::try_from(point[0].as_u64()?).ok()?;
            Some((window, point[1].as_f64()?))
        });
        Some(Self {
            side: json["side"].as_str()?.to_owned(),
            values,
            load: load.collect::<Option<_>>()?,
            trips: numbers(&json["trips"])?,
        })
    }
}

/// The results of one run on a board.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The name of the board.
    pub board: String,
    /// How the devices were attached.
    pub attachment: String,
    /// The version of QEMU that was used.
    pub emulator: String,
    /// The results of all programs. The first program is compared with the others.
    pub columns: Vec<Column>,
    /// Additional notes, one line each, for example on programs that could not be measured.
    pub notes: Vec<String>,
}

impl Sheet {
    /// Returns the figures that any program has, in order.
    pub fn figures(&self) -> impl Iterator<Item = &'static figure::Figure> {
        let is_there = |key: &str| self.columns.iter().any(|one| one.value(key).is_some());
        FIGURES.iter().filter(move |figure| is_there(figure.key))
    }

    /// Returns all results as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let columns: Vec<Value> = self.columns.iter().map(Column::to_json).collect();
        json!({
            "board": self.board,
            "attachment": self.attachment,
            "qemu": self.emulator,
            "sides": columns,
            "notes": self.notes,
        })
    }

    fn of_json(json: &Value) -> Option<Self> {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let columns = json["sides"].as_array()?.iter().map(Column::of_json);
        let notes = json["notes"].as_array().into_iter().flatten();
        let notes = notes.filter_map(|note| note.as_str().map(str::to_owned));
        Some(Self {
            board: text("board")?,
            attachment: text("attachment")?,
            emulator: text("qemu")?,
            columns: columns.collect::<Option<_>>()?,
            notes: notes.collect(),
        })
    }

    /// Returns the path of the stored file in `folder`, without its extension.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}-{}", self.board, self.attachment))
    }

    /// Returns the stored results of the previous run, if they can be read.
    #[must_use]
    pub fn before(&self, folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(self.path(folder).with_extension("json")).ok()?;
        Self::of_json(&serde_json::from_str(&text).ok()?)
    }

    /// Stores the results, replacing those of the previous run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, folder: &Path) -> Outcome {
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
        let path = self.path(folder).with_extension("json");
        let text = serde_json::to_string(&self.to_json())?;
        fs::write(&path, text + "\n").map_err(FileError::at("write", &path))?;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sheet(sides: &[(&str, f64)]) -> Sheet {
        let columns = sides.iter().map(|&(side, udp)| {
            let mut column = Column::new(side);
            column.add(Values::from([("udp", udp), ("udp-32x64.rate", 1e6 / udp)]));
            column.load = vec![(1, udp), (32, udp / 2.0)];
            column.trips = vec![1.0, 2.0, 4.0];
            column
        });
        Sheet {
            board: "some-board".to_owned(),
            attachment: "mmio".to_owned(),
            emulator: "1.2.3".to_owned(),
            columns: columns.collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_value_is_the_median() {
        let mut column = Column::new("a");
        for udp in [9.0, 1.0, 5.0] {
            column.add(Values::from([("udp", udp)]));
        }
        assert_eq!(column.value("udp"), Some(5.0));
        assert_eq!(column.value("icmp"), None);
    }

    #[test]
    fn stored_results_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = sheet(&[("vmos", 100.0), ("floor", 10.5)]);
        assert_eq!(sheet.before(folder.path()), None);
        sheet.keep(folder.path()).unwrap();
        assert_eq!(sheet.before(folder.path()), Some(sheet));
    }
}
