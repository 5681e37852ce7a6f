//! Finds out which of two conflicting parts is wrong, by comparison with the machine.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// Removes conflicts between two claims if the machine contradicts one of them: then only that
/// contradiction is reported, with the right value.
pub(super) fn the_guilty(problems: &mut Problems, contradictions: &[Diagnostic]) {
    let is_wrong = |at: Location| contradictions.iter().any(|one| one.subject() == at);
    problems.list_mut().retain(|one| {
        let is_of_two = matches!(one.code, Code::Overlap | Code::InterruptTwice);
        let others = one.secondary.iter().map(|label| label.at);
        let mut places = core::iter::once(one.primary.at).chain(others);
        !(is_of_two && places.any(is_wrong))
    });
}
