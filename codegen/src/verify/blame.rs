//! Finds out which of two conflicting parts is wrong, by comparison with the machine.

use crate::diagnostic::{Diagnostic, Problems};
use crate::source::Location;

/// Removes conflicts between two claims if the machine contradicts one of them: then only that
/// contradiction is reported, with the right value.
pub(super) fn the_guilty(problems: &mut Problems, contradictions: &[Diagnostic]) {
    let is_wrong = |at: Location| contradictions.iter().any(|one| one.subject() == at);
    problems.list_mut().retain(|one| {
        let others = one.secondary.iter().map(|label| label.at);
        let mut places = core::iter::once(one.primary.at).chain(others);
        !(one.code.is_of_two() && places.any(is_wrong))
    });
}
