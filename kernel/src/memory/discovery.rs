//! How much RAM there is: what the firmware's tables say, held against what is described.
//!
//! The description is believed for where RAM is, the firmware for how much of it there is. Where
//! the two cannot both be true it is said plainly, by the key of the description.

use vmos_drivers::address::Range;
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
    /// The firmware reports no RAM at a described base: the range is left alone. What nothing
    /// describes may be meant.
    Missing { ram: Ram, instead: Option<Range> },
    /// The firmware reports RAM that nothing describes: the range is left alone.
    Undescribed { found: Range },
}

/// Holds `reported`, the RAM in the firmware's tables (`None` where there are none), against
/// `described`, tells each finding to `tell`, and returns the RAM to use.
pub(crate) fn discover(
    described: &[Ram],
    reported: Option<&[Range]>,
    mut tell: impl FnMut(Finding),
) -> Result<RangeSet, TooManyRanges> {
    let mut usable = RangeSet::new();
    let Some(reported) = reported else {
        for &ram in described {
            tell(Finding::Unchecked { ram });
            usable.add(Range {
                base: ram.base,
                size: ram.expected_size,
            })?;
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
                usable.add(found)?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    use vmos_drivers::address::PhysicalAddress;

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

    fn findings(described: &[Ram], reported: Option<&[Range]>) -> (Vec<Range>, Vec<Finding>) {
        let mut findings = Vec::new();
        let usable = discover(described, reported, |finding| findings.push(finding));
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
    fn ram_that_nothing_describes_is_left_alone() {
        let extra = range(0x9000, 0x1000);
        let (usable, findings) = findings(&[LOW], Some(&[range(0x1000, 0x1000), extra]));
        assert_eq!(usable, [range(0x1000, 0x1000)]);
        assert_eq!(findings[1], Finding::Undescribed { found: extra });
    }
}
