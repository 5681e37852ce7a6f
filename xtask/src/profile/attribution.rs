//! Attributes the instructions of an operation to functions and source lines.

use core::fmt::Write as _;
use core::ops::Range;
use std::collections::BTreeMap;

use crate::bench::table::number;
use crate::bench::watch::Executions;
use crate::symbolise::{Frame, Symbols};

/// The name for code outside the image.
const FIRMWARE: &str = "(firmware)";

/// The name for code without a symbol.
const UNKNOWN: &str = "(unknown)";

/// The instructions of an operation, by function and line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The total number of instructions.
    pub total: f64,
    /// Instructions by function, including those inlined elsewhere. Inlined code of Rust's standard
    /// library counts for the function that uses it.
    pub functions: BTreeMap<String, f64>,
    /// Instructions by source line. Those of the standard library count for the line that uses it.
    pub lines: BTreeMap<String, f64>,
    /// Instructions by chain of functions, each inlined into the one before it.
    pub chains: BTreeMap<Vec<String>, f64>,
}

impl Profile {
    /// Attributes each instruction; addresses outside `text` belong to firmware.
    #[must_use]
    pub fn new(executions: &Executions, symbols: &Symbols, text: &Range<u64>) -> Self {
        let mut profile = Self::default();
        for (&address, &count) in executions {
            let frames = if text.contains(&address) {
                symbols.frames(address)
            } else {
                vec![Frame {
                    function: Some(FIRMWARE.to_owned()),
                    ..Frame::default()
                }]
            };
            profile.add(&frames, count);
        }
        profile
    }

    fn add(&mut self, frames: &[Frame], count: f64) {
        self.total += count;
        let used = frames.iter().find(|frame| !comes_with_rust(frame));
        let owner = used.or(frames.last());
        let name = owner.map_or_else(|| UNKNOWN.to_owned(), label);
        *self.functions.entry(name.clone()).or_default() += count;
        let line = owner.and_then(Frame::place).unwrap_or(name);
        *self.lines.entry(line).or_default() += count;
        let chain = frames.iter().rev().map(label).collect();
        *self.chains.entry(chain).or_default() += count;
    }

    /// Returns the functions, those with the most instructions first.
    #[must_use]
    pub fn largest(&self) -> Vec<(&str, f64)> {
        sorted(&self.functions)
    }

    /// Formats a table of the functions and one of the lines, with `top` rows each.
    #[must_use]
    pub fn text(&self, top: usize) -> String {
        let mut text = String::new();
        for (title, counts) in [("function", &self.functions), ("line", &self.lines)] {
            let _ = writeln!(text, "{:>14}     %  {title}", "instructions");
            let rows = sorted(counts);
            for (name, count) in rows.iter().take(top) {
                let part = 100.0 * count / self.total;
                let _ = writeln!(text, "{:>14} {part:>5.1}  {name}", number(*count));
            }
            if let Some(rest) = rows.get(top..).filter(|rest| !rest.is_empty()) {
                let count: f64 = rest.iter().map(|(_, count)| count).sum();
                let part = 100.0 * count / self.total;
                let more = rest.len();
                let _ = writeln!(text, "{:>14} {part:>5.1}  ({more} more)", number(count));
            }
            text.push('\n');
        }
        text
    }
}

/// Returns whether a function is part of Rust's standard library.
fn comes_with_rust(frame: &Frame) -> bool {
    const CRATES: [&str; 3] = ["core/", "alloc/", "compiler-builtins/"];
    let file = frame.file.as_deref().unwrap_or_default();
    CRATES.iter().any(|one| file.starts_with(one))
}

/// Returns the label of a function: its name without type parameters, and its source file, because
/// the line tables of an image omit modules.
fn label(frame: &Frame) -> String {
    let name = frame.function.as_deref().unwrap_or(UNKNOWN);
    let name = match name.find('<') {
        None | Some(0) => name,
        Some(types) => name[..types].trim_end_matches("::"),
    };
    match frame.file.as_deref() {
        None | Some("") => name.to_owned(),
        Some(file) => format!("{name} in {file}"),
    }
}

fn sorted(counts: &BTreeMap<String, f64>) -> Vec<(&str, f64)> {
    let mut rows: Vec<_> = counts
        .iter()
        .map(|(name, &count)| (name.as_str(), count))
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str) -> Frame {
        Frame {
            function: Some(function.to_owned()),
            file: Some(file.to_owned()),
            line: Some(7),
        }
    }

    #[test]
    fn standard_library_code_counts_for_its_user() {
        let mut profile = Profile::default();
        let inlined = [
            frame("max", "core/src/cmp.rs"),
            frame("turn", "kernel/src/event_loop.rs"),
            frame("run<A>", "kernel/src/lib.rs"),
        ];
        profile.add(&inlined, 2.0);
        assert_eq!(
            profile.largest(),
            [("turn in kernel/src/event_loop.rs", 2.0)]
        );
        let line = "kernel/src/event_loop.rs:7".to_owned();
        assert_eq!(profile.lines, BTreeMap::from([(line, 2.0)]));
        let chain = [
            "run in kernel/src/lib.rs",
            "turn in kernel/src/event_loop.rs",
            "max in core/src/cmp.rs",
        ];
        assert!(profile.chains.contains_key(&chain.map(str::to_owned)[..]));
    }

    #[test]
    fn a_called_standard_library_function_counts_for_itself() {
        let mut profile = Profile::default();
        profile.add(&[frame("memcpy", "compiler-builtins/src/mem.rs")], 3.0);
        assert_eq!(
            profile.largest(),
            [("memcpy in compiler-builtins/src/mem.rs", 3.0)]
        );
    }

    #[test]
    fn rows_not_shown_are_summed_up() {
        let mut profile = Profile::default();
        for (name, count) in [("a", 6.0), ("b", 3.0), ("c", 1.0)] {
            profile.add(&[frame(name, "kernel/src/a.rs")], count);
        }
        let text = profile.text(1);
        assert!(
            text.contains("6.00  60.0  a in kernel/src/a.rs\n"),
            "{text}"
        );
        assert!(text.contains("4.00  40.0  (2 more)\n"), "{text}");
    }
}
