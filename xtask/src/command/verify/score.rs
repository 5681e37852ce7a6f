//! Counts how many changed facts are reported.

use core::fmt;

use vmos_codegen::verify::mutate::{Fate, Mutants};

/// The smallest percentage of changes that must be reported at their line.
pub(super) const WANTED: usize = 95;

/// The score of a board, with the changes that were missed.
#[derive(Debug)]
pub struct Score<'a> {
    /// The name of the board.
    pub board: &'a str,
    /// The changes of the board, with their results.
    pub mutants: &'a Mutants,
}

impl Score<'_> {
    /// Returns whether enough changes were reported at their line.
    #[must_use]
    pub fn suffices(&self) -> bool {
        let all = self.mutants.list.len();
        all > 0 && self.mutants.caught() * 100 >= WANTED * all
    }
}

impl fmt::Display for Score<'_> {
    /// Writes a line with the score, and a line for each change that was missed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, caught) = (self.mutants.list.len(), self.mutants.caught());
        let tenths = (caught * 1000).checked_div(all).unwrap_or_default();
        let (checked, verified) = (
            self.mutants.count(Fate::Checked),
            self.mutants.count(Fate::Verified),
        );
        write!(
            formatter,
            "{}: {caught} of {all} changed facts are reported at their line ({}.{} %): {checked} by the \
             checks, {verified} by the machine",
            self.board,
            tenths / 10,
            tenths % 10
        )?;
        for mutant in self.mutants.missed() {
            write!(formatter, "\n  {}", mutant.describe())?;
        }
        if !self.mutants.choices.is_empty() {
            let choices = self.mutants.choices.join(", ");
            write!(
                formatter,
                "\n  not changed, because they are free choices: {choices}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vmos_codegen::verify::mutate::{Fact, Mutant};

    use super::*;

    fn mutants(caught: usize, survived: usize) -> Mutants {
        let mutant = |fate| Mutant {
            path: "console.x.base".to_owned(),
            fact: Fact::Address,
            place: ("boards/toy.toml".to_owned(), 7),
            original: "0x1000".to_owned(),
            changed: "0x2000".to_owned(),
            fate,
        };
        let mut list = vec![mutant(Fate::Verified); caught];
        list.extend(vec![mutant(Fate::Survived); survived]);
        Mutants {
            list,
            choices: vec!["memory.stack".to_owned()],
        }
    }

    #[test]
    fn a_score_lists_the_missed_changes() {
        let mutants = mutants(2, 1);
        let text = Score {
            board: "toy",
            mutants: &mutants,
        }
        .to_string();
        assert!(text.starts_with("toy: 2 of 3 changed facts"), "{text}");
        assert!(text.contains("(66.6 %)"), "{text}");
        let line = "\n  boards/toy.toml:7: console.x.base: 0x1000 -> 0x2000: not reported";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn ninety_five_of_a_hundred_suffice() {
        let suffices = |mutants: Mutants| {
            let score = Score {
                board: "toy",
                mutants: &mutants,
            };
            score.suffices()
        };
        assert!(suffices(mutants(95, 5)));
        assert!(!suffices(mutants(94, 6)));
        assert!(!suffices(mutants(0, 0)));
    }
}
