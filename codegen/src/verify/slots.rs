//! Compares PCI slots with other wiring.

use super::Comparison;
use crate::board::Trigger;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::Located;
use crate::part::expect::SlotLines;

impl Comparison<'_> {
    /// Compares a row of slots; reports nothing if the machine does not state it.
    pub(super) fn slot_lines(&mut self, row: &SlotLines) {
        let known = &self.facts.slot_lines;
        let described: Option<Vec<u32>> = row
            .lines
            .iter()
            .map(|line| {
                Some(
                    self.description
                        .surroundings()
                        .number(line.value, 1, Trigger::Level)?
                        .number,
                )
            })
            .collect();
        let Some(described) = described else { return };
        let in_row = |slot: &u32| (row.first.value..=row.last.value).contains(&u64::from(*slot));
        let Some((_, there)) = known.iter().find(|(slot, _)| in_row(slot)) else {
            return;
        };
        if described != there {
            for (line, there) in row.lines.iter().zip(*there) {
                self.interrupt(line, Some(there), "the pin");
            }
            return;
        }
        self.agreed.interrupts += 1;
        let alike = known.iter().filter(|(_, lines)| described == lines);
        let alike: Vec<u32> = alike.map(|(slot, _)| *slot).collect();
        for (end, there) in [
            (&row.first, alike.iter().min()),
            (&row.last, alike.iter().max()),
        ] {
            if let Some(there) = there.filter(|there| u64::from(**there) != end.value) {
                let diagnostic = wrong_end(end, *there);
                self.problems.report(diagnostic);
            }
        }
    }
}

fn wrong_end(end: &Located<u64>, there: u32) -> Diagnostic {
    let title = format!("the machine has another value for `{}`", end.path);
    Diagnostic::new(Code::MachineProperty, end.at, title)
        .label(format!("slots with this wiring end at {there}"))
        .write_number(there.into())
}
