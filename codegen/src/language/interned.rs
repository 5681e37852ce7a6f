//! Texts of files as `&'static str`, like those of the generator itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Returns a text that lives as long as the program. Each text is kept once.
pub(crate) fn interned(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(one) = known.get(text) {
        return one;
    }
    let one: &'static str = Box::leak(Box::from(text));
    known.insert(one);
    one
}
