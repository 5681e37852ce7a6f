use super::*;
use std::boxed::Box;
use std::vec::Vec;

use vmos_drivers::address::{PhysicalAddress, Range};

/// The address of the first of the second tables of the tests.
const POOL: u32 = 0x6700_0000;

/// Up to three second tables, which contain garbage before they are used.
struct Pool(Vec<SecondTable>);

impl Tables for &mut Pool {
    fn allocate(&mut self) -> Option<u32> {
        let address = POOL + 1024 * self.0.len() as u32;
        (self.0.len() < 3).then(|| {
            self.0.push(SecondTable([0xdead_beef; 256]));
            address
        })
    }

    fn at(&mut self, address: u32) -> &mut SecondTable {
        &mut self.0[((address - POOL) / 1024) as usize]
    }
}

/// The tables of some mappings.
struct Mapped {
    first: Box<FirstTable>,
    second: Pool,
}

impl Mapped {
    fn try_of(mappings: &[Mapping]) -> Result<Self, TranslationError> {
        let mut mapped = Self {
            first: Box::new(FirstTable([0xdead_beef; 4096])),
            second: Pool(Vec::new()),
        };
        let mut map = Map::new(&mut mapped.first, &mut mapped.second);
        mappings.iter().try_for_each(|one| map.add(one))?;
        Ok(mapped)
    }

    fn of(mappings: &[Mapping]) -> Self {
        Self::try_of(mappings).expect("the mappings fit")
    }

    /// Walks the tables as the processor does (section B3.5): the physical address, whether it can
    /// be written and executed, and the bits TEX, C and B.
    fn at(&self, address: u32) -> Option<(u32, bool, bool, u32)> {
        let first = self.first.0[address as usize >> 20];
        let low = address & 0xfff;
        match first & 0b11 {
            0b00 => None,
            0b10 => {
                assert_eq!(first & 0x0007_01e0, 0, "domain 0, not shared, a section");
                let kind = first >> 12 & 0b111;
                Some((
                    first & 0xfff0_0000 | address & 0x000f_ffff,
                    is_writable(first >> 15 & 1, first >> 10 & 0b11),
                    first & 1 << 4 == 0,
                    kind << 2 | first >> 2 & 0b11,
                ))
            }
            0b01 => {
                assert_eq!(first & 0x3fc, 0, "domain 0");
                let table = &self.second.0[((first & !0x3ff) - POOL) as usize / 1024];
                let page = table.0[address as usize >> 12 & 0xff];
                if page == 0 {
                    return None;
                }
                assert_eq!(page & 0x0c02, 2, "a page, not shared, for all processes");
                Some((
                    page & 0xffff_f000 | low,
                    is_writable(page >> 9 & 1, page >> 4 & 0b11),
                    page & 1 == 0,
                    (page >> 6 & 0b111) << 2 | page >> 2 & 0b11,
                ))
            }
            _ => panic!("{first:#x} is reserved"),
        }
    }
}

/// Decodes AP[2:0] of what only the kernel can access (table B3-8).
fn is_writable(upper: u32, lower: u32) -> bool {
    match (upper, lower) {
        (0, 0b01) => true,
        (1, 0b01) => false,
        other => panic!("AP is {other:?}"),
    }
}

fn mapping(base: u64, size: u64, access: Access) -> Mapping {
    let base = PhysicalAddress(base);
    Mapping::identity(Range { base, size }, access)
}

/// The bits TEX, C and B of write-back cached memory and of device memory.
const MEMORY: u32 = 0b00111;
const DEVICE: u32 = 0b00001;

#[test]
fn nothing_is_mapped_at_first() {
    let mapped = Mapped::of(&[]);
    for address in [0, 0x6000_0000, u32::MAX] {
        assert_eq!(mapped.at(address), None);
    }
}

#[test]
fn whole_sections_need_no_second_table() {
    let mapped = Mapped::of(&[mapping(0x6000_0000, 0x20_0000, Access::Data)]);
    assert!(mapped.second.0.is_empty());
    let at = |address| mapped.at(address);
    assert_eq!(at(0x6012_3456), Some((0x6012_3456, true, false, MEMORY)));
    assert_eq!(at(0x6020_0000), None);
    assert_eq!(at(0x5fff_ffff), None);
}

#[test]
fn each_access_has_its_permissions() {
    let base = 0x6000_0000;
    for (access, expected) in [
        (Access::Code, (false, true, MEMORY)),
        (Access::ReadOnly, (false, false, MEMORY)),
        (Access::Data, (true, false, MEMORY)),
        (Access::Device, (true, false, DEVICE)),
    ] {
        for size in [0x1000, 0x10_0000] {
            let mapped = Mapped::of(&[mapping(base, size, access)]);
            let (address, writable, executable, kind) = mapped.at(0x6000_0ffc).unwrap();
            assert_eq!(address, 0x6000_0ffc);
            assert_eq!((writable, executable, kind), expected, "{access:?}");
        }
    }
}

#[test]
fn a_page_leaves_the_rest_of_its_section_unmapped() {
    let mapped = Mapped::of(&[mapping(0x1e00_1000, 0x1000, Access::Device)]);
    assert!(mapped.at(0x1e00_1ffc).is_some());
    assert_eq!(mapped.at(0x1e00_0ffc), None);
    assert_eq!(mapped.at(0x1e00_2000), None);
}

#[test]
fn a_part_of_a_page_maps_the_page() {
    let mapped = Mapped::of(&[
        mapping(0x1e00_0100, 0x100, Access::Device),
        mapping(0x1e00_0200, 0x20, Access::Device),
    ]);
    assert!(mapped.at(0x1e00_0000).is_some());
    assert_eq!(mapped.at(0x1e00_1000), None);
}

#[test]
fn a_section_is_split_where_a_page_differs() {
    let mapped = Mapped::of(&[
        mapping(0x6000_0000, 0x40_0000, Access::Data),
        mapping(0x6010_0000, 0x3000, Access::Code),
        mapping(0x6020_0000, 0x1000, Access::None),
    ]);
    let at = |address| mapped.at(address);
    assert_eq!(at(0x600f_fffc), Some((0x600f_fffc, true, false, MEMORY)));
    assert_eq!(at(0x6010_2ffc), Some((0x6010_2ffc, false, true, MEMORY)));
    assert_eq!(at(0x6010_3000), Some((0x6010_3000, true, false, MEMORY)));
    assert_eq!(at(0x601f_fffc), Some((0x601f_fffc, true, false, MEMORY)));
    assert_eq!(at(0x6020_0ffc), None);
    assert_eq!(at(0x6020_1000), Some((0x6020_1000, true, false, MEMORY)));
    assert_eq!(mapped.second.0.len(), 2);
}

#[test]
fn a_window_may_lead_elsewhere() {
    let window = |physical| Mapping {
        physical: PhysicalAddress(physical),
        ..mapping(0x4000_0000, 0x10_0000, Access::Device)
    };
    let at = |mapped: Mapped| mapped.at(0x4000_1004).map(|found| found.0);
    assert_eq!(at(Mapped::of(&[window(0x2000_0000)])), Some(0x2000_1004));
    assert_eq!(at(Mapped::of(&[window(0x2000_3000)])), Some(0x2000_4004));
}

#[test]
fn the_last_address_can_be_mapped_and_no_further_one() {
    let mapped = Mapped::of(&[mapping(0xffff_0000, 0x1_0000, Access::Data)]);
    assert!(mapped.at(0xffff_fffc).is_some());
    for (base, size) in [(0xffff_0000, 0x1_0001), (1 << 32, 1), (u64::MAX, 2)] {
        let wrong = mapping(base, size, Access::Data);
        let refused = Mapped::try_of(&[wrong]);
        assert!(matches!(refused, Err(TranslationError::OutOfReach(_))));
    }
}

#[test]
fn a_physical_address_above_4_gib_is_refused() {
    let far = Mapping {
        physical: PhysicalAddress(0x40_1000_0000),
        ..mapping(0x0100_0000, 0x1000, Access::Device)
    };
    let refused = Mapped::try_of(&[far]);
    assert!(matches!(refused, Err(TranslationError::OutOfReach(_))));
}

#[test]
fn an_exhausted_pool_is_an_error() {
    let pages: Vec<Mapping> = (0..4)
        .map(|nth| mapping(nth << 20 | 0x1000, 0x1000, Access::Data))
        .collect();
    assert!(Mapped::try_of(&pages[..3]).is_ok());
    let refused = Mapped::try_of(&pages);
    assert!(matches!(refused, Err(TranslationError::OutOfPages)));
}

#[test]
fn the_first_table_is_placed_in_consecutive_pages() {
    let place = |pages: &[u64]| {
        let mut pages = pages.iter().copied();
        place_first(|| pages.next())
    };
    assert_eq!(place(&[0x4000, 0x5000, 0x6000, 0x7000]), Some(0x4000));
    assert_eq!(place(&[0x7000, 0x6000, 0x5000, 0x4000]), Some(0x4000));
    let late = [0x5000, 0x6000, 0x7000, 0x8000, 0x9000, 0xa000, 0xb000];
    assert_eq!(place(&late), Some(0x8000));
    let gap = [0x4000, 0x5000, 0x7000, 0x8000, 0x9000, 0xa000, 0xb000];
    assert_eq!(place(&gap), Some(0x8000));
    assert_eq!(place(&late[..6]), None);
}
