//! The cost of one operation of a machine.

use super::watch::{Done, Executions, Watch, difference};
use crate::guest::outcome::Outcome;
use crate::plugin::counter::Counts;

/// The average cost of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// The number of instructions.
    pub instructions: f64,
    /// The number of accesses to device registers: reads and writes.
    pub accesses: f64,
    /// The number of times that the processor woke from the idle state.
    pub wakeups: f64,
    /// The number of times that the instruction at each address was executed, if that was counted.
    pub executions: Option<Executions>,
}

impl Cost {
    /// Creates a cost with only the number of instructions.
    #[must_use]
    pub fn instructions(instructions: f64) -> Self {
        Self {
            instructions,
            ..Self::default()
        }
    }

    /// Averages the cost of `operations` operations.
    #[must_use]
    pub fn of(done: Done, operations: f64) -> Self {
        Self::difference(done, &Done::default(), operations)
    }

    /// Measures the cost of an operation without the one-time costs of a series: observes a series
    /// of `count` operations and one of twice as many, and takes the difference.
    ///
    /// # Errors
    /// `row`, which runs the given number of operations, fails, or the counts cannot be read.
    pub fn by_slope(
        watch: &mut Watch<'_>,
        count: usize,
        mut row: impl FnMut(&mut Watch<'_>, usize) -> Outcome,
    ) -> Outcome<Self> {
        let start = watch.settled()?;
        row(watch, count)?;
        let middle = watch.settled()?;
        row(watch, 2 * count)?;
        let end = watch.settled()?;
        let (once, twice) = (middle.since(&start), end.since(&middle));
        Ok(Self::difference(twice, &once, count as f64))
    }

    fn difference(more: Done, fewer: &Done, operations: f64) -> Self {
        let each = |of: fn(&Counts) -> u64| {
            (of(&more.counts) as f64 - of(&fewer.counts) as f64) / operations
        };
        let costs = [
            each(|counts| counts.instructions),
            each(|counts| counts.reads + counts.writes),
            each(|counts| counts.resumes),
        ];
        let executions = more.executions.map(|executions| {
            let none = Executions::new();
            let fewer = fewer.executions.as_ref().unwrap_or(&none);
            let mut each = difference(&executions, fewer);
            each.values_mut().for_each(|count| *count /= operations);
            each
        });
        let [instructions, accesses, wakeups] = costs;
        Self {
            instructions,
            accesses,
            wakeups,
            executions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(instructions: u64, at: u64, count: f64) -> Done {
        Done {
            counts: Counts {
                instructions,
                ..Counts::default()
            },
            executions: Some(Executions::from([(at, count)])),
        }
    }

    #[test]
    fn a_cost_is_an_average() {
        let cost = Cost::of(done(100, 7, 20.0), 10.0);
        assert_eq!(cost.instructions, 10.0);
        assert_eq!(cost.executions, Some(Executions::from([(7, 2.0)])));
    }

    #[test]
    fn one_time_costs_of_a_series_cancel_out() {
        // 50 for the row and 5 for each of 10 or 20 operations.
        let cost = Cost::difference(done(150, 7, 20.0), &done(100, 7, 10.0), 10.0);
        assert_eq!(cost.instructions, 5.0);
        assert_eq!(cost.executions, Some(Executions::from([(7, 1.0)])));
    }
}
