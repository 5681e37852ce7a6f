//! Do two ranges overlap?
//!
//! One range that is wrong may overlap many that are right. It is told once, with all of them.

use super::claims::{Purpose, RangeClaim};
use super::waivers::Waivers;
use crate::board::Range;
use crate::description::hexadecimal;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Tells of every overlap that no waiver allows.
pub(super) fn check(ranges: &[RangeClaim], waivers: &mut Waivers<'_>, problems: &mut Problems) {
    let mut pairs = Vec::new();
    for (index, one) in ranges.iter().enumerate() {
        for (offset, other) in ranges[index + 1..].iter().enumerate() {
            if overlap(one.range, other.range)
                && !is_meant(one, other)
                && !waivers.allow(&one.key, &other.key)
            {
                pairs.push((index, index + 1 + offset));
            }
        }
    }
    while let Some(culprit) = culprit(ranges, &pairs) {
        let claim = &ranges[culprit];
        let (its_own, others): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(one, other)| *one == culprit || *other == culprit);
        pairs = others;
        let partners: Vec<&RangeClaim> = its_own
            .iter()
            .map(|(one, other)| &ranges[if *one == culprit { *other } else { *one }])
            .collect();
        problems.report(report(claim, &partners));
    }
}

/// The range that overlaps most others; of equals the one nearest to the board's own last line.
fn culprit(ranges: &[RangeClaim], pairs: &[(usize, usize)]) -> Option<usize> {
    let count = |index: usize| {
        pairs
            .iter()
            .filter(|(one, other)| *one == index || *other == index)
            .count()
    };
    pairs
        .iter()
        .flat_map(|(one, other)| [*one, *other])
        .max_by_key(|index| {
            let at = ranges[*index].at;
            (count(*index), std::cmp::Reverse(at.file), at.start)
        })
}

fn report(claim: &RangeClaim, partners: &[&RangeClaim]) -> Diagnostic {
    let title = match partners {
        [one] => format!("`{}` overlaps `{}`", claim.key, one.key),
        _ => format!("`{}` overlaps {} other ranges", claim.key, partners.len()),
    };
    let diagnostic = Diagnostic::new(Code::Overlap, claim.at, title).label(describe(claim));
    let diagnostic = partners.iter().fold(diagnostic, |diagnostic, partner| {
        diagnostic.also(partner.at, describe(partner))
    });
    match partners {
        [one] => diagnostic.help(format!(
            "if it is meant: [waiver.NAME] between = [\"{}\", \"{}\"], reason = \"...\"",
            one.key, claim.key
        )),
        _ => diagnostic,
    }
}

/// A range with its first and last address.
pub(super) fn describe(claim: &RangeClaim) -> String {
    let Range { base, size } = claim.range;
    let last = base + (size - 1);
    format!(
        "`{}`: {} to {}",
        claim.key,
        hexadecimal(base),
        hexadecimal(last)
    )
}

fn overlap(one: Range, other: Range) -> bool {
    let last = |range: Range| range.base + (range.size - 1);
    one.base <= last(other) && other.base <= last(one)
}

/// Reserved memory is in RAM by its nature.
fn is_meant(one: &RangeClaim, other: &RangeClaim) -> bool {
    matches!(
        (one.purpose, other.purpose),
        (Purpose::Ram, Purpose::Reserved) | (Purpose::Reserved, Purpose::Ram)
    )
}
