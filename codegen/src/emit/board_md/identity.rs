//! The parts of the board.

use crate::Board;
use crate::board::Part;
use crate::emit::table::{self, left};
use crate::notation::{hexadecimal, size};

pub(in crate::emit) type Row = [String; 3];

/// The default sizes, which are not mentioned.
const FAULT_STACK: u64 = 16 << 10;
const CONSOLE_BUFFER: u64 = 8 << 10;

fn row(what: &str, is: String, key: &str) -> Row {
    [what.to_owned(), is, format!("`{key}`")]
}

fn part(what: &str, part: &Part) -> Row {
    row(what, part.card.clone(), &part.key)
}

/// Returns a row for each part, with its key.
pub(super) fn section(board: &Board) -> String {
    table::render(
        &[left("", 20), left("", 54), left("from", 29)],
        &rows(board),
    )
}

/// Returns the rows separately: the part, its description, and the quoted key.
pub(in crate::emit) fn rows(board: &Board) -> Vec<Row> {
    let processor = board.architecture.to_string();
    let mut rows = vec![
        row("processor", processor, "board.architecture"),
        row("boot", board.boot.card.clone(), board.boot.key),
        row("stack", size(board.memory.stack), "memory.stack"),
    ];
    if board.memory.fault_stack != FAULT_STACK {
        let is = size(board.memory.fault_stack);
        rows.push(row("fault stack", is, "memory.fault-stack"));
    }
    if let Some(heap) = board.memory.heap {
        rows.push(row("heap", size(heap), "memory.heap"));
    }
    if board.memory.console_buffer != CONSOLE_BUFFER {
        let is = size(board.memory.console_buffer);
        rows.push(row("console buffer", is, "memory.console-buffer"));
    }
    rows.extend([
        part("interrupt controller", &board.interrupt_controller.part),
        part("timer", &board.timer.part),
        part("console", &board.console.part),
    ]);
    rows.extend(board.power.iter().map(|one| part("power", &one.part)));
    rows.extend(board.ethernet.iter().map(|one| part("ethernet", &one.part)));
    if let Some(slots) = &board.virtio_mmio {
        let is = format!("{} slots, {} apart", slots.count, hexadecimal(slots.stride));
        rows.push(row("virtio-mmio", is, "virtio-mmio"));
    }
    for part in &board.parts {
        let is = format!("{}: {}", part.kind, part.title);
        rows.push(row(&format!("part {}", part.name), is, &part.key));
    }
    rows
}
