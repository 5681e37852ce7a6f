//! The values expected in firmware's tables, one row each.

use super::Imports;
use super::memory::Names;
use crate::Board;
use crate::board::Fact;
use crate::notation;

/// rustfmt's `fn_call_width`, at its default.
const CALL_WIDTH: usize = 60;

/// Returns `static FIRMWARE`, in rustfmt's layout.
pub(super) fn table(board: &Board, names: &Names, imports: &mut Imports) -> String {
    imports.add("vmos_drivers::attestation", "Fact");
    let rows: String = board
        .firmware
        .iter()
        .map(|fact| row(&call(fact, names)))
        .collect();
    let mut text = "#[unsafe(export_name = \"__vmos_board_firmware\")]\n".to_owned();
    text += &match board.firmware.len() {
        0 => "static FIRMWARE: [Fact; 0] = [];\n".to_owned(),
        count => format!("static FIRMWARE: [Fact; {count}] = [\n{rows}];\n"),
    };
    text
}

/// Returns a row of the list; its arguments are on separate lines if they are too wide for one.
fn row((constructor, arguments): &(&str, Vec<String>)) -> String {
    let line = arguments.join(", ");
    if line.chars().count() <= CALL_WIDTH {
        return format!("    Fact::{constructor}({line}),\n");
    }
    let lines: String = arguments
        .iter()
        .map(|argument| format!("        {argument},\n"))
        .collect();
    format!("    Fact::{constructor}(\n{lines}    ),\n")
}

/// Returns the constructor of `vmos_drivers::attestation::Fact` with its arguments.
fn call(fact: &Fact, names: &Names) -> (&'static str, Vec<String>) {
    let text = |text: &str| format!("\"{text}\"");
    match fact {
        Fact::Inputs { space, cell, first } => {
            let cell = cell.map_or_else(|| "None".to_owned(), |cell| format!("Some({cell})"));
            ("inputs", vec![text(space), cell, first.to_string()])
        }
        Fact::Part { key, compatible } => ("part", vec![text(key), text(compatible)]),
        Fact::Holder { key, property } => ("holder", vec![text(key), text(property)]),
        Fact::Or { compatible } => ("or", vec![text(compatible)]),
        Fact::Registers { key, index, range } => (
            "registers",
            vec![text(key), index.to_string(), names.region(*range)],
        ),
        Fact::Interrupt { key, index, number } => (
            "interrupt",
            vec![text(key), index.to_string(), number.to_string()],
        ),
        Fact::Frequency {
            key,
            property,
            hertz,
        } => (
            "frequency",
            vec![text(key), text(property), notation::decimal(*hertz)],
        ),
        Fact::Slots {
            base,
            stride,
            count,
            interrupt,
        } => (
            "slots",
            vec![
                names.region_from(*base),
                notation::hexadecimal(*stride),
                count.to_string(),
                interrupt.to_string(),
            ],
        ),
        Fact::Window { key, space, range } => (
            "window",
            vec![text(key), space.to_string(), names.region(*range)],
        ),
        Fact::Intx { key, number } => ("intx", vec![text(key), number.to_string()]),
        Fact::Text {
            key,
            property,
            text: wanted,
        } => ("text", vec![text(key), text(property), text(wanted)]),
        Fact::LocalApic { key, range } => ("local_apic", vec![text(key), names.region(*range)]),
        Fact::IoApic { key, range, first } => (
            "io_apic",
            vec![text(key), names.region(*range), first.to_string()],
        ),
        Fact::Ecam { key, range } => ("ecam", vec![text(key), names.region(*range)]),
        Fact::PowerTimer { key, port } => (
            "power_timer",
            vec![text(key), notation::hexadecimal((*port).into())],
        ),
    }
}
