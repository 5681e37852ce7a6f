use super::*;
use std::boxed::Box;
use std::vec::Vec;

use vmos_drivers::address::{self, PhysicalAddress};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const PLAIN: Features = Features {
    no_execute: true,
    giant_pages: false,
    address_bits: 40,
};
const GIANT: Features = Features {
    giant_pages: true,
    ..PLAIN
};

fn range(base: u64, size: u64) -> address::Range {
    address::Range {
        base: PhysicalAddress(base),
        size,
    }
}

fn mapping(base: u64, size: u64, access: Access) -> Mapping {
    Mapping::identity(range(base, size), access)
}

struct Built {
    root: &'static mut Table,
    tables: usize,
}

fn try_build(features: Features, mappings: &[Mapping]) -> Result<Built, TranslationError> {
    let mut tables = 0;
    // Pages filled with arbitrary data, as in RAM.
    let pages = || {
        tables += 1;
        Some(Box::leak(Box::new(Table([u64::MAX; ENTRIES]))))
    };
    let mut map = Map::new(features, pages)?;
    mappings.iter().try_for_each(|mapping| map.add(mapping))?;
    let root = map.finish();
    Ok(Built { root, tables })
}

fn build(features: Features, mappings: &[Mapping]) -> Built {
    try_build(features, mappings).expect("it can be mapped")
}

impl Built {
    /// Walks the tables as the processor does: returns the entry that translates `address`, and the
    /// resulting address.
    fn walk(&self, address: u64) -> Option<(u64, u64)> {
        let mut table: *const Table = self.root;
        for level in 0..=LAST_LEVEL {
            let index = (address >> shift(level)) as usize % ENTRIES;
            // SAFETY: the root, or a table that an entry points to; none is ever freed.
            let entry = unsafe { (*table).0[index] };
            if entry & PRESENT == 0 {
                return None;
            }
            if level == LAST_LEVEL || entry & LARGE != 0 {
                assert!(level > 0, "level 0 has no pages");
                let offset = (1 << shift(level)) - 1;
                let base = entry & ADDRESS;
                assert_eq!(base & offset, 0, "a page is aligned to its size");
                return Some((entry, base | address & offset));
            }
            assert_ne!(entry & WRITABLE, 0, "a table must allow what its pages do");
            assert_eq!(
                entry & NO_EXECUTE,
                0,
                "a table must allow what its pages do"
            );
            table = core::ptr::with_exposed_provenance((entry & ADDRESS) as usize);
        }
        None
    }

    /// Returns the access permissions at `address`, from the bits in the manual.
    fn access(&self, address: u64) -> Access {
        let Some((entry, translated)) = self.walk(address) else {
            return Access::None;
        };
        assert_eq!(translated, address, "the map is one to one");
        let uncached = entry & 0b11 << 3 == 0b11 << 3;
        let writable = entry & 1 << 1 != 0;
        let no_execute = entry & 1 << 63 != 0;
        match (uncached, writable, no_execute) {
            (true, true, true) => Access::Device,
            (false, false, false) => Access::Code,
            (false, false, true) => Access::ReadOnly,
            (false, true, true) => Access::Data,
            other => panic!("{address:#x} has odd rights: {other:?}"),
        }
    }
}

/// Returns mappings similar to those of a board: RAM with an image in it, and devices.
fn board() -> Vec<Mapping> {
    Vec::from([
        mapping(0x1000, 128 * MIB - 0x1000, Access::Data),
        mapping(MIB, 0x2_0000, Access::Code),
        mapping(MIB + 0x2_0000, 0x1_1000, Access::ReadOnly),
        mapping(MIB + 0x5_0000, 0x1000, Access::None),
        mapping(0xfee0_0000, 0x1000, Access::Device),
        mapping(4 * GIB, 2 * GIB, Access::Data),
        mapping(512 * GIB, GIB, Access::Device),
    ])
}

#[test]
fn every_page_of_a_board_has_the_rights_of_the_last_mapping_that_holds_it() {
    let mappings = board();
    let expected = |address: u64| {
        let page = range(address, PAGE);
        let holds = mappings.iter().rev().find(|m| m.range.contains(&page));
        holds.map_or(Access::None, |mapping| mapping.access)
    };
    for features in [PLAIN, GIANT] {
        let built = build(features, &mappings);
        let places = mappings.iter().flat_map(|mapping| {
            let (base, end) = (
                mapping.range.base.0,
                mapping.range.base.0 + mapping.range.size,
            );
            [base.saturating_sub(PAGE), base, end - PAGE, end]
        });
        for address in places.chain((0..2 * MIB).step_by(PAGE as usize)) {
            assert_eq!(built.access(address), expected(address), "{address:#x}");
        }
    }
}

#[test]
fn address_zero_is_not_mapped() {
    assert_eq!(build(PLAIN, &board()).access(0), Access::None);
}

#[test]
fn large_pages_are_used_if_they_fit() {
    let two_gib = [mapping(4 * GIB, 2 * GIB, Access::Data)];
    // A root, a table of level 1, and one of level 2 for each GiB.
    assert_eq!(build(PLAIN, &two_gib).tables, 4);
    assert_eq!(build(GIANT, &two_gib).tables, 2);
}

#[test]
fn a_mapping_may_have_another_physical_address() {
    let elsewhere = Mapping {
        physical: PhysicalAddress(8 * GIB + 0x3000),
        ..mapping(0x4000, 0x2000, Access::Device)
    };
    let built = build(PLAIN, &[elsewhere]);
    let translated = built.walk(0x5010).map(|(_, address)| address);
    assert_eq!(translated, Some(8 * GIB + 0x4010));
}

#[test]
fn a_range_beyond_the_address_space_is_rejected() {
    for beyond in [range(1 << 40, PAGE), range((1 << 40) - PAGE, 2 * PAGE)] {
        let mapping = Mapping::identity(beyond, Access::Data);
        let refused = try_build(PLAIN, &[mapping]).err();
        assert_eq!(refused, Some(TranslationError::OutOfReach(beyond)));
    }
}

#[test]
fn a_processor_without_no_execute_gets_no_such_bit() {
    let old = Features {
        no_execute: false,
        ..PLAIN
    };
    let built = build(old, &[mapping(MIB, PAGE, Access::Data)]);
    let entry = built.walk(MIB).map(|(entry, _)| entry);
    assert_eq!(entry.map(|entry| entry & NO_EXECUTE), Some(0));
}

#[test]
fn no_page_left_is_an_error() {
    let mut pages = 2;
    let tables = || {
        pages -= 1;
        (pages >= 0).then(|| &mut *Box::leak(Box::new(Table([0; ENTRIES]))))
    };
    let mut map = Map::new(PLAIN, tables).expect("a page is available");
    let result = map.add(&mapping(MIB, PAGE, Access::Data));
    assert_eq!(result, Err(TranslationError::OutOfPages));
}
