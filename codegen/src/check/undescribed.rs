//! Checks that no address under `[undescribed]` belongs to a described part.

use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::hexadecimal;
use crate::part::claims::{Purpose, RangeClaim};

/// Reports addresses under `[undescribed]` that a described part claims.
pub(super) fn check(description: &Description, ranges: &[RangeClaim], problems: &mut Problems) {
    let Some(undescribed) = description.undescribed.value() else {
        return;
    };
    let is_there = |claim: &&RangeClaim| claim.purpose != Purpose::View;
    for claim in ranges.iter().filter(is_there) {
        let mut inside = undescribed
            .0
            .iter()
            .filter(|entry| (claim.range.base..=claim.last()).contains(&entry.address));
        let Some(first) = inside.next() else { continue };
        let title = format!(
            "{} is both described and left out",
            hexadecimal(first.address)
        );
        let diagnostic = Diagnostic::new(Code::UndescribedIsDescribed, first.at, title)
            .label(format!("`{}` claims this address", claim.key))
            .also(claim.at, claim.describe())
            .remove()
            .help("or correct one of the addresses");
        problems.report(inside.fold(diagnostic, |diagnostic, entry| {
            diagnostic.also(entry.at, "this address is both described and left out, too")
        }));
    }
}
