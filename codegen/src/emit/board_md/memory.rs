//! The memory map, ascending, with its gaps.

use crate::Board;
use crate::emit::table::{self, Column, left, right};
use crate::notation::{about, address, size};

const COLUMNS: [Column<'static>; 4] = [
    left("from", 19),
    left("to", 19),
    right("size", 12),
    left("what", 48),
];

/// Returns a row for each range, and for each gap between two.
pub(super) fn section(board: &Board) -> String {
    let mut rows = Vec::new();
    // Wider than an address: the end of the last possible range is 2^64.
    let mut end: Option<u128> = None;
    for claim in &board.ranges {
        let base = u128::from(claim.what.base);
        if let Some(gap) = end
            .and_then(|end| base.checked_sub(end))
            .filter(|gap| *gap > 0)
        {
            rows.push([
                String::new(),
                String::new(),
                about(gap),
                String::from("not described"),
            ]);
        }
        let past = base + u128::from(claim.what.size);
        let last = claim
            .what
            .base
            .saturating_add(claim.what.size.saturating_sub(1));
        let is_rest = is_rest(board, &claim.key);
        rows.push([
            address(claim.what.base),
            if is_rest {
                String::new()
            } else {
                address(last)
            },
            if is_rest {
                String::new()
            } else {
                size(claim.what.size)
            },
            format!("`{}`{}", claim.key, remark(board, &claim.key)),
        ]);
        end = Some(end.map_or(past, |end| end.max(past)));
    }
    table::render(&COLUMNS, &rows)
}

fn remark(board: &Board, key: &str) -> String {
    let of = |table: &str, name: &str| key.strip_prefix(table) == Some(name);
    if let Some(ram) = board
        .memory
        .ram
        .iter()
        .find(|ram| of("memory.ram.", &ram.name))
    {
        if let Some(of) = &ram.rest_of {
            return format!(" (the RAM beyond the limit of `memory.ram.{of}`)");
        }
        return String::from(if ram.size_is_stated {
            ""
        } else {
            " (expected; firmware reports the size)"
        });
    }
    let reserved = board
        .memory
        .reserved
        .iter()
        .find(|range| of("memory.reserved.", &range.name));
    reserved
        .map(|range| format!(": {}", range.reason))
        .unwrap_or_default()
}

/// Returns whether the range is RAM of unknown size.
fn is_rest(board: &Board, key: &str) -> bool {
    let mut ram = board.memory.ram.iter();
    ram.any(|ram| ram.rest_of.is_some() && key.strip_prefix("memory.ram.") == Some(&ram.name))
}
