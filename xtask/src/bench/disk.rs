//! Parses the results that a machine prints when it measures its disk.

use serde_json::Value;

use super::figure::Values;
use crate::guest::outcome::Outcome;

/// A result: a number of requests of one kind, and the time they took.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskResult {
    operation: String,
    /// The size of a request, in bytes.
    block: u64,
    /// The number of requests in flight during the run.
    depth: u64,
    /// The number of completed requests.
    pub operations: f64,
    /// The duration of the run, in nanoseconds of the machine's clock.
    nanoseconds: f64,
}

/// The kinds of requests with a figure, in the order in which machines measure them.
const KINDS: [(&str, u64, &str, &str); 4] = [
    ("randread", 1, "read-1", "read-1.rate"),
    ("randread", 32, "read-32", "read-32.rate"),
    ("randwrite", 1, "write-1", "write-1.rate"),
    ("randwrite", 32, "write-32", "write-32.rate"),
];

/// The size of the requests with a figure, in bytes.
const BLOCK: u64 = 4096;

impl DiskResult {
    /// Parses a line of JSON.
    ///
    /// # Errors
    /// The line is not a result.
    pub fn of(line: &Value) -> Outcome<Self> {
        let number = |key: &str| line[key].as_u64().filter(|&number| number > 0);
        let read = || {
            Some(Self {
                operation: line["op"].as_str()?.to_owned(),
                block: number("bs")?,
                depth: number("qd")?,
                operations: number("ops")? as f64,
                nanoseconds: number("ns")? as f64,
            })
        };
        read().ok_or_else(|| format!("not a result of a disk measurement: {line}").into())
    }

    /// Returns the key of the figure for the cost of a request, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        self.kind().map(|(_, _, cost, _)| *cost)
    }

    /// Returns the key and value of the figure for requests per second, if there is one.
    #[must_use]
    pub fn rate(&self) -> Option<(&'static str, f64)> {
        let (_, _, _, rate) = self.kind()?;
        Some((rate, self.operations / self.nanoseconds * 1e9))
    }

    /// Returns whether `values` contains the cost or the rate of every kind.
    #[must_use]
    pub fn are_all_in(values: &Values) -> bool {
        KINDS
            .iter()
            .all(|(_, _, cost, rate)| values.contains_key(cost) || values.contains_key(rate))
    }

    fn kind(&self) -> Option<&'static (&'static str, u64, &'static str, &'static str)> {
        KINDS.iter().find(|(operation, depth, ..)| {
            self.operation == *operation && self.depth == *depth && self.block == BLOCK
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_belongs_to_the_figures_of_its_kind() {
        let line = json!({"bench": "blk", "op": "randwrite", "bs": 4096, "qd": 32,
                          "ops": 500, "ns": 1_000_000_000u64});
        let result = DiskResult::of(&line).unwrap();
        assert_eq!(result.key(), Some("write-32"));
        assert_eq!(result.rate(), Some(("write-32.rate", 500.0)));
    }

    #[test]
    fn other_sizes_have_no_figure() {
        let line = json!({"op": "randread", "bs": 65536, "qd": 1, "ops": 1, "ns": 1});
        assert_eq!(DiskResult::of(&line).unwrap().key(), None);
    }

    #[test]
    fn a_run_without_requests_is_no_result() {
        let line = json!({"op": "randread", "bs": 4096, "qd": 1, "ops": 0, "ns": 1});
        assert!(DiskResult::of(&line).is_err());
    }
}
