use super::*;
use std::boxed::Box;
use std::vec::Vec;

use vmos_drivers::address::{PhysicalAddress, Range};

const BITS_64: Format = Format {
    first_level: 0,
    virtual_bits: 48,
    keeps_el0_apart: true,
};
const BITS_32: Format = Format {
    first_level: 1,
    virtual_bits: 32,
    keeps_el0_apart: false,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

fn mapping(base: u64, size: u64, access: Access) -> Mapping {
    Mapping {
        range: Range {
            base: PhysicalAddress(base),
            size,
        },
        physical: PhysicalAddress(base),
        access,
    }
}

/// Returns a page filled with arbitrary data, as in RAM.
fn page() -> Option<&'static mut Table> {
    Some(Box::leak(Box::new(Table([u64::MAX; ENTRIES]))))
}

struct Built {
    root: &'static mut Table,
    format: Format,
    tables: usize,
}

fn build(mappings: &[Mapping]) -> Built {
    build_as(BITS_64, mappings)
}

fn build_as(format: Format, mappings: &[Mapping]) -> Built {
    let mut tables = 0;
    let allocate = || {
        tables += 1;
        page()
    };
    let mut map = Map::new(format, allocate, 48).expect("a page is available");
    for mapping in mappings {
        map.add(mapping).expect("pages are available");
    }
    let root = map.finish();
    Built {
        root,
        format,
        tables,
    }
}

impl Built {
    /// Walks the tables as the processor does: returns the entry that translates `address`, its
    /// level, and the resulting address.
    fn walk(&self, address: u64) -> Option<(u64, u32, u64)> {
        let mut table: *const Table = self.root;
        for level in self.format.first_level..=LAST_LEVEL {
            let index = (address >> shift(level)) as usize % ENTRIES;
            // SAFETY: the root, or a table that an entry points to; none is ever freed.
            let entry = unsafe { (*table).0[index] };
            if entry & VALID == 0 {
                return None;
            }
            let is_table = entry & TABLE_OR_PAGE != 0 && level < LAST_LEVEL;
            if !is_table {
                assert!(level > 0, "level 0 has no blocks");
                assert_eq!(entry & TABLE_OR_PAGE != 0, level == LAST_LEVEL);
                let offset = (1 << shift(level)) - 1;
                let base = entry & ADDRESS;
                assert_eq!(base & offset, 0, "a block is aligned to its size");
                return Some((entry, level, base | address & offset));
            }
            table = core::ptr::with_exposed_provenance((entry & ADDRESS) as usize);
        }
        None
    }

    /// Returns the access permissions at `address`, from the bits in the manual.
    fn access(&self, address: u64) -> Access {
        let Some((entry, _, translated)) = self.walk(address) else {
            return Access::None;
        };
        assert_eq!(translated, address, "the map is one to one");
        assert_ne!(
            entry & 1 << 10,
            0,
            "the access flag of {address:#x} is clear"
        );
        assert_ne!(entry & 1 << 54, 0, "EL0 must execute nothing");
        let device = entry >> 2 & 0b111 == 1;
        assert!(
            device || entry >> 8 & 0b11 == 0b11,
            "normal memory is shareable"
        );
        let read_only = entry & 1 << 7 != 0;
        let execute_never = entry & 1 << 53 != 0;
        match (device, read_only, execute_never) {
            (true, false, true) => Access::Device,
            (false, true, false) => Access::Code,
            (false, true, true) => Access::ReadOnly,
            (false, false, true) => Access::Data,
            other => panic!("{address:#x} has odd rights: {other:?}"),
        }
    }
}

/// Returns mappings similar to those of a board: RAM with an image in it, and devices.
fn board() -> Vec<Mapping> {
    let image = GIB + 0x8_0000;
    Vec::from([
        mapping(0x0800_0000, 0x1_0000, Access::Device),
        mapping(0x0900_0000, 0x1000, Access::Device),
        mapping(GIB, 128 * MIB, Access::Data),
        mapping(image, 0x2_0000, Access::Code),
        mapping(image + 0x2_0000, 0x1_1000, Access::ReadOnly),
        mapping(image + 0x5_0000, 0x1000, Access::None),
        mapping(257 * GIB, 256 * MIB, Access::Device),
    ])
}

#[test]
fn every_page_of_a_board_has_the_rights_of_the_last_mapping_that_holds_it() {
    let mappings = board();
    let built = build(&mappings);
    let expected = |address: u64| {
        let page = Range {
            base: PhysicalAddress(address),
            size: PAGE,
        };
        let last = mappings
            .iter()
            .rev()
            .find(|mapping| mapping.range.contains(&page));
        last.map_or(Access::None, |mapping| mapping.access)
    };
    let places = (0..2 * GIB).chain(257 * GIB..258 * GIB);
    let step = if cfg!(miri) { 1021 } else { 1 };
    for address in places.step_by(PAGE as usize * step) {
        assert_eq!(built.access(address), expected(address), "at {address:#x}");
    }
}

#[test]
fn page_zero_is_not_mapped() {
    assert_eq!(build(&board()).access(0), Access::None);
}

#[test]
fn aligned_memory_takes_the_largest_blocks() {
    let built = build(&[mapping(GIB, 3 * GIB + 2 * MIB, Access::Data)]);
    assert_eq!(built.walk(GIB).map(|(_, level, _)| level), Some(1));
    assert_eq!(built.walk(4 * GIB).map(|(_, level, _)| level), Some(2));
    assert_eq!(built.tables, 3);
}

#[test]
fn a_board_takes_few_tables() {
    let mut mappings = board();
    mappings.push(mapping(GIB, 8 * GIB, Access::Data));
    assert!(
        build(&mappings).tables <= 12,
        "{} tables",
        build(&mappings).tables
    );
}

#[test]
fn splitting_a_block_keeps_its_other_parts() {
    let built = build(&[
        mapping(GIB, GIB, Access::Data),
        mapping(GIB + 5 * PAGE, PAGE, Access::None),
    ]);
    assert_eq!(built.access(GIB + 4 * PAGE), Access::Data);
    assert_eq!(built.access(GIB + 5 * PAGE), Access::None);
    assert_eq!(built.access(GIB + 6 * PAGE), Access::Data);
    assert_eq!(built.access(GIB + 2 * MIB), Access::Data);
    assert_eq!(built.access(2 * GIB - PAGE), Access::Data);
}

#[test]
fn a_range_is_widened_to_pages() {
    let built = build(&[mapping(0x1ff8, 0x10, Access::Device)]);
    assert_eq!(built.access(0x1000), Access::Device);
    assert_eq!(built.access(0x2000), Access::Device);
    assert_eq!(built.access(0x3000), Access::None);
}

#[test]
fn a_whole_entry_of_the_first_level_is_mapped_and_unmapped() {
    let mut mappings = Vec::from([mapping(512 * GIB, 512 * GIB, Access::Device)]);
    assert_eq!(build(&mappings).access(1024 * GIB - PAGE), Access::Device);
    mappings.push(mapping(512 * GIB, 512 * GIB, Access::None));
    assert_eq!(build(&mappings).access(1024 * GIB - PAGE), Access::None);
}

#[test]
fn the_last_page_of_all_can_be_mapped() {
    let built = build(&[mapping((1 << 48) - PAGE, PAGE, Access::Data)]);
    assert_eq!(built.access((1 << 48) - PAGE), Access::Data);
}

#[test]
fn a_range_beyond_the_address_space_is_rejected() {
    let mut map = Map::new(BITS_64, page, 40).expect("a page is available");
    let beyond = mapping(1 << 40, PAGE, Access::Data);
    assert_eq!(
        map.add(&beyond),
        Err(TranslationError::OutOfReach(beyond.range))
    );
    assert_eq!(
        map.add(&mapping((1 << 40) - PAGE, PAGE, Access::Data)),
        Ok(())
    );
    let wrapping = mapping(u64::MAX, 2, Access::Data);
    assert_eq!(
        map.add(&wrapping),
        Err(TranslationError::OutOfReach(wrapping.range))
    );
}

#[test]
fn running_out_of_tables_is_an_error() {
    let mut left = 2;
    let few = || {
        left -= 1;
        if left >= 0 { page() } else { None }
    };
    let mut map = Map::new(BITS_64, few, 48).expect("a page is available");
    let result = map.add(&mapping(0x1000, PAGE, Access::Data));
    assert_eq!(result, Err(TranslationError::OutOfPages));
}

#[test]
fn an_empty_range_maps_nothing() {
    assert_eq!(
        build(&[mapping(0x1000, 0, Access::Data)]).access(0x1000),
        Access::None
    );
}

#[test]
fn a_moved_range_is_translated_to_its_physical_address() {
    let moved = Mapping {
        physical: PhysicalAddress(GIB * 257 + 16 * PAGE),
        ..mapping(16 * MIB, 4 * MIB, Access::Device)
    };
    let built = build_as(BITS_32, &[moved]);
    let translated = |address| built.walk(address).map(|(_, _, translated)| translated);
    assert_eq!(translated(16 * MIB), Some(257 * GIB + 16 * PAGE));
    assert_eq!(
        translated(17 * MIB + 4),
        Some(257 * GIB + MIB + 16 * PAGE + 4)
    );
    assert_eq!(translated(20 * MIB), None);
}

#[test]
fn a_move_by_whole_blocks_keeps_the_blocks() {
    let moved = Mapping {
        physical: PhysicalAddress(GIB * 257),
        ..mapping(16 * MIB, 4 * MIB, Access::Device)
    };
    assert_eq!(build_as(BITS_32, &[moved]).tables, 2);
}

#[test]
fn a_32_bit_processor_executes_code_and_nothing_else() {
    let mappings = [
        mapping(GIB, PAGE, Access::Code),
        mapping(GIB + PAGE, PAGE, Access::ReadOnly),
        mapping(GIB + 2 * PAGE, PAGE, Access::Data),
        mapping(GIB + 3 * PAGE, PAGE, Access::Device),
    ];
    let built = build_as(BITS_32, &mappings);
    let never = |page| {
        let (entry, _, _) = built.walk(GIB + page * PAGE).expect("it is mapped");
        entry >> 53 & 0b11
    };
    assert_eq!([0, 1, 2, 3].map(never), [0, 0b11, 0b11, 0b11]);
}

#[test]
fn a_32_bit_processor_sees_nothing_above_4_gib() {
    let mut map = Map::new(BITS_32, page, 40).expect("a page is available");
    assert_eq!(
        map.add(&mapping(4 * GIB - PAGE, PAGE, Access::Data)),
        Ok(())
    );
    let beyond = mapping(4 * GIB, PAGE, Access::Data);
    assert_eq!(
        map.add(&beyond),
        Err(TranslationError::OutOfReach(beyond.range))
    );
}
