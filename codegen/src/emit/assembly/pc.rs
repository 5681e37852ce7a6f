//! The additional context for x86 templates.

use minijinja::{Value, context};

use crate::Board;
use crate::notation::plain;

/// The page size of the entry code's map.
const LARGE_PAGE: u64 = 2 << 20;
/// The size of the entry code's map.
const MAPPED: u64 = 1 << 32;

/// Returns the context with the name `pc`: the address of the first page that contains registers in
/// the entry code's map. The pages before it map RAM.
pub(super) fn context(board: &Board) -> Value {
    let registers = board
        .ranges
        .iter()
        .filter(|claim| !claim.key.starts_with("memory."))
        .map(|claim| claim.what.base)
        .min()
        .unwrap_or(MAPPED)
        .min(MAPPED);
    context! { registers => plain(registers / LARGE_PAGE * LARGE_PAGE), mapped => plain(MAPPED) }
}
