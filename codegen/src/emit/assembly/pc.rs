//! What the templates of x86 processors are given besides.

use minijinja::{Value, context};

use crate::Board;
use crate::notation::plain;

/// A page of the entry's map.
const LARGE_PAGE: u64 = 2 << 20;
/// How much the entry maps.
const MAPPED: u64 = 1 << 32;

/// The context under the name `pc`: in the entry's map, the first of the pages that hold registers,
/// behind the RAM below it.
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
