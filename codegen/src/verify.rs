//! Compares a description with the machine.
//!
//! Every binding declares what it expects in the machine ([`crate::part::expect`]). Each difference
//! is reported at the line of the board file that contradicts the machine.

mod blame;
mod delivery;
mod device;
mod instead;
mod memory;
pub mod mutate;
mod owner;
mod present;
mod processor;
mod range;
mod refusal;
mod row;
mod slots;

use std::collections::BTreeSet;

use crate::board::Range;
use crate::check;
use crate::description::Description;
use crate::diagnostic::{Diagnostics, Problems};
use crate::machine::Facts;
use crate::part::claims::Claimed;
use crate::siblings;
use crate::source::Sources;

pub use refusal::refused;

/// The number of values of each kind that match the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The number of matching address ranges.
    pub ranges: usize,
    /// The number of matching interrupts, where a row counts as one.
    pub interrupts: usize,
    /// The number of matching frequencies.
    pub frequencies: usize,
    /// The number of devices that are left out on purpose.
    pub undescribed: usize,
}

/// Reads and checks the board `name`, and compares it with the machine.
///
/// # Errors
/// All errors in the description itself, and all differences from the machine.
pub fn verify(sources: &dyn Sources, name: &str, facts: &Facts) -> Result<Agreed, Diagnostics> {
    let mut problems = Problems::default();
    let agreed = Description::load(sources, name, &mut problems).map(|(description, loaded)| {
        let claimed = check::check(name, &description, &mut problems);
        let mut contradictions = problems.scratch();
        let agreed = compare(&description, &claimed, facts, &mut contradictions);
        blame::the_guilty(&mut problems, contradictions.list(), &loaded.root);
        siblings::settle(&loaded, &mut problems);
        siblings::settle_machine(&loaded, &mut contradictions);
        problems.add_elsewhere(contradictions);
        siblings::name_keys(&loaded, &mut problems);
        agreed
    });
    match agreed {
        Some(agreed) if problems.is_empty() => Ok(agreed),
        _ => Err(problems.into_diagnostics()),
    }
}

/// Returns the devices of the machine that are neither described by the board `name` nor left out
/// on purpose, by address, each with its description. The board may have errors; a part that cannot
/// be read counts as not described.
pub fn undescribed(sources: &dyn Sources, name: &str, facts: &Facts) -> Vec<(Range, String)> {
    let mut problems = Problems::default();
    let Some((description, _)) = Description::load(sources, name, &mut problems) else {
        return Vec::new();
    };
    let claimed = check::check(name, &description, &mut problems);
    let facts = owner::numbered(&description, &claimed, facts, &mut problems);
    let mut comparison = Comparison::new(&description, &claimed, &facts, &mut problems);
    comparison.parts();
    comparison.left()
}

/// The state of a comparison.
struct Comparison<'a> {
    description: &'a Description,
    claimed: &'a Claimed,
    facts: &'a Facts,
    problems: &'a mut Problems,
    agreed: Agreed,
    /// The keys of claims that were compared with a device.
    compared: BTreeSet<String>,
    /// The keys of claims that do not exist in the machine.
    not_there: BTreeSet<String>,
    /// The keys of claims that may be larger in the machine.
    or_less: BTreeSet<String>,
    /// The keys of claims that are only a part of a device's registers.
    within: BTreeSet<String>,
    /// The keys of windows that the facts about the machine do not contain.
    windows: BTreeSet<String>,
    /// The devices that were identified as parts of the board.
    found: BTreeSet<usize>,
    /// The first addresses of the devices in the machine that have the inputs of the described
    /// interrupt controller; empty if they are unknown.
    controllers: Vec<u64>,
}

fn compare(
    description: &Description,
    claimed: &Claimed,
    facts: &Facts,
    problems: &mut Problems,
) -> Agreed {
    let facts = owner::numbered(description, claimed, facts, problems);
    let mut comparison = Comparison::new(description, claimed, &facts, problems);
    comparison.processor();
    comparison.parts();
    comparison.hart();
    comparison.delivery();
    comparison.ram();
    comparison.flash();
    comparison.rest_of_ranges();
    comparison.present();
    comparison.agreed
}

impl<'a> Comparison<'a> {
    fn new(
        description: &'a Description,
        claimed: &'a Claimed,
        facts: &'a Facts,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            description,
            claimed,
            facts,
            problems,
            agreed: Agreed::default(),
            compared: BTreeSet::new(),
            not_there: BTreeSet::new(),
            or_less: BTreeSet::new(),
            windows: BTreeSet::new(),
            within: BTreeSet::new(),
            found: BTreeSet::new(),
            controllers: Vec::new(),
        }
    }

    fn parts(&mut self) {
        let expected = self.description.expected();
        self.find_controllers(&expected.parts);
        for part in &expected.parts {
            self.part(part, &expected.parts);
        }
    }
}

#[cfg(test)]
mod tests;
