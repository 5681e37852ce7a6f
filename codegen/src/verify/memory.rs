//! Compares RAM, and the ranges without a device, with the memory tree.

use super::Comparison;
use crate::board::Range;
use crate::check::memory::expected_size;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{Located, Size};
use crate::machine::memory_tree::{Region, RegionKind};
use crate::machine::{contains, overlap};
use crate::part::claims::{Purpose, RangeClaim};
use crate::part::surroundings::Ram;

/// The address from which on a microcontroller has registers of its processor (Arm DDI 0403, B3.1).
const PRIVATE_PERIPHERALS: u64 = 0xE000_0000;

impl Comparison<'_> {
    /// Compares every range of RAM.
    pub(super) fn ram(&mut self) {
        let description = self.description;
        let Some(memory) = description.memory.value() else {
            return;
        };
        let all = memory.ram.value().into_iter().flat_map(|ram| ram.iter());
        let bases: Vec<u64> = all
            .filter_map(|entry| Some(entry.value.base.value()?.0))
            .collect();
        let there = match self.is_microcontroller() {
            true => self.memories(),
            false => described_apart(self.ram_there(), &bases),
        };
        for entry in memory.ram.value().into_iter().flat_map(|ram| ram.iter()) {
            let ram = &entry.value;
            let key = &ram.place.path;
            self.compared.insert(key.clone());
            let Some(base) = ram.base.get() else { continue };
            let size = expected_size(description, ram);
            // The rest only exists in a machine with more memory.
            let is_there = ram.rest_of.is_absent() || size.is_some_and(|size| size > 0);
            let there = match is_there {
                true => &there,
                false => &self.facts.more_ram,
            };
            let nearest = there
                .iter()
                .min_by_key(|range| range.base.abs_diff(base.value.0));
            let Some(nearest) = nearest else { continue };
            let qemu = description.qemu.value();
            let size_at = match ram.size.get() {
                Some(size) => Some(size.at),
                None => qemu
                    .and_then(|qemu| qemu.memory.get())
                    .map(|memory| memory.at),
            };
            let size = size.filter(|_| is_there).zip(size_at);
            let size = size.map(|(value, at)| Located {
                value,
                path: format!("{key}.size"),
                at,
            });
            let base = Located {
                value: base.value.0,
                path: base.path.clone(),
                at: base.at,
            };
            self.range(key, &base, size.as_ref(), *nearest, "RAM");
            self.limit(ram);
        }
    }

    /// Compares every range of flash.
    pub(super) fn flash(&mut self) {
        let memory = self.description.memory.value();
        let flash = memory.and_then(|memory| memory.flash.value()).into_iter();
        for entry in flash.flat_map(|flash| flash.iter()) {
            let flash = &entry.value;
            let key = &flash.place.path;
            self.compared.insert(key.clone());
            let Some(base) = flash.base.get() else {
                continue;
            };
            let there = self.memories().into_iter();
            let nearest = there.min_by_key(|range| range.base.abs_diff(base.value.0));
            let Some(nearest) = nearest else { continue };
            let base = Located {
                value: base.value.0,
                path: base.path.clone(),
                at: base.at,
            };
            let size = flash.size.get().map(|size| Located {
                value: size.value.0,
                path: size.path.clone(),
                at: size.at,
            });
            self.range(key, &base, size.as_ref(), nearest, "flash");
        }
    }

    /// Returns whether the board has a microcontroller: each of its memories has a fixed size, and some
    /// of them are also at another address.
    fn is_microcontroller(&self) -> bool {
        let architecture = self.description.surroundings().architecture();
        architecture.is_some_and(|one| one.value.is_m_profile())
    }

    /// Returns the memories of the memory tree, each by itself.
    fn memories(&self) -> Vec<Range> {
        let regions = self.facts.tree.memory.iter();
        let memories =
            regions.filter(|region| matches!(region.kind, RegionKind::Ram | RegionKind::Rom));
        memories.map(|region| region.range).collect()
    }

    /// Compares the limit of a range with the machine with more memory.
    fn limit(&mut self, ram: &Ram) {
        let (Some(base), Some(limit)) = (ram.base.value(), ram.limit.get()) else {
            return;
        };
        let mut more = self.facts.more_ram.iter();
        let there = more.find(|range| range.base == base.0 && range.size != limit.value.0);
        if let Some(there) = there {
            let right = Size(there.size).written();
            let title = format!("the machine has another limit for `{}`", ram.place.path);
            self.problems.report(
                Diagnostic::new(Code::MachineSize, limit.at, title)
                    .label(format!(
                        "RAM has {right} here in a machine with more memory"
                    ))
                    .write(right),
            );
        }
    }

    /// Returns the RAM that firmware reports, or that of the memory tree.
    fn ram_there(&self) -> Vec<Range> {
        if !self.facts.ram.is_empty() {
            return self.facts.ram.clone();
        }
        self.facts.tree.ram()
    }

    /// Compares the ranges that were not compared yet with the regions of the memory tree.
    pub(super) fn rest_of_ranges(&mut self) {
        let claimed = self.claimed;
        let devices = claimed.of(Purpose::Device);
        for claim in devices.chain(claimed.of(Purpose::Window)) {
            // The registers of the processor are not in the memory tree of the machine.
            if self.is_microcontroller() && claim.range.base >= PRIVATE_PERIPHERALS {
                continue;
            }
            if !self.compared.contains(&claim.key) && !self.facts.tree.memory.is_empty() {
                self.claim(claim, &self.facts.tree.memory);
            }
        }
        for claim in &claimed.ports {
            if !self.compared.contains(&claim.key) && !self.facts.tree.ports.is_empty() {
                self.claim(claim, &self.facts.tree.ports);
            }
        }
    }

    fn claim(&mut self, claim: &RangeClaim, regions: &[Region]) {
        let regions = regions.iter();
        let inside: Vec<&Region> = regions
            .filter(|region| overlap(region.range, claim.range))
            .collect();
        let key = &claim.key;
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            let title = format!("the machine has no `{key}`");
            let label = format!("no device at {}", claim.number(claim.range.base));
            self.problems
                .report(Diagnostic::new(Code::NotOnMachine, claim.at, title).label(label));
            return;
        };
        // If no source contains the window, its content may be all that is visible of it.
        let is_whole = inside.len() == 1 && first.range.size == claim.range.size;
        let is_inside = |region: &&Region| {
            let end = |range: Range| u128::from(range.base) + u128::from(range.size);
            claim.range.base <= region.range.base && end(region.range) <= end(claim.range)
        };
        if self.windows.contains(key) && !is_whole && inside.iter().all(is_inside) {
            self.agreed.ranges += 1;
            return;
        }
        let base = Located {
            value: claim.range.base,
            path: key.clone(),
            at: claim.at,
        };
        let size = Located {
            value: claim.range.size,
            path: key.clone(),
            at: claim.size_at,
        };
        let end = last.range.base - first.range.base + last.range.size;
        let there = Range {
            base: first.range.base,
            size: end,
        };
        if self.within.contains(key)
            && contains(there, claim.range.base)
            && contains(there, claim.last())
        {
            self.agreed.ranges += 1;
            return;
        }
        let may_be_less = self.or_less.contains(key) && size.value <= there.size;
        let size = Some(&size).filter(|_| !may_be_less);
        self.range(key, &base, size, there, &first.name);
    }

    /// Returns a size for display.
    pub(super) fn size_of(range: Range) -> String {
        Size(range.size).written().replace('"', "")
    }
}

/// Returns the ranges of RAM as a description may have them: adjacent ranges are one, which ends at
/// the next of the described `bases`. Memory before the first base stays with it, so that a base
/// that is too high is not taken for the start of a second range.
fn described_apart(mut ranges: Vec<Range>, bases: &[u64]) -> Vec<Range> {
    ranges.sort();
    let mut apart: Vec<Range> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if last.base.checked_add(last.size) == Some(range.base) => {
                last.size += range.size;
            }
            _ => apart.push(range),
        }
    }
    for base in bases {
        let is_described = |range: &Range| {
            let mut lower = bases.iter().filter(|lower| *lower < base);
            lower.any(|lower| contains(*range, *lower))
        };
        let inside = |range: &&mut Range| {
            range.base < *base && contains(**range, *base) && is_described(range)
        };
        if let Some(range) = apart.iter_mut().find(inside) {
            let before = base - range.base;
            let size = range.size - before;
            range.size = before;
            apart.push(Range { base: *base, size });
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(ranges: &[(u64, u64)]) -> Vec<Range> {
        let range = |&(base, size)| Range { base, size };
        ranges.iter().map(range).collect()
    }

    #[test]
    fn ram_in_pieces_is_one_range() {
        let told = ranges(&[(0x3000, 0x1000), (0x1000, 0x2000), (0x8000, 0x1000)]);
        let apart = described_apart(told, &[0x1000, 0x8000]);
        assert_eq!(apart, ranges(&[(0x1000, 0x3000), (0x8000, 0x1000)]));
    }

    #[test]
    fn ram_before_the_first_base_is_not_a_separate_range() {
        let apart = described_apart(ranges(&[(0x1000, 0x3000)]), &[0x2000]);
        assert_eq!(apart, ranges(&[(0x1000, 0x3000)]));
    }

    #[test]
    fn ram_ends_at_the_next_described_base() {
        let apart = described_apart(ranges(&[(0x1000, 0x3000)]), &[0x2000, 0x1000]);
        assert_eq!(apart, ranges(&[(0x1000, 0x1000), (0x2000, 0x2000)]));
    }
}
