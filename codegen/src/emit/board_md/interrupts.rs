//! The interrupt map, ascending.

use crate::Board;
use crate::board::Interrupt;
use crate::emit::table::{self, Column, left, right};
use crate::notation::{row, trigger};

/// Returns the columns for a controller whose manual calls its inputs `number`.
const fn columns(number: &'static str) -> [Column<'static>; 4] {
    [
        right(number, 9),
        left("line", 11),
        left("trigger", 7),
        left("raised by", 48),
    ]
}

/// Returns a row for each line, or row of lines, of the controller.
pub(super) fn section(board: &Board) -> String {
    let rows: Vec<[String; 4]> = board
        .interrupts
        .iter()
        .map(|claim| {
            [
                row(claim.what.number, claim.what.count),
                line(board, claim.what),
                trigger(claim.what.trigger).to_owned(),
                format!("`{}`", claim.key),
            ]
        })
        .collect();
    table::render(&columns(board.interrupt_controller.number), &rows)
}

/// Returns the line in the words of the controller's manual.
pub(super) fn line(board: &Board, interrupt: Interrupt) -> String {
    let Interrupt { number, count, .. } = interrupt;
    let lines = board.interrupt_controller.lines.iter();
    let found = lines.clone().find_map(|lines| {
        let offset = number.checked_sub(lines.first)?;
        (offset < lines.count).then(|| format!("{} {}", lines.word, row(offset, count)))
    });
    // A number after all rows belongs to the last one.
    let last = || lines.last().map(|lines| lines.word.to_owned());
    found.or_else(last).unwrap_or_default()
}
