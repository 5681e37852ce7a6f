//! Tests that a failing machine prints a report and exits with a failing status.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::symbolise::{Symboliser, Symbols};

use super::{Case, Need};
use crate::console;

pub(super) const CASES: [Case; 5] = [
    Case::once_a_board("reports_a_panic", |setting| reports(setting, "panic")).needing(Need::Table),
    Case::once_a_board("reports_a_null_access", |setting| reports(setting, "null"))
        .needing(Need::Table),
    Case::once_a_board("reports_a_stack_overflow", |setting| {
        reports(setting, "stack")
    })
    .needing(Need::Table),
    Case::once_a_board("reports_a_stack_overflow_in_large_steps", |setting| {
        reports(setting, "frame")
    })
    .needing(Need::Table),
    Case::once_a_board("reports_an_undefined_instruction", |setting| {
        reports(setting, "undefined")
    })
    .needing(Need::Table),
];

pub(super) const SELFTEST: &str = "selftest";

pub(super) fn reports(setting: &Setting, fault: &str) -> Outcome {
    let draft = setting.machine(SELFTEST)?.append(&format!("fault={fault}"));
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    ensure!(
        status.code().is_some_and(|code| code != 0),
        "it ended with {status}"
    );
    let text = machine.serial.text();
    ensure!(text.lines().any(console::is_panic), "it printed no report");
    let frames: Vec<_> = text
        .lines()
        .filter(|line| console::is_frame(line))
        .collect();
    ensure!(
        frames.len() >= 2,
        "its backtrace has {} frames",
        frames.len()
    );
    ensure!(
        text.contains("last events of the loop:") && text.contains("] ran tasks"),
        "the report lacks the last events of the loop"
    );

    ensure!(
        !matches!(fault, "stack" | "frame") || text.contains("a stack overflow"),
        "the report does not name the overflow:\n{text}"
    );

    let symbols = Symbols::read(&setting.image(SELFTEST)?.elf, setting.root())
        .map_err(|error| error.to_string())?;
    let mut explained = Vec::new();
    let mut symboliser = Symboliser::new(&mut explained, |address| symbols.describe(address));
    for frame in &frames {
        symboliser.write(format!("{frame}\n").as_bytes())?;
    }
    let explained = String::from_utf8(explained)?;
    let named = explained
        .lines()
        .any(|line| line.contains("apps/selftest/src/"));
    ensure!(named, "no frame is in a function of the app:\n{explained}");
    Ok(())
}
