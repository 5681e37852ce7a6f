//! Reads a machine's counts, and computes their differences.

use std::collections::HashMap;
use std::io;

use crate::plugin::counter::{Counter, Counts};

/// The number of executions of the instruction at each address.
pub type Executions = HashMap<u64, f64>;

/// The counts of a machine, since its start or between two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// The total counts.
    pub counts: Counts,
    /// The executions of each instruction, if they are counted.
    pub executions: Option<Executions>,
}

impl Done {
    /// Returns the difference to an earlier moment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let executions = match (&self.executions, &earlier.executions) {
            (Some(now), Some(then)) => Some(difference(now, then)),
            _ => None,
        };
        Self {
            counts: self.counts.since(&earlier.counts),
            executions,
        }
    }
}

/// Returns how much more often each instruction was executed; unchanged ones are left out.
#[must_use]
pub fn difference(now: &Executions, then: &Executions) -> Executions {
    let since = |(&address, &count): (&u64, &f64)| {
        let more = count - then.get(&address).copied().unwrap_or_default();
        (more != 0.0).then_some((address, more))
    };
    now.iter().filter_map(since).collect()
}

/// Reads a machine's counts, with or without each instruction.
#[derive(Debug)]
pub struct Watch<'a> {
    counter: &'a mut Counter,
    looks_at_instructions: bool,
}

impl<'a> Watch<'a> {
    /// Watches a machine; counts each instruction if `looks_at_instructions`.
    #[must_use]
    pub fn new(counter: &'a mut Counter, looks_at_instructions: bool) -> Self {
        Self {
            counter,
            looks_at_instructions,
        }
    }

    /// Waits until nothing is in flight; returns the counts at that moment. See
    /// [`Counter::settled`].
    ///
    /// # Errors
    /// QEMU has ended, or the machine does not become idle.
    pub fn settled(&mut self) -> io::Result<Done> {
        self.counter.settled()?;
        self.now()
    }

    /// Waits until the processor sleeps. See [`Counter::idle`].
    ///
    /// # Errors
    /// As for [`settled`](Self::settled).
    pub fn idle(&mut self) -> io::Result<()> {
        self.counter.idle().map(drop)
    }

    /// Returns the current counts. Totals and instructions are consistent only if the machine is
    /// paused or idle.
    ///
    /// # Errors
    /// QEMU has ended, or there were too many instructions to count each.
    pub fn now(&mut self) -> io::Result<Done> {
        let counts = self.counter.read()?;
        if !self.looks_at_instructions {
            let executions = None;
            return Ok(Done { counts, executions });
        }
        if counts.left_out > 0 {
            return Err(io::Error::other(
                "the machine executes more code than the plugin can count by instruction",
            ));
        }
        let mut executions = Executions::new();
        for (address, times) in self.counter.instructions()? {
            *executions.entry(address).or_default() += times as f64;
        }
        Ok(Done {
            counts,
            executions: Some(executions),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unchanged_instructions_are_not_in_the_difference() {
        let then = Executions::from([(1, 5.0), (2, 1.0)]);
        let now = Executions::from([(1, 7.0), (2, 1.0), (3, 4.0)]);
        let expected = Executions::from([(1, 2.0), (3, 4.0)]);
        assert_eq!(difference(&now, &then), expected);
    }
}
