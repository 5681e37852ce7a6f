//! The parts of the board.

use crate::Board;
use crate::board::Part;
use crate::emit::table::{self, left};
use crate::notation::{hexadecimal, size};

pub(in crate::emit) type Row = [String; 3];

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
        part("interrupt controller", &board.interrupt_controller.part),
        part("timer", &board.timer.part),
        part("console", &board.console.part),
    ];
    rows.extend(board.power.iter().map(|one| part("power", &one.part)));
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
