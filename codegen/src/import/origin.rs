//! The machine of a board file that has errors.

use super::{Origin, QemuOrigin};
use crate::description::Description;
use crate::diagnostic::Problems;
use crate::source::Sources;

/// Returns the machine that the board `name` describes in `[board]` and `[qemu]`; `None` if these
/// tables have errors. The rest of the file may have any.
#[must_use]
pub fn origin(sources: &dyn Sources, name: &str) -> Option<Origin> {
    let mut problems = Problems::default();
    let (description, _) = Description::load(sources, name, &mut problems)?;
    let qemu = description.qemu.value()?;
    let given = qemu.arguments.value()?.iter();
    let mut arguments: Vec<String> = given.map(|word| word.value.0.clone()).collect();
    let boot = description.boot.value();
    let boot = boot.and_then(|boot| boot.0.resolve(&description.surroundings()));
    let words = boot.map_or(&[][..], |boot| boot.arguments);
    arguments.extend(words.iter().map(|word| (*word).to_owned()));
    Some(Origin {
        name: name.to_owned(),
        architecture: *description.board.value()?.architecture.value()?,
        from: format!("the machine of {name}"),
        qemu: Some(QemuOrigin {
            machine: qemu.machine.value()?.0.clone(),
            cpu: qemu.cpu.value()?.0.clone(),
            memory: qemu.memory.value()?.0,
            arguments,
            version: None,
        }),
    })
}
