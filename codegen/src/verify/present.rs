//! Checks that every device of the machine is described, or left out on purpose.

use super::Comparison;
use crate::board::Range;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{UndescribedEntry, hexadecimal};
use crate::machine::memory_tree::{Region, RegionKind};
use crate::machine::{contains, overlap};
use crate::part::claims::RangeClaim;
use crate::source::{FileId, Location};

/// A device or memory of the machine.
struct Thing {
    range: Range,
    /// The description of the device for messages.
    name: String,
    /// The index of the device that the memory is part of, if it is known.
    device: Option<usize>,
    /// Whether it is memory without a known device: that of firmware, which grows with each
    /// version.
    is_firmware: bool,
    /// Whether QEMU emulates nothing there, or does not tell what. It may be left out without being
    /// mentioned.
    is_placeholder: bool,
}

impl Comparison<'_> {
    /// Reports everything that is neither described nor listed under `[undescribed]`, and
    /// everything listed there that does not exist.
    pub(super) fn present(&mut self) {
        let things = self.things();
        let description = self.description;
        let undescribed = description.undescribed.value();
        let entries = undescribed.map_or(&[][..], |undescribed| &undescribed.0);
        for entry in entries {
            match self.hides_nothing(entry, &things) {
                Some(diagnostic) => self.problems.report(diagnostic),
                None => self.agreed.undescribed += 1,
            }
        }
        for thing in &things {
            let is_hidden = entries
                .iter()
                .any(|entry| contains(thing.range, entry.address));
            if !is_hidden && !thing.is_placeholder && !self.is_described(thing) {
                let diagnostic = self.undeclared(thing);
                self.problems.report(diagnostic);
            }
        }
    }

    /// Returns the devices and memory of the machine that are not described.
    pub(super) fn left(&self) -> Vec<(Range, String)> {
        let things = self.things().into_iter();
        let left = things.filter(|thing| !self.is_described(thing));
        left.map(|thing| (thing.range, thing.name)).collect()
    }

    /// Returns the regions of memory; those of one register set of a device are combined.
    fn things(&self) -> Vec<Thing> {
        let mut things: Vec<Thing> = Vec::new();
        for region in &self.facts.tree.memory {
            let thing = self.thing(region);
            let again = |known: &Thing| {
                thing.device.is_some() && known.device == thing.device && known.range == thing.range
            };
            if !things.iter().any(again) {
                things.push(thing);
            }
        }
        things
    }

    fn thing(&self, region: &Region) -> Thing {
        for (index, device) in self.facts.devices.iter().enumerate() {
            for range in device.regions() {
                if contains(range, region.range.base) {
                    return Thing {
                        range,
                        name: device.kinds.first().cloned().unwrap_or_default(),
                        device: Some(index),
                        is_firmware: false,
                        is_placeholder: region.is_unknown(),
                    };
                }
            }
        }
        Thing {
            range: region.range,
            name: region.name.clone(),
            device: None,
            is_firmware: matches!(region.kind, RegionKind::Ram | RegionKind::Rom),
            is_placeholder: region.is_unknown(),
        }
    }

    fn is_described(&self, thing: &Thing) -> bool {
        let found = thing
            .device
            .is_some_and(|device| self.found.contains(&device));
        let claims = |claim: &RangeClaim| {
            !self.not_there.contains(&claim.key) && overlap(claim.range, thing.range)
        };
        found || self.claimed.ranges.iter().any(claims)
    }

    fn undeclared(&self, thing: &Thing) -> Diagnostic {
        let address = hexadecimal(thing.range.base);
        let title = format!(
            "the machine has {} at {address}, which the board file does not mention",
            thing.name
        );
        Diagnostic::new(Code::NotDescribed, self.undescribed_place(), title)
            .label("add it here, or describe it")
            .note(format!("its size is {}", Self::size_of(thing.range)))
            .add(
                "undescribed",
                format!("\"{address}\" = \"{}: why it is left out\"", thing.name),
            )
            .help("or describe it, if the kernel is to use it")
    }

    /// Returns the location at which a device can be added to `[undescribed]`.
    fn undescribed_place(&self) -> Location {
        let table = self.description.undescribed.get();
        let board = self.description.board.get().map(|board| board.at);
        let fallback = board.unwrap_or_else(|| Location::start_of(FileId(0)));
        table.map_or(fallback, |table| table.at)
    }

    fn hides_nothing(&self, entry: &UndescribedEntry, things: &[Thing]) -> Option<Diagnostic> {
        let address = hexadecimal(entry.address);
        // A device may be in the range of another one.
        let mut exact = things
            .iter()
            .filter(|thing| thing.range.base == entry.address);
        let mut around = things.iter();
        let inside = exact
            .next()
            .or_else(|| around.find(|thing| contains(thing.range, entry.address)));
        let diagnostic = |title| Diagnostic::new(Code::HidesNothing, entry.at, title);
        match inside {
            Some(thing) if thing.range.base == entry.address || thing.is_firmware => None,
            Some(thing) => {
                let right = hexadecimal(thing.range.base);
                let title = format!("no device starts at {address}");
                Some(
                    diagnostic(title)
                        .label(format!("{} starts at {right}", thing.name))
                        .write(format!("\"{right}\"")),
                )
            }
            None => {
                let title = format!("the machine has nothing at {address}");
                Some(diagnostic(title).label("remove this line").remove())
            }
        }
    }
}
