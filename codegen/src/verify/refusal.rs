//! Reports a machine that QEMU does not start, at the key that QEMU's message is about.

use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Problems};
use crate::source::{Location, Sources};

/// Returns the error of the board `name` whose machine QEMU does not start; `said` is QEMU's message.
/// `None` if the board file cannot be read.
pub fn refused(sources: &dyn Sources, name: &str, said: &str) -> Option<Diagnostics> {
    let mut problems = Problems::default();
    let (description, _) = Description::load(sources, name, &mut problems)?;
    let qemu = description.qemu.get()?;
    let (key, at) = guilty(&description, said).unwrap_or(("qemu", qemu.at));
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    // The message begins with the name of the program.
    let first = lines.next().unwrap_or("it ends at once");
    let message = first.split_once(": ").map_or(first, |(_, message)| message);
    let title = format!("QEMU does not start with this `{key}`");
    let diagnostic = Diagnostic::new(Code::NotOnMachine, at, title).label(message);
    problems.report(lines.fold(diagnostic, |diagnostic, line| diagnostic.note(line)));
    Some(problems.into_diagnostics())
}

/// Returns the key of `[qemu]` that a message is about, with its location.
fn guilty(description: &Description, said: &str) -> Option<(&'static str, Location)> {
    let qemu = description.qemu.value()?;
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["cpu model", "cpu type", "-cpu.", "cpu feature"]) {
        return Some(("qemu.cpu", qemu.cpu.get()?.at));
    }
    if has(&[
        "machine type",
        "-machine.",
        "machine property",
        "gic-version",
    ]) {
        return Some(("qemu.machine", qemu.machine.get()?.at));
    }
    if has(&["ram size", "memory size"]) {
        return Some(("qemu.memory", qemu.memory.get()?.at));
    }
    Some(("qemu.arguments", qemu.arguments.get()?.at))
}
