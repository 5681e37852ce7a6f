//! Determines the RAM to use: compares the RAM in firmware's tables with the board file.
//!
//! The board file decides where RAM is, firmware how much there is. Conflicts are reported with the
//! key of the board file.

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::board::Ram;

use super::range_set::{RangeSet, TooManyRanges};

/// A result of the comparison of RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    /// Firmware reports RAM at a described address.
    Confirmed { ram: Ram, found: Range },
    /// There is no firmware table, so the described size is used.
    Unchecked { ram: Ram },
    /// Firmware reports RAM at a described address with another size; firmware's size is used.
    Resized { ram: Ram, found: Range },
    /// Firmware reports no RAM at a described address where some is expected: the range is not
    /// used. `instead` is RAM that is not described and may be the intended one.
    Missing { ram: Ram, instead: Option<Range> },
    /// Firmware reports RAM that is not described: the range is not used.
    Undescribed { found: Range },
    /// The processor cannot address this RAM: the range is not used.
    OutOfReach { ram: Ram, beyond: Range },
}

/// Compares `reported`, the RAM in firmware's tables (`None` if there are none), with `described`,
/// passes each finding to `tell`, and adds the RAM to use to `usable`: the part that the processor
/// can address, up to the address `last`. A described range extends over all reported RAM without a
/// gap, in any number of pieces, up to the next described range.
pub(crate) fn discover(
    described: &[Ram],
    reported: Option<&RangeSet>,
    last: u64,
    usable: &mut RangeSet,
    mut tell: impl FnMut(Finding),
) -> Result<(), TooManyRanges> {
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
        return Ok(());
    };
    let mut undescribed = reported.clone();
    for ram in described {
        if let Some(found) = reported_from(ram.base, described, reported) {
            undescribed.remove(found)?;
        }
    }
    let instead = undescribed.as_slice().first().copied();
    for &ram in described {
        match reported_from(ram.base, described, reported) {
            Some(found) => {
                tell(if ram.size_is_stated && found.size != ram.expected_size {
                    Finding::Resized { ram, found }
                } else {
                    Finding::Confirmed { ram, found }
                });
                add(ram, found, &mut tell)?;
            }
            None if ram.expected_size == 0 => {}
            None => tell(Finding::Missing { ram, instead }),
        }
    }
    for &found in undescribed.as_slice() {
        tell(Finding::Undescribed { found });
    }
    Ok(())
}

/// Returns the RAM reported from `base` on, without gaps, up to the next described range.
fn reported_from(base: PhysicalAddress, described: &[Ram], reported: &RangeSet) -> Option<Range> {
    let offset = |from: Range, to: PhysicalAddress| to.0.checked_sub(from.base.0);
    let inside = |&&range: &&Range| offset(range, base).is_some_and(|offset| offset < range.size);
    let &within = reported.as_slice().iter().find(inside)?;
    let rest = within.size - offset(within, base)?;
    let from_here = Range { base, size: rest };
    let next = described
        .iter()
        .filter_map(|ram| offset(from_here, ram.base));
    let size = next.filter(|&next| next > 0).fold(rest, u64::min);
    Some(Range { base, size })
}

/// Splits `range` into the part up to the address `last`, and the part after it. Either may be
/// empty.
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

    /// The highest address that this processor can use.
    const LAST: u64 = 0xF_FFFF;

    fn findings(described: &[Ram], reported: Option<&[Range]>) -> (Vec<Range>, Vec<Finding>) {
        let mut findings = Vec::new();
        let reported = reported.map(|ranges| {
            let mut set = RangeSet::new();
            for &range in ranges {
                set.add(range).expect("few ranges");
            }
            set
        });
        let tell = |finding| findings.push(finding);
        let mut usable = RangeSet::new();
        discover(described, reported.as_ref(), LAST, &mut usable, tell).expect("few ranges");
        (usable.as_slice().to_vec(), findings)
    }

    #[test]
    fn the_size_comes_from_firmware() {
        let found = range(0x1000, 0x8000);
        let expected = (
            Vec::from([found]),
            Vec::from([Finding::Confirmed { ram: LOW, found }]),
        );
        assert_eq!(findings(&[LOW], Some(&[found])), expected);
    }

    #[test]
    fn ram_reported_in_pieces_is_one_range() {
        let pieces = [range(0x3000, 0x1000), range(0x1000, 0x2000)];
        let found = range(0x1000, 0x3000);
        let expected = (
            Vec::from([found]),
            Vec::from([Finding::Confirmed { ram: LOW, found }]),
        );
        assert_eq!(findings(&[LOW], Some(&pieces)), expected);
    }

    #[test]
    fn ram_described_in_pieces_may_be_reported_as_one_range() {
        let high = Ram {
            key: "memory.ram.high",
            base: PhysicalAddress(0x3000),
            ..LOW
        };
        let (usable, findings) = findings(&[high, LOW], Some(&[range(0x1000, 0x3000)]));
        assert_eq!(usable, [range(0x1000, 0x3000)]);
        let (found, rest) = (range(0x1000, 0x2000), range(0x3000, 0x1000));
        let expected = [
            Finding::Confirmed {
                ram: high,
                found: rest,
            },
            Finding::Confirmed { ram: LOW, found },
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn ram_reported_below_the_described_base_is_not_used() {
        let (usable, findings) = findings(&[LOW], Some(&[range(0, 0x3000)]));
        assert_eq!(usable, [range(0x1000, 0x2000)]);
        let found = range(0, 0x1000);
        assert_eq!(findings[1], Finding::Undescribed { found });
    }

    #[test]
    fn without_firmware_tables_the_described_size_is_used() {
        let expected = (
            Vec::from([range(0x1000, 0x1000)]),
            Vec::from([Finding::Unchecked { ram: LOW }]),
        );
        assert_eq!(findings(&[LOW], None), expected);
    }

    #[test]
    fn a_stated_size_that_differs_from_firmware_is_reported() {
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
    fn missing_ram_is_not_used() {
        let (usable, findings) = findings(&[LOW], Some(&[range(0x9000, 0x1000)]));
        assert_eq!(usable, []);
        let instead = Some(range(0x9000, 0x1000));
        assert_eq!(findings[0], Finding::Missing { ram: LOW, instead });
    }

    #[test]
    fn optional_ram_may_be_missing() {
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
    fn undescribed_ram_is_not_used() {
        let extra = range(0x9000, 0x1000);
        let (usable, findings) = findings(&[LOW], Some(&[range(0x1000, 0x1000), extra]));
        assert_eq!(usable, [range(0x1000, 0x1000)]);
        assert_eq!(findings[1], Finding::Undescribed { found: extra });
    }

    #[test]
    fn unaddressable_ram_is_reported_and_not_used() {
        let found = range(0x1000, 0x20_0000);
        let (usable, findings) = findings(&[LOW], Some(&[found]));
        assert_eq!(usable, [range(0x1000, 0xF_F000)]);
        let beyond = range(0x10_0000, 0x10_1000);
        assert_eq!(findings[1], Finding::OutOfReach { ram: LOW, beyond });
    }

    #[test]
    fn ram_that_starts_beyond_the_last_address_is_not_used() {
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
    fn ram_may_include_the_last_address() {
        let (usable, findings) = findings(&[LOW], Some(&[range(0x1000, 0xF_F000)]));
        assert_eq!(usable, [range(0x1000, 0xF_F000)]);
        assert_eq!(findings.len(), 1);
    }
}
