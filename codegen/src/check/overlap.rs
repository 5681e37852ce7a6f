//! Checks that no two ranges overlap.
//!
//! A wrong range may overlap several right ones; it is reported once, with all of them.

use super::waivers::Waivers;
use crate::board::Range;
use crate::machine::overlap as machine_overlap;
use crate::part::claims::{Purpose, RangeClaim};

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Size, hexadecimal};

/// Reports every overlap that no waiver allows.
pub(super) fn check(ranges: &[RangeClaim], waivers: &mut Waivers<'_>, problems: &mut Problems) {
    let mut pairs = Vec::new();
    for (index, one) in ranges.iter().enumerate() {
        for (offset, other) in ranges[index + 1..].iter().enumerate() {
            let mut is_waived = || may_be_meant(one, other) && waivers.allow(&one.key, &other.key);
            if one.overlaps(other) && !is_meant(one, other) && !is_waived() {
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
        let mut partners: Vec<&RangeClaim> = its_own
            .iter()
            .map(|(one, other)| &ranges[if *one == culprit { *other } else { *one }])
            .collect();
        // An overlap with reserved memory is reported as one with its RAM.
        let has_ram = partners.iter().any(|one| one.purpose == Purpose::Ram);
        partners.retain(|one| !has_ram || one.purpose != Purpose::Reserved);
        let refused = partners
            .iter()
            .filter_map(|one| waivers.refuse(&one.key, &claim.key));
        let diagnostic = report(claim, &partners, ranges);
        problems.report(refused.fold(diagnostic, |diagnostic, at| {
            diagnostic.also(at, "no waiver allows this")
        }));
    }
}

/// Returns the range with the most overlaps; of several, the one nearest to the last line of the
/// board's own file.
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

fn report(claim: &RangeClaim, partners: &[&RangeClaim], all: &[RangeClaim]) -> Diagnostic {
    let title = match partners {
        [one] => format!("`{}` overlaps `{}`", claim.key, one.key),
        _ => format!("`{}` overlaps {} other ranges", claim.key, partners.len()),
    };
    let diagnostic = Diagnostic::new(Code::Overlap, claim.at, title).label(claim.describe());
    let diagnostic = partners.iter().fold(diagnostic, |diagnostic, partner| {
        diagnostic.also(partner.at, partner.describe())
    });
    if let Some(help) = swapped(claim, partners, all) {
        return diagnostic.help(help);
    }
    let diagnostic =
        diagnostic.note("`cargo xtask verify` shows which of them differs from the machine");
    match partners {
        [one] if may_be_meant(one, claim) => {
            diagnostic.help(super::waivers::suggestion(&one.key, &claim.key))
        }
        [one] => diagnostic
            .note(never_meant(one, claim))
            .helps(after(one, claim, all)),
        _ => diagnostic,
    }
}

/// The smallest ratio of a size to its base for which both are probably exchanged.
const LIKELY: u64 = 4;

/// Returns a help text if the base and the size of one range are exchanged, and no overlap
/// would remain.
fn swapped(claim: &RangeClaim, partners: &[&RangeClaim], all: &[RangeClaim]) -> Option<String> {
    let candidates = core::iter::once(claim).chain(partners.iter().copied());
    let mut sound = candidates.filter_map(|one| {
        let swapped = one.swapped().filter(|_| one.size_at != one.at)?;
        let is_free = |other: &RangeClaim| other.key == one.key || !other.overlaps(&swapped);
        let is_likely = one.range.size / LIKELY >= one.range.base && all.iter().all(is_free);
        is_likely.then_some((one, swapped))
    });
    let (one, right) = sound.next()?;
    Some(format!(
        "base and size of `{}` seem to be swapped: base = {}, size = {}",
        one.key,
        hexadecimal(right.range.base),
        Size(right.range.size).written()
    ))
}

/// Returns a help text if a range of RAM would be free after the other one.
fn after(one: &RangeClaim, claim: &RangeClaim, all: &[RangeClaim]) -> Option<String> {
    if [one.purpose, claim.purpose] != [Purpose::Ram; 2] {
        return None;
    }
    let end = one.range.base.checked_add(one.range.size)?;
    let moved = Range {
        base: end,
        size: claim.range.size,
    };
    let is_free = |other: &RangeClaim| {
        other.key == claim.key
            || other.purpose == Purpose::Reserved
            || !machine_overlap(other.range, moved)
    };
    all.iter().all(is_free).then(|| {
        format!(
            "`{}` ends at {}: write base = {} if `{}` follows it",
            one.key,
            hexadecimal(end - 1),
            hexadecimal(end),
            claim.key
        )
    })
}

/// Returns whether a machine can have both ranges at the same addresses. It cannot if the processor
/// would have to choose between them: RAM and a window of a bus, two windows, or a window and the
/// registers of the same bridge. Two ranges of RAM or flash cannot have the same addresses either.
fn may_be_meant(one: &RangeClaim, other: &RangeClaim) -> bool {
    let is_memory = |claim: &RangeClaim| matches!(claim.purpose, Purpose::Ram | Purpose::Flash);
    if is_memory(one) && is_memory(other) {
        return false;
    }
    let is_window = |claim: &RangeClaim| claim.purpose == Purpose::Window;
    let never = |window: &RangeClaim, other: &RangeClaim| {
        let bridge = window.key.split(".windows").next().unwrap_or(&window.key);
        is_window(window)
            && (matches!(other.purpose, Purpose::Ram | Purpose::Window) || other.key == bridge)
    };
    !never(one, other) && !never(other, one)
}

/// Returns why a waiver cannot allow this overlap.
fn never_meant(one: &RangeClaim, other: &RangeClaim) -> &'static str {
    match (one.purpose, other.purpose) {
        (Purpose::Ram, Purpose::Ram) => "an address belongs to one range of RAM",
        (Purpose::Flash, Purpose::Flash) => "an address belongs to one range of flash",
        (Purpose::Ram, Purpose::Flash) | (Purpose::Flash, Purpose::Ram) => {
            "an address belongs either to RAM or to flash"
        }
        (Purpose::Ram, _) | (_, Purpose::Ram) => "an address belongs either to RAM or to the bus",
        _ => "a bridge uses each address only once",
    }
}

/// Returns whether the overlap is always allowed: reserved memory lies in RAM.
fn is_meant(one: &RangeClaim, other: &RangeClaim) -> bool {
    matches!(
        (one.purpose, other.purpose),
        (Purpose::Ram, Purpose::Reserved) | (Purpose::Reserved, Purpose::Ram)
    )
}
