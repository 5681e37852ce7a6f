//! The additional context for Arm templates: how the loader enters the kernel, and what only the
//! most privileged level can set up.

use minijinja::{Value, context};

use crate::Board;
use crate::notation::plain;

/// Returns the context with the name `arm`.
pub(super) fn context(board: &Board) -> Value {
    context! {
        frequency => timer(board, "frequency"),
        gic => gic(board),
        ..super::loader(board)
    }
}

/// Returns the interrupt controller, whose interrupts the secure state must release.
fn gic(board: &Board) -> Value {
    let entry = &board.interrupt_controller.part.entry;
    if entry.is_empty() {
        return context! { version => 0 };
    }
    let told = entry.iter().map(|&(name, number)| {
        let number = match name {
            "version" => Value::from(number),
            _ => Value::from(plain(number)),
        };
        (name, number)
    });
    Value::from_pairs(told)
}

/// Returns the timer's value with this name for the entry code.
fn timer(board: &Board, name: &str) -> Option<u64> {
    let mut entry = board.timer.part.entry.iter();
    entry
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
}
