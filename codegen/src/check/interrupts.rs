//! Does the controller have these interrupts, and does each belong to one device?

use super::claims::{InterruptClaim, Wiring};
use super::waivers::Waivers;
use crate::binding::{Controller, Inputs};
use crate::board::Trigger;
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Tells of every interrupt that the controller lacks and of every one claimed twice.
pub(super) fn check(
    description: &Description,
    claims: &[InterruptClaim],
    waivers: &mut Waivers<'_>,
    problems: &mut Problems,
) {
    let mut sound: Vec<&InterruptClaim> = Vec::new();
    for claim in claims {
        let controller = description
            .controller()
            .map(|controller| controller.binding());
        match controller.and_then(|controller| misplaced(claim, controller)) {
            Some(diagnostic) => problems.report(diagnostic),
            None => sound.push(claim),
        }
    }
    // The later one in the board's own file is the one to look at.
    sound.sort_by_key(|claim| (std::cmp::Reverse(claim.at.file), claim.at.start));
    for (index, claim) in sound.iter().enumerate() {
        for earlier in &sound[..index] {
            if shared(earlier, claim).is_some() && !waivers.allow(&earlier.key, &claim.key) {
                problems.report(claimed_twice(earlier, claim));
            }
        }
    }
}

/// An interrupt that the controller or the device cannot have.
fn misplaced(claim: &InterruptClaim, controller: &dyn Controller) -> Option<Diagnostic> {
    let space = claim.first.space;
    let word = space.word();
    let all = controller.inputs();
    let Some(inputs) = all.iter().find(|inputs| inputs.space == space) else {
        let known: Vec<String> = all
            .iter()
            .map(|inputs| format!("`{}`", inputs.space.word()))
            .collect();
        let title = format!("`{}` has no `{word}` interrupts", controller.place().path);
        return Some(
            Diagnostic::new(Code::WrongSpace, claim.at, title)
                .label(format!("it has {}", known.join(" and ")))
                .also(controller.place().at, "the interrupt controller"),
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
            "`{}` takes no lines that are low as they ask",
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
    let title = format!("there is no interrupt `{word} = {last}`");
    let row = match claim.count {
        1 => String::new(),
        count => format!("{count} interrupts from {} to {last}: ", claim.first.number),
    };
    let greatest = inputs.count.saturating_sub(1);
    Some(
        Diagnostic::new(Code::InterruptOutOfRange, claim.at, title)
            .label(format!("{row}`{word}` goes from 0 to {greatest}"))
            .also(controller.place().at, "the interrupt controller"),
    )
}

fn wrong_wiring(
    claim: &InterruptClaim,
    inputs: &Inputs,
    controller: &dyn Controller,
) -> Option<Diagnostic> {
    let private = inputs.private?;
    let (what, wanted) = match claim.wiring {
        Wiring::Shared if private => ("all processors share it", false),
        Wiring::Private if !private => ("it is part of each processor", true),
        _ => return None,
    };
    let all = controller.inputs();
    let right = all.iter().find(|inputs| inputs.private == Some(wanted))?;
    let word = claim.first.space.word();
    let title = format!("`{}` cannot be a `{word}` interrupt", claim.key);
    Some(
        Diagnostic::new(Code::WrongSpace, claim.at, title)
            .label(format!("{what}: did you mean `{}`?", right.space.word())),
    )
}

/// The first number that two claims share.
fn shared(one: &InterruptClaim, other: &InterruptClaim) -> Option<u32> {
    if one.first.space != other.first.space {
        return None;
    }
    let end = |claim: &InterruptClaim| claim.first.number.saturating_add(claim.count);
    let first = one.first.number.max(other.first.number);
    (first < end(one).min(end(other))).then_some(first)
}

fn claimed_twice(earlier: &InterruptClaim, claim: &InterruptClaim) -> Diagnostic {
    let word = claim.first.space.word();
    let number = shared(earlier, claim).unwrap_or(claim.first.number);
    let title = format!("interrupt `{word} = {number}` is claimed twice");
    Diagnostic::new(Code::InterruptTwice, claim.at, title)
        .label(describe(claim))
        .also(earlier.at, describe(earlier))
        .help(super::waivers::suggestion(&earlier.key, &claim.key))
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
