//! Collects the results of the machine tests in a table per board, with a row for each case and a
//! column for each attachment.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::tally::Verdict;

/// The results of the machine tests, by board, case and attachment.
#[derive(Debug, Default)]
pub(super) struct Table {
    boards: BTreeMap<String, Cases>,
}

#[derive(Debug, Default)]
struct Cases {
    attachments: Vec<String>,
    cases: BTreeMap<String, BTreeMap<String, Verdict>>,
}

impl Table {
    /// Reads a line of a harness. Only results of tests named board/attachment/case are recorded.
    pub(super) fn take(&mut self, line: &str) {
        if let Some((name, verdict)) = Verdict::of(line) {
            self.record(name, verdict);
        }
    }

    /// Records that a failed test passed when it was run again.
    pub(super) fn passed_again(&mut self, name: &str) {
        self.record(name, Verdict::PassedAgain);
    }

    fn record(&mut self, name: &str, verdict: Verdict) {
        let mut parts = name.splitn(3, '/').map(str::to_owned);
        let (Some(board), Some(attachment), Some(case)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let cases = self.boards.entry(board).or_default();
        if !cases.attachments.contains(&attachment) {
            cases.attachments.push(attachment.clone());
            cases.attachments.sort();
        }
        cases
            .cases
            .entry(case)
            .or_default()
            .insert(attachment, verdict);
    }

    /// Formats the table; empty if there was no machine test.
    pub(super) fn text(&self) -> String {
        let cases = self.boards.iter().flat_map(|(board, cases)| {
            cases
                .cases
                .keys()
                .map(String::as_str)
                .chain([board.as_str()])
        });
        let width = cases.map(str::len).max().unwrap_or(0) + 2;
        let mut text = String::new();
        for (board, Cases { attachments, cases }) in &self.boards {
            let mut row = |name: &str, indent: usize, cells: Vec<&str>| {
                let mut line = format!("{:indent$}{name:<rest$}", "", rest = width - indent);
                for (cell, attachment) in cells.iter().zip(attachments) {
                    // Writing to a string cannot fail.
                    let _ = write!(line, "  {cell:<0$}", attachment.len().max(LONGEST));
                }
                text.push_str(line.trim_end());
                text.push('\n');
            };
            row(board, 0, attachments.iter().map(String::as_str).collect());
            for (case, verdicts) in cases {
                let word = |attachment| verdicts.get(attachment).map_or("-", |&v| word(v));
                row(case, 2, attachments.iter().map(word).collect());
            }
            text.push('\n');
        }
        text
    }
}

/// The width of the longest result, "skipped".
const LONGEST: usize = 7;

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "skipped",
        Verdict::PassedAgain => "again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_verdicts_of_a_case_by_attachment() {
        let mut table = Table::default();
        table.take("test board/pci/echo  ... ok");
        table.take("test board/mmio/echo ... FAILED");
        table.take("test board/mmio/idle ... ok");
        table.take("test board/pci/idle ... FAILED");
        table.take("test a::unit::test ... ok");
        table.passed_again("board/pci/idle");
        let expected = "board    mmio     pci\n  echo   FAILED   ok\n  idle   ok       again\n\n";
        assert_eq!(table.text(), expected);
    }
}
