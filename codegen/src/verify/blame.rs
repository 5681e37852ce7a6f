//! Which of two parts that claim the same is the one that is wrong: the machine knows.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// Takes out that two parts claim the same range or interrupt, where the machine shows which of them
/// says otherwise than it is: that one alone is told then, with the right value.
pub(super) fn the_guilty(problems: &mut Problems, contradictions: &[Diagnostic]) {
    let is_wrong = |at: Location| contradictions.iter().any(|one| one.subject() == at);
    problems.list_mut().retain(|one| {
        let is_of_two = matches!(one.code, Code::Overlap | Code::InterruptTwice);
        let others = one.secondary.iter().map(|label| label.at);
        let mut places = core::iter::once(one.primary.at).chain(others);
        !(is_of_two && places.any(is_wrong))
    });
}
