//! Checks that QEMU's processor is of the board's architecture.

use crate::board::Architecture;
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::processors;

/// Reports a processor that is known to be of another architecture.
pub(super) fn check(
    description: &Description,
    architecture: Option<Architecture>,
    problems: &mut Problems,
) {
    let qemu = description.qemu.value();
    let cpu = qemu.and_then(|qemu| qemu.cpu.get());
    let identity = description.board.value();
    let stated = identity.and_then(|board| board.architecture.get());
    let (Some(cpu), Some(architecture), Some(stated)) = (cpu, architecture, stated) else {
        return;
    };
    let Some(known) = processors::known(&cpu.value.0) else {
        return;
    };
    let right = known.architecture;
    if right == Some(architecture) {
        return;
    }
    let name = processors::name(&cpu.value.0);
    let title = format!("the processor, {name}, does not fit the architecture {architecture}");
    let article = match known.version.starts_with(['a', 'A']) {
        true => "an",
        false => "a",
    };
    let label = match right {
        None => format!(
            "{article} {} processor, which VMOS does not support",
            known.version
        ),
        Some(right) => format!("{article} {} processor, for \"{right}\"", known.version),
    };
    problems.report(
        Diagnostic::new(Code::WrongArchitecture, cpu.at, title)
            .label(label)
            .also(stated.at, "the board's architecture")
            .helps(of(architecture)),
    );
}

/// Returns a help text with the processors of an architecture.
fn of(architecture: Architecture) -> Option<String> {
    let names = processors::of(architecture).join(", ");
    (!names.is_empty()).then(|| format!("processors for {architecture}: {names}"))
}
