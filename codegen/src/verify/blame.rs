//! Finds out which of two conflicting parts is wrong, by comparison with the machine.

use crate::diagnostic::{Diagnostic, Problems};
use crate::language::tree::Node;
use crate::siblings::path_of;
use crate::source::Location;

/// The keys that together form a range; an error at one of them concerns the others too.
const OF_A_RANGE: [&str; 5] = ["base", "size", "stride", "count", "buses"];

/// Removes conflicts between two claims if the machine contradicts one of them: then only that
/// contradiction is reported, with the right value. `root` is the tree of the board.
pub(super) fn the_guilty(problems: &mut Problems, contradictions: &[Diagnostic], root: &Node) {
    let wrong: Vec<Location> = contradictions.iter().map(Diagnostic::subject).collect();
    let wrong_ranges: Vec<String> = wrong.iter().filter_map(|at| range(root, *at)).collect();
    let is_wrong = |at: Location| {
        wrong.contains(&at) || range(root, at).is_some_and(|range| wrong_ranges.contains(&range))
    };
    problems.list_mut().retain(|one| {
        let others = one.secondary.iter().map(|label| label.at);
        let mut places = core::iter::once(one.primary.at).chain(others);
        !(one.code.is_of_two() && places.any(is_wrong))
    });
}

/// Returns the path of the range that a value is a part of.
fn range(root: &Node, at: Location) -> Option<String> {
    let path = path_of(root, at)?;
    let (range, key) = path.rsplit_once('.')?;
    OF_A_RANGE.contains(&key).then(|| range.to_owned())
}
