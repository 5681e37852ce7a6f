use super::*;
use std::boxed::Box;
use std::vec::Vec;

/// Memory with some bytes at some addresses, and nothing elsewhere.
struct Fake(Vec<(u64, &'static [u8])>);

impl PhysicalMemory for Fake {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        let found = self.0.iter().find(|(base, _)| *base == address);
        found.map_or(&[], |(_, bytes)| &bytes[..size.min(bytes.len())])
    }
}

fn words(words: &[u32]) -> &'static [u8] {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Box::leak(bytes.into_boxed_slice())
}

/// Returns a start info at 0x5000 with this memory map, and a module of one page at 0x20_0000.
fn start_info(map: &[(u64, u64, u32)]) -> StartInfo {
    let entries: Vec<u32> = map
        .iter()
        .flat_map(|&(base, size, kind)| {
            [
                base as u32,
                (base >> 32) as u32,
                size as u32,
                (size >> 32) as u32,
                kind,
                0,
            ]
        })
        .collect();
    let header = [
        MAGIC,
        1,
        0,
        1,
        0x7000,
        0,
        0x6000,
        0,
        0xf_0000,
        0,
        0x8000,
        0,
        map.len() as u32,
        0,
    ];
    let memory = Fake(Vec::from([
        (0x5000, words(&header)),
        (0x6000, &b"log=debug\0rest"[..]),
        (0x7000, words(&[0x20_0000, 0, 0x1000, 0, 0, 0, 0, 0])),
        (0x8000, words(&entries)),
    ]));
    StartInfo::read(&memory, PhysicalAddress(0x5000)).expect("it begins as it must")
}

/// A PC with 128 MiB, of which firmware uses the last 128 KiB, and RAM above 4 GiB.
const PC: [(u64, u64, u32); 8] = [
    (0, 0x9_fc00, 1),
    (0x9_fc00, 0x400, 2),
    (0xf_0000, 0x1_0000, 2),
    (0x10_0000, 0x7ee_0000, 1),
    (0x7fe_0000, 0x2_0000, 2),
    (0xb000_0000, 0x1000_0000, 2),
    (0x1_0000_0000, 0x4000_0000, 1),
    (0, 0, 0),
];

fn pairs(set: &RangeSet) -> Vec<(u64, u64)> {
    let ranges = set.as_slice().iter();
    ranges.map(|range| (range.base.0, range.size)).collect()
}

#[test]
fn ram_includes_the_parts_that_firmware_uses() {
    let ram = start_info(&PC).ram().expect("few ranges");
    assert_eq!(pairs(&ram), [(0, 0x800_0000), (0x1_0000_0000, 0x4000_0000)]);
}

#[test]
fn an_unsorted_map_has_the_same_result() {
    let mut map = PC;
    map.reverse();
    let ram = start_info(&map).ram().expect("few ranges");
    assert_eq!(pairs(&ram), [(0, 0x800_0000), (0x1_0000_0000, 0x4000_0000)]);
}

#[test]
fn memory_used_by_firmware_and_modules_is_not_free() {
    let info = start_info(&PC);
    let mut free = info.ram().expect("few ranges");
    info.carve(&mut free).expect("few ranges");
    let is_free = |address| {
        let contains = |range: &&Range| (range.base.0..end(range)).contains(&address);
        free.as_slice().iter().find(contains).is_some()
    };
    for taken in [0x5000, 0x9_fc00, 0xb_8000, 0xf_0000, 0x20_0fff, 0x7fe_0000] {
        assert!(!is_free(taken), "{taken:#x} is free");
    }
    for usable in [0x1000, 0x10_0000, 0x20_1000, 0x7fd_ffff, 0x1_0000_0000] {
        assert!(is_free(usable), "{usable:#x} is taken");
    }
}

#[test]
fn the_command_line_ends_with_its_zero_byte() {
    assert_eq!(start_info(&PC).command_line(), "log=debug");
}

#[test]
fn the_root_of_the_firmware_tables_is_returned() {
    let root = start_info(&PC).acpi_root();
    assert_eq!(root, Some(PhysicalAddress(0xf_0000)));
}

#[test]
fn other_data_is_no_start_info() {
    let memory = Fake(Vec::from([(0x5000, words(&[0xd00d_feed; 14]))]));
    assert!(StartInfo::read(&memory, PhysicalAddress(0x5000)).is_none());
    assert!(StartInfo::read(&memory, PhysicalAddress(0x6000)).is_none());
}

#[test]
fn version_0_has_no_memory_map() {
    let mut header = [0; 14];
    header[0] = MAGIC;
    header[12] = 5;
    let memory = Fake(Vec::from([(0x5000, words(&header))]));
    let info = StartInfo::read(&memory, PhysicalAddress(0x5000)).expect("it begins as it must");
    assert_eq!(pairs(&info.ram().expect("no ranges")), []);
}
