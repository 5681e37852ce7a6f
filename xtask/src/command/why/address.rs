//! Answers for an address: what each board has there.

use vmos_codegen::board::{Claim, Range};
use vmos_codegen::facts::{Fact, Fixed};
use vmos_codegen::influence::is_within;
use vmos_codegen::language::hexadecimal;

use super::board::{Loaded, grouped, text_of};
use super::symbol;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Describes what is at an address, on each board that has something there.
pub(super) fn answer(
    workspace: &Workspace,
    loaded: &[Loaded],
    address: u64,
) -> Result<String, Failure> {
    let mut answers = Vec::new();
    for one in loaded {
        let mut said = Vec::new();
        let mut keys: Vec<&str> = Vec::new();
        for claim in one
            .board
            .ranges
            .iter()
            .filter(|claim| holds(claim, address))
        {
            let mut text = format!("{}\n", position_in(one, claim, address));
            for fact in extent(one, &claim.key) {
                text += &one.setting(&fact.path);
                keys.push(&fact.path);
            }
            said.push(text);
        }
        let values = one.facts.iter().filter(|fact| {
            let is_told = said
                .iter()
                .any(|text| text.contains(&format!("{} =", fact.path)));
            fact.value == Fixed::Address(address) && !is_told
        });
        for fact in values.collect::<Vec<_>>() {
            said.push(format!(
                "`{}` has this address\n{}",
                fact.path,
                one.setting(&fact.path)
            ));
            keys.push(&fact.path);
        }
        if said.is_empty() {
            said.extend(undescribed(one, address));
        }
        said.extend(symbol::at(workspace, one, address));
        if !said.is_empty() {
            answers.push((one, said.join("\n"), one.generated(&keys)?));
        }
    }
    if answers.is_empty() {
        return Err(nothing(loaded, address));
    }
    Ok(text_of(&hexadecimal(address), &grouped(answers)))
}

/// Describes the claims of a port, on each board that has one there.
pub(super) fn port(loaded: &[Loaded], number: u64) -> Result<String, Failure> {
    let mut answers = Vec::new();
    for one in loaded {
        for claim in one.board.ports.iter().filter(|claim| holds(claim, number)) {
            let last = claim.what.base + (claim.what.size - 1);
            let mut said = match claim.what.size {
                1 => format!("claimed by `{}`\n", claim.key),
                _ => format!(
                    "port number {} of those claimed by `{}`: {} to {}\n",
                    number - claim.what.base,
                    claim.key,
                    vmos_codegen::language::port(claim.what.base),
                    vmos_codegen::language::port(last)
                ),
            };
            let facts = one.facts.iter().filter(|fact| {
                is_within(&fact.path, &claim.key) && matches!(fact.value, Fixed::Port(_))
            });
            let keys: Vec<&str> = facts.map(|fact| fact.path.as_str()).collect();
            for key in &keys {
                said += &one.setting(key);
            }
            answers.push((one, said, one.generated(&keys)?));
        }
    }
    let what = format!("port {}", vmos_codegen::language::port(number));
    if answers.is_empty() {
        return Err(nobody(loaded, &what));
    }
    Ok(text_of(&what, &grouped(answers)))
}

/// Returns a message that no board claims a port. If one board was named, it lists the claimed
/// ports.
fn nobody(loaded: &[Loaded], what: &str) -> Failure {
    let [one] = loaded else {
        return format!("no board claims {what}\n  use --board BOARD to see the ports it claims")
            .into();
    };
    let mut text = format!("the board `{}` does not claim {what}", one.board.name);
    for claim in &one.board.ports {
        let last = claim.what.base + (claim.what.size - 1);
        text += &format!(
            "\n  {} to {}: `{}`",
            vmos_codegen::language::port(claim.what.base),
            vmos_codegen::language::port(last),
            claim.key
        );
    }
    if one.board.ports.is_empty() {
        text += ": its processor has no I/O ports";
    }
    text.into()
}

fn holds(claim: &Claim<Range>, address: u64) -> bool {
    address
        .checked_sub(claim.what.base)
        .is_some_and(|offset| offset < claim.what.size)
}

/// Describes the position of an address in a claimed range.
fn position_in(loaded: &Loaded, claim: &Claim<Range>, address: u64) -> String {
    let offset = address - claim.what.base;
    let last = claim.what.base + (claim.what.size - 1);
    let place = match offset {
        0 => String::from("the first byte"),
        offset => format!("{offset:#x} bytes into the range"),
    };
    let of = if offset == 0 { "of the range" } else { "" };
    let words = format!("{place} {of}");
    let mut text = format!(
        "{} claimed by `{}`: {} to {}",
        words.trim_end(),
        claim.key,
        hexadecimal(claim.what.base),
        hexadecimal(last)
    );
    // A range of equal slots has a stride.
    let stride = loaded.fact(&format!("{}.stride", claim.key));
    if let Some(Fixed::Size(stride @ 1..)) = stride.map(|fact| fact.value.clone()) {
        text += &format!(
            "; {:#x} bytes into slot {}",
            offset % stride,
            offset / stride
        );
    }
    text
}

/// Returns the facts that set the base and the size of a claimed range.
fn extent<'l>(loaded: &'l Loaded, key: &str) -> Vec<&'l Fact> {
    let is_direct = |path: &str| is_within(path, key) && !path[key.len() + 1..].contains('.');
    let facts = loaded
        .facts
        .iter()
        .filter(|fact| fact.path != key && is_direct(&fact.path));
    let counts = |fact: &&Fact| {
        let last = fact.path.rsplit('.').next().unwrap_or_default();
        match fact.value {
            Fixed::Address(_) => true,
            Fixed::Size(_) => matches!(last, "size" | "stride"),
            Fixed::Number(_) => matches!(last, "count" | "buses"),
            _ => false,
        }
    };
    facts.filter(counts).collect()
}

/// Describes the `[undescribed]` line for an address: the nearest one at or below it, unless a
/// claim is in between.
fn undescribed(loaded: &Loaded, address: u64) -> Option<String> {
    let (base, reason) = loaded
        .board
        .undescribed
        .iter()
        .filter(|(base, _)| *base <= address)
        .max_by_key(|(base, _)| *base)?;
    let claimed_between = loaded
        .board
        .ranges
        .iter()
        .any(|claim| claim.what.base > *base && claim.what.base <= address);
    if claimed_between || address - base >= 0x1000_0000 {
        return None;
    }
    let fact = loaded.facts.iter().find(|fact| {
        let written = fact.path.strip_prefix("undescribed.0x").unwrap_or_default();
        u64::from_str_radix(&written.replace('_', ""), 16) == Ok(*base)
    })?;
    let place = match address - base {
        0 => String::from("left out on purpose"),
        offset => format!("not described; {offset:#x} bytes above an address left out on purpose"),
    };
    Some(format!("{place}: {reason}\n{}", loaded.setting(&fact.path)))
}

fn nothing(loaded: &[Loaded], address: u64) -> Failure {
    let at = hexadecimal(address);
    let [one] = loaded else {
        return format!(
            "no board describes anything at {at}\n  use --board BOARD to see what is next to it"
        )
        .into();
    };
    let mut text = format!("the board `{}` describes nothing at {at}", one.board.name);
    let ranges = &one.board.ranges;
    let before = ranges.iter().rev().find(|claim| claim.what.base < address);
    let after = ranges.iter().find(|claim| claim.what.base > address);
    if let Some(claim) = before {
        let last = hexadecimal(claim.what.base + (claim.what.size - 1));
        text += &format!("\n  `{}` below it ends at {last}", claim.key);
    }
    if let Some(claim) = after {
        let base = hexadecimal(claim.what.base);
        text += &format!("\n  `{}` above it starts at {base}", claim.key);
    }
    text.into()
}
