//! A description held against the machine.
//!
//! [`Facts`] is what the machine says of itself: QEMU's memory tree, its device tree where it has
//! one, and its own list of devices where it has none. Every binding declares what it expects there
//! ([`expect`]); what differs is told at the line that says otherwise, as any other mistake. Things
//! are known by what they are (`compatible`) and where they are, never by the names of nodes.

pub mod acpi;
mod blame;
pub mod device;
pub mod device_tree;
pub mod expect;
mod memory;
pub mod memory_tree;
pub mod models;
pub mod mutate;
mod part;
mod present;
mod row;
mod slots;

use std::collections::BTreeSet;

use crate::board::Range;
use crate::check::{self, Claimed};
use crate::description::Description;
use crate::diagnostic::{Diagnostics, Problems};
use crate::siblings;
use crate::source::Sources;
use device::Device;
use device_tree::DeviceTree;
use expect::Expected;
use memory_tree::{MemoryTree, Region, RegionKind};

/// What a machine says of itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Who tells, as "QEMU 7.2.22".
    pub teller: String,
    /// What the processor reaches.
    pub tree: MemoryTree,
    /// The RAM as firmware will tell it; empty where only the memory tree knows.
    pub ram: Vec<Range>,
    /// The RAM of the same machine with more of it than has room below 4 GiB, where firmware's
    /// tables tell how much is where.
    pub more_ram: Vec<Range>,
    /// Its devices.
    pub devices: Vec<Device>,
    /// The four lines of which pin p of PCI slot s raises number (s + p) % 4, where firmware sets
    /// them.
    pub intx_lines: Option<[u32; 4]>,
    /// What pins A to D of PCI slots raise, where that is set slot by slot.
    pub slot_lines: Vec<(u32, [u32; 4])>,
    /// What the processor's own counter runs at in Hz, where that can be told.
    pub timebase: Option<u64>,
    /// What it is as a whole, by the root of its device tree.
    pub compatible: Vec<String>,
    /// The address of the device that standard output goes to.
    pub console: Option<u64>,
}

impl Facts {
    /// Adds what a device tree tells.
    #[must_use]
    pub fn with_tree(self, tree: &DeviceTree) -> Self {
        Self {
            ram: tree.memory(),
            devices: tree.devices(),
            timebase: tree.timebase(),
            compatible: tree.compatible(),
            console: tree.console(),
            ..self
        }
    }

    /// Takes what the devices say for the memory tree, if nobody has told of that.
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        if self.tree.memory.is_empty() {
            let devices = self.devices.iter().flat_map(|device| {
                let name = device.kinds.first().cloned().unwrap_or_default();
                let regions = device.regions().map(move |range| (range, name.clone()));
                regions.map(|(range, name)| Region {
                    range,
                    kind: RegionKind::Device,
                    name,
                })
            });
            let ram = self.ram.iter().map(|range| Region {
                range: *range,
                kind: RegionKind::Ram,
                name: "RAM".to_owned(),
            });
            self.tree.memory = devices.chain(ram).collect();
            self.tree.memory.sort_by_key(|region| region.range);
        }
        self
    }

    /// Whether a device tree, or anything else, told of devices: some trees are of memory and
    /// processors alone.
    pub fn tells_of_devices(&self) -> bool {
        let mut registers = self.devices.iter().flat_map(|device| &device.registers);
        registers.any(Option::is_some)
    }

    /// The region of memory that holds an address.
    fn region_at(&self, address: u64) -> Option<&Region> {
        let holds = |region: &&Region| contains(region.range, address);
        self.tree.memory.iter().find(holds)
    }

    /// What is at an address, for a person.
    fn describe(&self, address: u64) -> Option<String> {
        let holds = |device: &&Device| {
            let registers = device.registers.iter().flatten();
            registers.into_iter().any(|range| contains(*range, address))
        };
        let device = self.devices.iter().find(holds);
        let kind = device.and_then(|device| device.kinds.first());
        let name = || self.region_at(address).map(|region| &region.name);
        kind.or_else(name).cloned()
    }
}

/// How much of a description was found to be as the machine has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Ranges of addresses.
    pub ranges: usize,
    /// Interrupts, or rows of them.
    pub interrupts: usize,
    /// Frequencies.
    pub frequencies: usize,
    /// Things that are left out on purpose.
    pub undescribed: usize,
}

/// Reads and checks the board `name`, and holds it against the machine.
///
/// # Errors
/// Every problem in the description itself, and everything in it that the machine has otherwise.
pub fn verify(sources: &dyn Sources, name: &str, facts: &Facts) -> Result<Agreed, Diagnostics> {
    let mut problems = Problems::default();
    let agreed = Description::load(sources, name, &mut problems).map(|(description, loaded)| {
        let claimed = check::check(name, &description, &mut problems);
        let mut contradictions = problems.scratch();
        let agreed = compare(&description, &claimed, facts, &mut contradictions);
        blame::the_guilty(&mut problems, contradictions.list());
        siblings::settle(&loaded, &mut problems);
        siblings::settle_machine(&loaded, &mut contradictions);
        problems.add_elsewhere(contradictions);
        agreed
    });
    match agreed {
        Some(agreed) if problems.is_empty() => Ok(agreed),
        _ => Err(problems.into_diagnostics()),
    }
}

/// What is on the machine and neither described by the board `name` nor left out on purpose, by
/// address, each with what it is. The board may have mistakes; what cannot be read describes
/// nothing.
pub fn undescribed(sources: &dyn Sources, name: &str, facts: &Facts) -> Vec<(Range, String)> {
    let mut problems = Problems::default();
    let Some((description, _)) = Description::load(sources, name, &mut problems) else {
        return Vec::new();
    };
    let claimed = check::check(name, &description, &mut problems);
    let mut comparison = Comparison::new(&description, &claimed, facts, &mut problems);
    comparison.parts();
    comparison.left()
}

/// What one comparison found, for those that follow.
struct Comparison<'a> {
    description: &'a Description,
    claimed: &'a Claimed,
    facts: &'a Facts,
    problems: &'a mut Problems,
    agreed: Agreed,
    /// The keys of the claims that were compared with a device.
    compared: BTreeSet<String>,
    /// The keys of claims of nothing in the machine.
    not_there: BTreeSet<String>,
    /// The keys of claims of which the machine may have more.
    or_less: BTreeSet<String>,
    /// The keys of claims of a part of something larger.
    within: BTreeSet<String>,
    /// The keys of windows of which nobody tells.
    windows: BTreeSet<String>,
    /// The devices that parts of the board were found to be.
    found: BTreeSet<usize>,
}

fn compare(
    description: &Description,
    claimed: &Claimed,
    facts: &Facts,
    problems: &mut Problems,
) -> Agreed {
    let mut comparison = Comparison::new(description, claimed, facts, problems);
    comparison.parts();
    comparison.ram();
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
        }
    }

    fn parts(&mut self) {
        let expected = Expected::of(self.description);
        for part in &expected.parts {
            self.part(part, &expected.parts);
        }
    }
}

fn contains(range: Range, address: u64) -> bool {
    address
        .checked_sub(range.base)
        .is_some_and(|offset| offset < range.size)
}

/// Whether two ranges share an address.
pub(crate) fn overlap(one: Range, other: Range) -> bool {
    contains(one, other.base) || contains(other, one.base)
}

#[cfg(test)]
mod tests;
