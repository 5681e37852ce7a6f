//! The ports, ascending.

use crate::Board;
use crate::emit::table::{self, left};

/// Returns a row for each range of ports; empty on a processor without ports.
pub(super) fn section(board: &Board) -> String {
    if board.ports.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 2]> = board
        .ports
        .iter()
        .map(|claim| {
            let (first, size) = (claim.what.base, claim.what.size);
            let ports = match size {
                1 => format!("{first:#x}"),
                _ => format!("{first:#x}-{:#x}", first + (size - 1)),
            };
            [ports, format!("`{}`", claim.key)]
        })
        .collect();
    table::render(&[left("ports", 13), left("what", 48)], &rows)
}
