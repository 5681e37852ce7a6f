//! What a machine prints when it has measured its disk.

use serde_json::Value;

use super::figure::Values;
use crate::guest::outcome::Outcome;

/// A result: so many requests of one kind, in so much time.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskResult {
    operation: String,
    /// Bytes of a request.
    block: u64,
    /// Requests under way.
    depth: u64,
    /// Requests answered.
    pub operations: f64,
    /// How long it took, in nanoseconds of the machine's clock.
    nanoseconds: f64,
}

/// The kinds of requests that have a figure, in the order in which machines measure them.
const KINDS: [(&str, u64, &str, &str); 4] = [
    ("randread", 1, "read-1", "read-1.rate"),
    ("randread", 32, "read-32", "read-32.rate"),
    ("randwrite", 1, "write-1", "write-1.rate"),
    ("randwrite", 32, "write-32", "write-32.rate"),
];

/// Bytes of the requests that have a figure.
const BLOCK: u64 = 4096;

impl DiskResult {
    /// The result in a line of JSON.
    ///
    /// # Errors
    /// It is none.
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
        read().ok_or_else(|| format!("no result of a disk: {line}").into())
    }

    /// The figure of what a request costs, where there is one.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        self.kind().map(|(_, _, cost, _)| *cost)
    }

    /// The figure of how many requests are answered in a second, where there is one, and its value.
    #[must_use]
    pub fn rate(&self) -> Option<(&'static str, f64)> {
        let (_, _, _, rate) = self.kind()?;
        Some((rate, self.operations / self.nanoseconds * 1e9))
    }

    /// Whether the cost or the rate of every kind is among the values.
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
