//! How much RAM there is: what the firmware's tables say, held against what is described.
//!
//! The description is believed for where RAM is, the firmware for how much of it there is. Where
//! the two cannot both be true it is said plainly, by the key of the description.

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::board::Ram;

use super::range_set::{RangeSet, TooManyRanges};

/// One thing found about RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    /// The firmware reports RAM at a described base: it holds.
    Confirmed { ram: Ram, found: Range },
    /// There is no firmware table, so the described size is believed.
    Unchecked { ram: Ram },
    /// The firmware reports RAM at a described base, and another size than the described one: the
    /// firmware is believed.
    Resized { ram: Ram, found: Range },
    /// The firmware reports no RAM at a described base where some was expected: the range is left
    /// alone. What nothing describes may be meant.
    Missing { ram: Ram, instead: Option<Range> },
    /// The firmware reports RAM that nothing describes: the range is left alone.
    Undescribed { found: Range },
    /// RAM that the processor cannot address: the range is left alone.
    OutOfReach { ram: Ram, beyond: Range },
}

/// Holds `reported`, the RAM in the firmware's tables (`None` where there are none), against
/// `described`, tells each finding to `tell`, and returns the RAM to use: what of it the processor
/// addresses, whose last address is `last`.
pub(crate) fn discover(
    described: &[Ram],
    reported: Option<&[Range]>,
    last: u64,
    mut tell: impl FnMut(Finding),
) -> Result<RangeSet, TooManyRanges> {
    let mut usable = RangeSet::new();
    let mut add = |ram: Ram, range: Range, tell: &mut dyn FnMut(Finding)| {
        let (within, beyond) = split(range, last);
        if beyond.size > 0 {
            tell(Finding::OutOfReach { ram, beyond });
        }
        usable.add(within)
    };
    let Some(reported) = reported else {
        for &ram in described.iter().filter(|ram| ram.expected_size > 0) {
            tell(Finding::Unchecked { ram });
            let range = Range {
                base: ram.base,
                size: ram.expected_size,
            };
            add(ram, range, &mut tell)?;
        }
        return Ok(usable);
    };
    let is_undescribed = |found: &Range| described.iter().all(|ram| ram.base != found.base);
    for &ram in described {
        match reported.iter().find(|found| found.base == ram.base) {
            Some(&found) => {
                tell(if ram.size_is_stated && found.size != ram.expected_size {
                    Finding::Resized { ram, found }
                } else {
                    Finding::Confirmed { ram, found }
                });
                add(ram, found, &mut tell)?;
            }
            None if ram.expected_size == 0 => {}
            None => {
                let mut undescribed = reported.iter().filter(|found| is_undescribed(found));
                let instead = undescribed.next().copied();
                tell(Finding::Missing { ram, instead });
            }
        }
    }
    for &found in reported {
        if is_undescribed(&found) {
            tell(Finding::Undescribed { found });
        }
    }
    Ok(usable)
}

/// The parts of `range` up to the address `last`, and beyond it. Either may be empty.
fn split(range: Range, last: u64) -> (Range, Range) {
    let reachable = last.checked_sub(range.base.0);
    let size = reachable.map_or(0, |most| range.size.min(most.saturating_add(1)));
    let within = Range { size, ..range };
    let beyond = Range {
        base: PhysicalAddress(range.base.0.wrapping_add(size)),
        size: range.size - size,
    };
    (within, beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn range(base: u64, size: u64) -> Range {
        Range {
            base: PhysicalAddress(base),
            size,
        }
    }

    const LOW: Ram = Ram {
        key: "memory.ram.low",
        base: PhysicalAddress(0x1000),
        expected_size: 0x1000,
        size_is_stated: false,
    };

    /// The last address of this processor.
    const LAST: u64 = 0xF_FFFF;

    fn findings(described: &[Ram], reported: Option<&[Range]>) -> (Vec<Range>, Vec<Finding>) {
        let mut findings = Vec::new();
        let usable = discover(described, reported, LAST, |finding| findings.push(finding));
        (usable.expect("few ranges").as_slice().to_vec(), findings)
    }

    #[test]
    fn the_firmware_is_believed_about_the_size() {
        let found = range(0x1000, 0x8000);
        let expected = (
            Vec::from([found]),
            Vec::from([Finding::Confirmed { ram: LOW, found }]),
        );
        assert_eq!(findings(&[LOW], Some(&[found])), expected);
    }

    #[test]
    fn without_firmware_tables_the_description_is_believed() {
        let expected = (
            Vec::from([range(0x1000, 0x1000)]),
            Vec::from([Finding::Unchecked { ram: LOW }]),
        );
        assert_eq!(findings(&[LOW], None), expected);
    }

    #[test]
    fn a_stated_size_that_the_firmware_contradicts_is_told() {
        let ram = Ram {
            size_is_stated: true,
            ..LOW
        };
        let found = range(0x1000, 0x8000);
        let expected = (
            Vec::from([found]),
            Vec::from([Finding::Resized { ram, found }]),
        );
        assert_eq!(findings(&[ram], Some(&[found])), expected);
    }

    #[test]
    fn described_ram_that_is_not_there_is_left_alone() {
        let (usable, findings) = findings(&[LOW], Some(&[range(0x9000, 0x1000)]));
        assert_eq!(usable, []);
        let instead = Some(range(0x9000, 0x1000));
        assert_eq!(findings[0], Finding::Missing { ram: LOW, instead });
    }

    #[test]
    fn ram_of_which_none_is_expected_may_be_missing() {
        let high = Ram {
            expected_size: 0,
            ..LOW
        };
        assert_eq!(findings(&[high], Some(&[])), (Vec::new(), Vec::new()));
        assert_eq!(findings(&[high], None), (Vec::new(), Vec::new()));
        let (usable, _) = findings(&[high], Some(&[range(0x1000, 0x1000)]));
        assert_eq!(usable, [range(0x1000, 0x1000)]);
    }

    #[test]
    fn ram_that_nothing_describes_is_left_alone() {
        let extra = range(0x9000, 0x1000);
        let (usable, findings) = findings(&[LOW], Some(&[range(0x1000, 0x1000), extra]));
        assert_eq!(usable, [range(0x1000, 0x1000)]);
        assert_eq!(findings[1], Finding::Undescribed { found: extra });
    }

    #[test]
    fn ram_out_of_reach_is_told_and_left_alone() {
        let found = range(0x1000, 0x20_0000);
        let (usable, findings) = findings(&[LOW], Some(&[found]));
        assert_eq!(usable, [range(0x1000, 0xF_F000)]);
        let beyond = range(0x10_0000, 0x10_1000);
        assert_eq!(findings[1], Finding::OutOfReach { ram: LOW, beyond });
    }

    #[test]
    fn ram_that_begins_out_of_reach_gives_nothing() {
        let high = Ram {
            base: PhysicalAddress(0x10_0000),
            ..LOW
        };
        let (usable, findings) = findings(&[high], None);
        assert_eq!(usable, []);
        let beyond = range(0x10_0000, 0x1000);
        assert_eq!(findings[1], Finding::OutOfReach { ram: high, beyond });
    }

    #[test]
    fn the_last_address_is_in_reach() {
        let (usable, findings) = findings(&[LOW], Some(&[range(0x1000, 0xF_F000)]));
        assert_eq!(usable, [range(0x1000, 0xF_F000)]);
        assert_eq!(findings.len(), 1);
    }
}
