//! Everything that can be wrong with a description that can be read.
//!
//! Each check looks at all of it and tells what it finds. What a reader or an earlier check has told
//! is absent or left out of the claims, so that nothing is told twice.

mod architecture;
pub mod claims;
mod interrupts;
pub(crate) mod memory;
mod overlap;
mod undescribed;
mod waivers;

use claims::{Claims, InterruptClaim, RangeClaim};
use waivers::Waivers;

use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// What the parts of a board lay claim to.
pub(crate) struct Claimed {
    /// Ranges of physical addresses.
    pub(crate) ranges: Vec<RangeClaim>,
    /// Interrupts.
    pub(crate) interrupts: Vec<InterruptClaim>,
}

/// Tells all that is wrong with the description of the board `name`.
pub(crate) fn check(name: &str, description: &Description, problems: &mut Problems) -> Claimed {
    check_name(name, description, problems);
    let architecture = architecture::check(description, problems);

    let mut claims = Claims::new(architecture, problems);
    memory::claim(description, &mut claims);
    for binding in description.bindings() {
        binding.claim(&mut claims);
    }
    let Claims {
        ranges,
        interrupts,
        mut dropped,
        ..
    } = claims;
    dropped.extend(description.unread().map(str::to_owned));

    let mut waivers = Waivers::of(description);
    overlap::check(&ranges, &mut waivers, problems);
    interrupts::check(description, &interrupts, &mut waivers, problems);
    memory::check(description, &ranges, problems);
    for binding in description.bindings() {
        binding.check(description, problems);
    }
    undescribed::check(description, &ranges, problems);

    let keys: Vec<&str> = ranges
        .iter()
        .map(|claim| claim.key.as_str())
        .chain(interrupts.iter().map(|claim| claim.key.as_str()))
        .collect();
    waivers.finish(&keys, &dropped, problems);
    Claimed { ranges, interrupts }
}

/// A board is found by its file's name, and the kernel says its own: they must be the same.
fn check_name(file_name: &str, description: &Description, problems: &mut Problems) {
    let Some(board) = description.board.get() else {
        return;
    };
    let Some(name) = board
        .value
        .name
        .get()
        .filter(|name| name.value.0 != file_name)
    else {
        return;
    };
    let diagnostic = if name.at.file == board.at.file {
        Diagnostic::new(
            Code::NameMismatch,
            name.at,
            format!("the board's name is not that of its file, `{file_name}`"),
        )
        .label(format!("did you mean \"{file_name}\"?"))
    } else {
        let title = "a board needs a name of its own";
        Diagnostic::new(Code::NameMismatch, board.at, title)
            .label(format!("needs `name = \"{file_name}\"`"))
            .also(name.at, "this name is inherited")
    };
    problems.report(diagnostic);
}
