use super::*;
use std::boxed::Box;
use std::vec::Vec;

/// The address of the list, as in a machine whose RAM begins at 0x6000_0000.
const ADDRESS: PhysicalAddress = PhysicalAddress(0x6000_0100);

/// Memory with the list, and zeros after it.
struct Fake(&'static [u8]);

impl PhysicalMemory for Fake {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        assert_eq!(address, ADDRESS.0);
        &self.0[..size.min(self.0.len())]
    }
}

/// Reads a list of these words, followed by `rest` zeros.
fn read(words: &[u32], rest: usize) -> Option<Tags> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(bytes.len() + rest, 0);
    Tags::read(&Fake(Box::leak(bytes.into_boxed_slice())), ADDRESS)
}

/// The first tag, as QEMU writes it.
const BEGIN: [u32; 5] = [5, CORE, 1, 0x1000, 0];
/// 128 MiB of RAM at 0x6000_0000.
const RAM: [u32; 4] = [4, MEMORY, 0x800_0000, 0x6000_0000];
/// "log=debug", with zeros at the end.
const LINE: [u32; 5] = [5, COMMAND_LINE, 0x3d67_6f6c, 0x7562_6564, 0x67];
/// The last tag.
const END: [u32; 2] = [0, NONE];

#[test]
fn ram_and_the_command_line_are_read() {
    let tags = read(&[&BEGIN[..], &RAM, &LINE, &END].concat(), 100).unwrap();
    assert_eq!(tags.command_line(), "log=debug");
    let ram = tags.ram().unwrap();
    let [range] = ram.as_slice() else {
        panic!("one range")
    };
    assert_eq!((range.base.0, range.size), (0x6000_0000, 0x800_0000));
}

#[test]
fn a_list_of_nothing_tells_nothing() {
    let tags = read(&[2, CORE, 0, NONE], 0).unwrap();
    assert_eq!(tags.command_line(), "");
    assert!(tags.ram().unwrap().as_slice().is_empty());
}

#[test]
fn other_tags_are_passed_over() {
    let board = [3, 0x4100_0001, 7];
    let tags = read(&[&BEGIN[..], &board, &RAM, &END].concat(), 0).unwrap();
    assert_eq!(tags.ram().unwrap().as_slice().len(), 1);
}

#[test]
fn what_does_not_begin_as_a_list_is_none() {
    // A device tree, cleared memory, and a first tag of another size.
    for first in [[0xedfe_0dd0, 0x1000], [0, 0], [CORE, 5], [9, CORE]] {
        assert!(read(&[&first[..], &RAM, &END].concat(), 100).is_none());
    }
    assert!(read(&[5], 0).is_none());
    assert!(read(&[], 0).is_none());
}

#[test]
fn a_list_without_an_end_is_none() {
    for size in [0, 1, 0x4000_0001, u32::MAX, 500] {
        let broken = [size, MEMORY, 0x800_0000, 0x6000_0000];
        let tags = read(&[&BEGIN[..], &broken, &END].concat(), 0);
        assert!(tags.is_none(), "{size}");
    }
    // It would end, but only behind the first 16 KiB of RAM.
    let mut many = BEGIN.to_vec();
    (0..1_200).for_each(|_| many.extend(RAM));
    many.extend(END);
    assert!(read(&many, 0).is_none());
}

#[test]
fn a_truncated_tag_has_no_values() {
    let tags = read(&[&BEGIN[..], &[3, MEMORY, 0x800_0000], &END].concat(), 0).unwrap();
    assert!(tags.ram().unwrap().as_slice().is_empty());
    let tags = read(&[&BEGIN[..], &[2, COMMAND_LINE], &END].concat(), 0).unwrap();
    assert_eq!(tags.command_line(), "");
}

#[test]
fn a_command_line_without_an_end_or_of_other_bytes_is_empty() {
    for words in [
        [4, COMMAND_LINE, 0x3d67_6f6c, 0x7562_6564],
        [4, COMMAND_LINE, 0xffff_ffff, 0],
    ] {
        let tags = read(&[&BEGIN[..], &words, &END].concat(), 0).unwrap();
        assert_eq!(tags.command_line(), "");
    }
}

#[test]
fn an_empty_range_is_none() {
    let empty = [4, MEMORY, 0, 0x6000_0000];
    let tags = read(&[&BEGIN[..], &empty, &END].concat(), 0).unwrap();
    assert!(tags.ram().unwrap().as_slice().is_empty());
}

#[test]
fn the_list_and_the_ram_disk_are_not_free() {
    let disk = [4, RAM_DISK, 0x6100_0000, 0x1000];
    let tags = read(&[&BEGIN[..], &RAM, &disk, &END].concat(), 100).unwrap();
    let mut free = tags.ram().unwrap();
    tags.carve(&mut free).unwrap();
    let bases: Vec<u64> = free.as_slice().iter().map(|range| range.base.0).collect();
    assert_eq!(bases, [0x6000_0000, 0x6000_013c, 0x6100_1000]);
}
