//! Checks that the processor has the translation tables of the board.

use crate::board::{Architecture, PageTables};
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::processors;

/// Reports long descriptors for a processor that has only short ones: the kernel would run with the
/// MMU and the caches off.
pub(super) fn check(
    description: &Description,
    architecture: Option<Architecture>,
    problems: &mut Problems,
) {
    let qemu = description.qemu.value();
    let cpu = qemu.and_then(|qemu| qemu.cpu.get());
    let memory = description.memory.get();
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return;
    };
    let Some(tables) = memory.value.page_tables.get() else {
        return;
    };
    let is_fine = tables.value == PageTables::Short || processors::has_extensions(&cpu.value.0);
    if architecture != Some(Architecture::Arm) || is_fine {
        return;
    }
    let name = processors::name(&cpu.value.0);
    let title = format!("the processor, {name}, has no long descriptors");
    // A default has the location of its table.
    let is_default = tables.at == memory.value.place.at;
    problems.report(match is_default {
        true => Diagnostic::new(Code::WrongArchitecture, cpu.at, title)
            .label("needs short ones; otherwise the MMU and the caches stay off")
            .add("memory", "page-tables = \"short\""),
        false => Diagnostic::new(Code::WrongArchitecture, tables.at, title)
            .label("it needs short ones; otherwise the MMU and the caches stay off")
            .also(cpu.at, "the processor")
            .write("\"short\""),
    });
}
