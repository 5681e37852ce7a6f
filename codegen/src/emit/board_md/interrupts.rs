//! The interrupt map, ascending.

use crate::Board;
use crate::board::{Interrupt, InterruptController};
use crate::emit::notation::{gic_line, row, trigger};
use crate::emit::table::{self, Column, left, right};

/// The columns of a controller that calls its inputs by `number`.
const fn columns(number: &'static str) -> [Column; 4] {
    [
        right(number, 9),
        left("line", 11),
        left("trigger", 7),
        left("raised by", 48),
    ]
}

/// A row for each line, or row of lines, of the controller.
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
    let number = match board.interrupt_controller {
        InterruptController::GicV2 { .. } | InterruptController::GicV3 { .. } => "INTID",
        InterruptController::Apic { .. } => "input",
        InterruptController::Plic { .. } => "source",
    };
    table::render(&columns(number), &rows)
}

/// The line as the manual of the board's controller calls it.
pub(super) fn line(board: &Board, interrupt: Interrupt) -> String {
    match board.interrupt_controller {
        InterruptController::GicV2 { .. } | InterruptController::GicV3 { .. } => {
            gic_line(interrupt)
        }
        InterruptController::Plic { .. } => {
            format!("PLIC {}", row(interrupt.number, interrupt.count))
        }
        InterruptController::Apic { .. } => {
            format!("GSI {}", row(interrupt.number, interrupt.count))
        }
    }
}
