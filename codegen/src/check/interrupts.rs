//! Checks that the interrupt controller has all claimed interrupts, and that no two devices claim
//! the same one.

use super::waivers::Waivers;
use crate::board::Trigger;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::Space;
use crate::language::reader::list;
use crate::language::suggest::nearest;
use crate::part::claims::{InterruptClaim, Wiring};
use crate::part::{Controller, Inputs};

/// Reports every interrupt that the controller lacks and every one claimed twice.
pub(super) fn check(
    controller: Option<&dyn Controller>,
    claims: &[InterruptClaim],
    waivers: &mut Waivers<'_>,
    problems: &mut Problems,
) {
    let mut sound: Vec<&InterruptClaim> = Vec::new();
    for claim in claims {
        match controller.and_then(|controller| misplaced(claim, controller)) {
            Some(diagnostic) => problems.report(diagnostic),
            None => sound.push(claim),
        }
    }
    let inputs = controller.map_or(Vec::new(), Controller::inputs);
    // The later one in the board's own file is the one to report.
    sound.sort_by_key(|claim| (std::cmp::Reverse(claim.at.file), claim.at.start));
    for (index, claim) in sound.iter().enumerate() {
        for earlier in &sound[..index] {
            if shared(earlier, claim).is_some() && !waivers.allow(&earlier.key, &claim.key) {
                problems.report(claimed_twice(earlier, claim, &inputs));
            }
        }
    }
}

/// Returns the error for an interrupt that the controller or the device cannot have.
fn misplaced(claim: &InterruptClaim, controller: &dyn Controller) -> Option<Diagnostic> {
    let space = claim.first.space;
    let word = space.word();
    let all = controller.inputs();
    let Some(inputs) = all.iter().find(|inputs| inputs.space == space) else {
        if all.iter().any(|inputs| inputs.space.word() == word) {
            let is_known = controller.has_all_further();
            return is_known.then(|| unknown_controller(claim, controller, &all));
        }
        let mut words: Vec<&str> = all.iter().map(|inputs| inputs.space.word()).collect();
        words.dedup();
        let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let title = format!("`{}` has no `{word}` interrupts", controller.place().path);
        return Some(
            Diagnostic::new(Code::WrongSpace, claim.at, title)
                .label(format!("it has {}", known.join(" and ")))
                .also(controller.place().at, "the interrupt controller")
                .helps(same_number(claim, &all)),
        );
    };
    if let Some(diagnostic) = wrong_wiring(claim, inputs, controller) {
        return Some(diagnostic);
    }
    let is_low = matches!(
        claim.first.trigger,
        Some(Trigger::LevelLow | Trigger::EdgeFalling)
    );
    if is_low && !controller.takes_low() {
        let title = format!(
            "`{}` does not support active-low lines",
            controller.place().path
        );
        return Some(
            Diagnostic::new(Code::BadInterrupt, claim.at, title)
                .label("`trigger` must be \"level\" or \"edge\"")
                .also(controller.place().at, "the interrupt controller"),
        );
    }
    let last = u64::from(claim.first.number) + u64::from(claim.count.saturating_sub(1));
    if last < u64::from(inputs.count) {
        return None;
    }
    let title = format!("there is no interrupt `{}`", space.said(last));
    let row = match claim.count {
        1 => String::new(),
        count => format!("{count} interrupts from {} to {last}: ", claim.first.number),
    };
    let greatest = inputs.count.saturating_sub(1);
    Some(
        Diagnostic::new(Code::InterruptOutOfRange, claim.at, title)
            .label(format!(
                "{row}`{word}` goes from {} to {greatest}",
                inputs.least
            ))
            .also(controller.place().at, "the interrupt controller")
            .helps(own_number(claim, &all)),
    )
}

/// Returns the error for an interrupt of a further controller that the board does not describe.
fn unknown_controller(
    claim: &InterruptClaim,
    controller: &dyn Controller,
    all: &[Inputs],
) -> Diagnostic {
    let (space, place) = (claim.first.space, controller.place());
    let name = space.controller().unwrap_or_default();
    let title = format!("`{}` has no further controller `{name}`", place.path);
    let names = all.iter().filter_map(|inputs| inputs.space.controller());
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    let number = Space::new(space.word()).written(claim.first.number);
    let first = format!("for an input of the first controller, write {number}");
    let diagnostic = Diagnostic::new(Code::BadInterrupt, claim.at, title)
        .also(place.at, "the interrupt controller");
    match nearest(name, names.iter().copied()) {
        Some(near) => diagnostic
            .label(format!("did you mean `{near}`?"))
            .help(first),
        None if names.is_empty() => diagnostic
            .label("the board describes one controller")
            .help(first),
        None => diagnostic
            .label(format!("the further ones are {}", list(&names)))
            .help(first),
    }
}

/// Returns a help text for an interrupt whose number is right and whose space is wrong, if exactly
/// one other space fits.
fn same_number(claim: &InterruptClaim, inputs: &[Inputs]) -> Option<String> {
    let is_wired = |row: &&Inputs| {
        let private = claim.wiring == Wiring::Private;
        row.private.is_none_or(|row| row == private)
    };
    let first = inputs.iter().filter(|row| row.space.controller().is_none());
    let mut first = first.filter(is_wired);
    let (Some(only), None) = (first.next(), first.next()) else {
        return None;
    };
    let (word, number) = (only.space.word(), claim.first.number);
    (number < only.count).then(|| format!("if the number is right, write {{ {word} = {number} }}"))
}

fn wrong_wiring(
    claim: &InterruptClaim,
    inputs: &Inputs,
    controller: &dyn Controller,
) -> Option<Diagnostic> {
    let private = inputs.private?;
    let (what, wanted) = match claim.wiring {
        Wiring::Shared if private => ("all processors share this interrupt", false),
        Wiring::Private if !private => ("each processor has its own interrupt here", true),
        _ => return None,
    };
    let all = controller.inputs();
    let right = all.iter().find(|inputs| inputs.private == Some(wanted))?;
    let (word, wanted, number) = (
        claim.first.space.word(),
        right.space.word(),
        claim.first.number,
    );
    let title = format!("`{}` cannot be a `{word}` interrupt", claim.key);
    let diagnostic = Diagnostic::new(Code::WrongSpace, claim.at, title);
    if number < right.count {
        return Some(diagnostic.label(format!("{what}: did you mean `{wanted}`?")));
    }
    // The number does not exist in the right space: it may be the controller's own.
    let own = number
        .checked_sub(right.first)
        .filter(|own| *own < right.count);
    let own = own.map(|own| {
        format!("if {number} is the controller's own number, write {{ {wanted} = {own} }}")
    });
    Some(
        diagnostic
            .label(format!("{what}: it must be a `{wanted}`"))
            .helps(own),
    )
}

/// Returns the first interrupt number that two claims have in common.
fn shared(one: &InterruptClaim, other: &InterruptClaim) -> Option<u32> {
    if one.first.space != other.first.space {
        return None;
    }
    let end = |claim: &InterruptClaim| claim.first.number.saturating_add(claim.count);
    let first = one.first.number.max(other.first.number);
    (first < end(one).min(end(other))).then_some(first)
}

fn claimed_twice(
    earlier: &InterruptClaim,
    claim: &InterruptClaim,
    inputs: &[Inputs],
) -> Diagnostic {
    let number = shared(earlier, claim).unwrap_or(claim.first.number);
    let title = format!(
        "interrupt `{}` is claimed twice",
        claim.first.space.said(number.into())
    );
    Diagnostic::new(Code::InterruptTwice, claim.at, title)
        .label(describe(claim))
        .also(earlier.at, describe(earlier))
        .note("`cargo xtask verify` shows which of them differs from the machine")
        .helps(own_number(claim, inputs).or_else(|| own_number(earlier, inputs)))
        .help(super::waivers::suggestion(&earlier.key, &claim.key))
}

/// Returns a help text for a number that is the controller's own instead of the space's, such as an
/// INTID for an SPI.
fn own_number(claim: &InterruptClaim, inputs: &[Inputs]) -> Option<String> {
    // The numbers of a further controller count its own inputs; what is added to them is not the
    // machine's.
    if claim.first.space.controller().is_some() {
        return None;
    }
    let number = claim.first.number;
    let counted = inputs.iter().find(|row| row.space == claim.first.space)?;
    // If the space starts at 0, both are the same.
    let row = inputs.iter().filter(|_| counted.first > 0).find(|row| {
        let offset = number.checked_sub(row.first);
        offset.is_some_and(|offset| offset < row.count) && row.private == counted.private
    })?;
    Some(format!(
        "if {number} is the controller's own number, write {{ {} = {} }}",
        row.space.word(),
        number - row.first
    ))
}

fn describe(claim: &InterruptClaim) -> String {
    let first = claim.first.number;
    match claim.count {
        0 | 1 => format!("`{}`", claim.key),
        count => format!(
            "`{}`: {first} to {}",
            claim.key,
            first.saturating_add(count - 1)
        ),
    }
}
