use super::*;
use std::boxed::Box;
use vmos_drivers::address::{self, PhysicalAddress};

/// A page for a table; a table of 1024 long entries takes two pages.
#[repr(align(4096))]
struct Page([u8; 2 * PAGE as usize]);

fn tables<F: Format>() -> Option<Table<F>> {
    let page = Box::leak(Box::new(Page([0xff; 2 * PAGE as usize])));
    let first = page.0.as_mut_ptr();
    first.expose_provenance();
    // SAFETY: the page is leaked, aligned, and of this size.
    Some(unsafe { slice::from_raw_parts_mut(first.cast(), entries::<F>()) })
}

fn mapping(base: u64, size: u64, access: Access) -> Mapping {
    let range = address::Range {
        base: PhysicalAddress(base),
        size,
    };
    Mapping::identity(range, access)
}

/// Walks the tables as the hart does: returns the physical address and the entry's flags.
fn walk<F: Format>(root: u64, levels: u32, virtual_address: u64) -> Option<(u64, u64)> {
    let mut table = root;
    for level in (0..levels).rev() {
        let first = core::ptr::with_exposed_provenance::<F::Entry>(table as usize);
        let index = (virtual_address >> shift::<F>(level)) as usize % entries::<F>();
        let entry = first.wrapping_add(index);
        // SAFETY: the tables are leaked, and the index is within one.
        let entry: u64 = unsafe { entry.read() }.into();
        if entry & VALID == 0 {
            return None;
        }
        if entry & LEAF != 0 {
            let within = virtual_address & ((1 << shift::<F>(level)) - 1);
            assert!(target(entry).is_multiple_of(1 << shift::<F>(level)));
            return Some((target(entry) | within, entry & FLAGS));
        }
        table = target(entry);
    }
    panic!("the last level leads on");
}

struct Built<F> {
    root: u64,
    levels: u32,
    format: PhantomData<F>,
}

impl<F: Format> Built<F> {
    fn of(mappings: &[Mapping]) -> Result<Self, TranslationError> {
        let mut map = Map::<F, _>::new(tables::<F>)?;
        for mapping in mappings {
            map.add(mapping)?;
        }
        let (root, levels) = map.finish();
        Ok(Self {
            root,
            levels,
            format: PhantomData,
        })
    }

    fn find(&self, address: u64) -> Option<(u64, u64)> {
        walk::<F>(self.root, self.levels, address)
    }
}

const DATA: u64 = VALID | READ | WRITE | ACCESSED | DIRTY;
const CODE: u64 = VALID | READ | EXECUTE | ACCESSED;

fn every_part_is_as_it_was_mapped<F: Format>() {
    let built = Built::<F>::of(&[
        mapping(0x8000_0000, 0x4000_0000, Access::Data),
        mapping(0x8020_0000, 0x3000, Access::Code),
        mapping(0x8020_5000, 0x1000, Access::None),
        mapping(0x1000_0000, 0x100, Access::Device),
    ])
    .expect("there are tables");
    for (address, flags) in [
        (0x8000_0000, DATA),
        (0x801f_ffff, DATA),
        (0x8020_0000, CODE),
        (0x8020_2fff, CODE),
        (0x8020_3000, DATA),
        (0x8020_6000, DATA),
        (0xbfff_ffff, DATA),
        (0x1000_0fff, DATA),
    ] {
        assert_eq!(built.find(address), Some((address, flags)), "{address:#x}");
    }
    for address in [0, 0x0fff_ffff, 0x1000_1000, 0x8020_5000, 0xc000_0000] {
        assert_eq!(built.find(address), None, "{address:#x}");
    }
}

#[test]
fn every_part_is_mapped_as_requested_with_64_bits() {
    every_part_is_as_it_was_mapped::<Long>();
}

#[test]
fn every_part_is_mapped_as_requested_with_32_bits() {
    every_part_is_as_it_was_mapped::<Short>();
}

#[test]
fn a_map_gets_as_many_levels_as_needed() {
    let near = mapping(0x8000_0000, 0x1000, Access::Data);
    let levels = |base| {
        let built = Built::<Long>::of(&[near, mapping(base, 0x20_0000, Access::Device)]);
        let built = built.expect("it is in reach");
        assert_eq!(built.find(base + 0x1234), Some((base + 0x1234, DATA)));
        assert_eq!(built.find(0x8000_0000), Some((0x8000_0000, DATA)));
        built.levels
    };
    assert_eq!(levels(0x3f_ffe0_0000), 3);
    assert_eq!(levels(0x40_0000_0000), 4);
    assert_eq!(levels(0x7fff_ffe0_0000), 4);
    assert_eq!(levels(0x8000_0000_0000), 5);
}

#[test]
fn an_unreachable_range_is_an_error() {
    for base in [1 << 56, u64::MAX - 0xfff] {
        let far = mapping(base, 0x1000, Access::Data);
        let error = Built::<Long>::of(&[far]).err();
        assert_eq!(error, Some(TranslationError::OutOfReach(far.range)));
    }
    let far = mapping(1 << 32, 0x1000, Access::Data);
    let error = Built::<Short>::of(&[far]).err();
    assert_eq!(error, Some(TranslationError::OutOfReach(far.range)));
}

#[test]
fn a_window_may_have_another_physical_address() {
    let moved = Mapping {
        physical: PhysicalAddress(0x3_0000_0000),
        ..mapping(0x4000_0000, 0x80_0000, Access::Device)
    };
    let built = Built::<Short>::of(&[moved]).expect("34 bits reach it");
    let found = built.find(0x4012_3456);
    assert_eq!(found, Some((0x3_0012_3456, DATA)));
}

#[test]
fn the_last_page_of_32_bits_is_in_reach() {
    let last = mapping(0xffff_f000, 0x1000, Access::Data);
    let built = Built::<Short>::of(&[last]).expect("it is in reach");
    assert_eq!(built.find(0xffff_ffff), Some((0xffff_ffff, DATA)));
}

#[test]
fn running_out_of_pages_is_an_error() {
    let mut pages = 2;
    let few = || {
        pages -= 1;
        if pages < 0 { None } else { tables::<Long>() }
    };
    let mut map = Map::<Long, _>::new(few).expect("the first is there");
    let error = map.add(&mapping(0x8000_0000, 0x1000, Access::Data));
    assert_eq!(error, Err(TranslationError::OutOfPages));
}
