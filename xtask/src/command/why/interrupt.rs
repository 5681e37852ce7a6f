//! Answers for an interrupt: which keys claim it.

use vmos_codegen::facts::Fixed;

use super::board::{Loaded, grouped, text_of};
use super::query::Interrupt;
use crate::failure::Failure;

/// Lists the keys that claim the interrupt, on each board where one does.
pub(super) fn answer(loaded: &[Loaded], asked: &Interrupt) -> Result<String, Failure> {
    let mut answers = Vec::new();
    for one in loaded {
        // The number in a space comes before the controller's own number.
        let candidates = [number(one, asked), asked.own_number()];
        let claims = |number: u32| {
            let claims = one.board.interrupts.iter().filter(move |claim| {
                let first = claim.what.number;
                (first..first.saturating_add(claim.what.count)).contains(&number)
            });
            claims.collect::<Vec<_>>()
        };
        let mut claimed = candidates.into_iter().flatten();
        let Some(number) = claimed.find(|number| !claims(*number).is_empty()) else {
            continue;
        };
        for claim in claims(number) {
            let within = number - claim.what.number;
            let mut said = match claim.what.count {
                1 => format!(
                    "the controller's input {number}, claimed by `{}`\n",
                    claim.key
                ),
                count => format!(
                    "the controller's input {number}, claimed by `{}`: number {within} of its \
                     {count}, from 0\n",
                    claim.key
                ),
            };
            said += &one.setting(&claim.key);
            answers.push((one, said, one.generated(&[&claim.key])?));
        }
    }
    let what = match asked {
        Interrupt::Controller(number) => format!("interrupt {number}"),
        Interrupt::Space {
            space,
            number,
            controller: None,
        } => format!("{space} {number}"),
        Interrupt::Space {
            space,
            number,
            controller: Some(name),
        } => format!("{space} {number} of {name}"),
    };
    if answers.is_empty() {
        return Err(nobody(loaded, &what));
    }
    Ok(text_of(&what, &grouped(answers)))
}

/// Returns the controller's own number of an interrupt. The start of its space is derived from any
/// interrupt of the board in the same space of the same controller.
fn number(loaded: &Loaded, asked: &Interrupt) -> Option<u32> {
    let Interrupt::Space {
        space,
        number,
        controller,
    } = asked
    else {
        return None;
    };
    loaded.board.interrupts.iter().find_map(|claim| {
        let Fixed::Interrupt(written) = loaded.fact(&claim.key)?.value else {
            return None;
        };
        let begin = claim.what.number.checked_sub(written.number)?;
        let is_there =
            written.space.word() == *space && written.space.controller() == controller.as_deref();
        is_there.then(|| begin.checked_add(*number))?
    })
}

fn nobody(loaded: &[Loaded], what: &str) -> Failure {
    let mut text = match loaded {
        [one] => format!("no key of the board `{}` claims {what}", one.board.name),
        _ => format!("no key of any board claims {what}"),
    };
    if let [one] = loaded {
        text += "; these are claimed:";
        for claim in &one.board.interrupts {
            let number = claim.what.number;
            let written = one.fact(&claim.key).map(|fact| fact.value.to_string());
            let written = written.unwrap_or_default();
            text += &match claim.what.count {
                1 => format!("\n  {number}: `{}`, {written}", claim.key),
                count => format!(
                    "\n  {number} to {}: `{}`, from {written}",
                    number + count - 1,
                    claim.key
                ),
            };
        }
    }
    text.into()
}
