//! Tests with trees written by the independent crate dtoolkit.

use dtoolkit::ToPropertyValue;
use dtoolkit::memreserve::MemoryReservation;
use dtoolkit::model::{DeviceTree as Model, DeviceTreeNode, DeviceTreeProperty};
use std::vec::Vec;

use super::*;

fn property(name: &str, value: impl ToPropertyValue) -> DeviceTreeProperty {
    DeviceTreeProperty::new(name, value).expect("a sound name")
}

fn cells(name: &str, cells: &[u32]) -> DeviceTreeProperty {
    property(name, cells)
}

fn node(name: &str, properties: Vec<DeviceTreeProperty>) -> DeviceTreeNode {
    let mut node = DeviceTreeNode::new(name).expect("a sound name");
    properties
        .into_iter()
        .for_each(|one| node.add_property(one));
    node
}

fn model() -> Model {
    model_behind(Vec::new())
}

/// Returns the model with further nodes before its own.
fn model_behind(first: Vec<DeviceTreeNode>) -> Model {
    let mut model = Model::new();
    model.root.add_property(cells("#address-cells", &[2]));
    model.root.add_property(cells("#size-cells", &[1]));
    first.into_iter().for_each(|one| model.root.add_child(one));
    let memory = [
        property("device_type", "memory"),
        cells("reg", &[0, 0x4000_0000, 0x1000, 1, 0, 0x2000]),
    ];
    model.root.add_child(node("memory@0", memory.into()));
    let mut reserved = node(
        "reserved-memory",
        Vec::from([cells("#address-cells", &[1]), cells("#size-cells", &[1])]),
    );
    let taken = cells("reg", &[0x4000_0100, 0x100]);
    reserved.add_child(node("taken", Vec::from([taken])));
    model.root.add_child(reserved);
    let bootargs = property("bootargs", "log=debug");
    model.root.add_child(node("chosen", Vec::from([bootargs])));
    let block = MemoryReservation::new(0x4000_0200, 0x10);
    model.memory_reservations.push(block);
    model
}

fn range(base: u64, size: u64) -> Range {
    Range {
        base: PhysicalAddress(base),
        size,
    }
}

fn with<T>(bytes: &[u8], read: impl FnOnce(DeviceTree<'_>) -> T) -> Result<T, Unusable> {
    DeviceTree::of(bytes).map(read)
}

fn try_ram(tree: DeviceTree<'_>) -> Result<Vec<Range>, Malformed<'_>> {
    let mut ranges = Vec::new();
    tree.ram(|range| {
        ranges.push(range);
        Ok(())
    })
    .map(|()| ranges)
}

fn ram(tree: DeviceTree<'_>) -> Vec<Range> {
    try_ram(tree).expect("every range can be read")
}

fn try_reserved(tree: DeviceTree<'_>) -> Result<Vec<Range>, Malformed<'_>> {
    let mut ranges = Vec::new();
    tree.reserved(|range| {
        ranges.push(range);
        Ok(())
    })
    .map(|()| ranges)
}

fn reserved(tree: DeviceTree<'_>) -> Vec<Range> {
    try_reserved(tree).expect("every range can be read")
}

/// Returns what is read from a tree in which `/reserved-memory` has these properties and one child.
fn reserved_with(
    parent: Vec<DeviceTreeProperty>,
    child: Vec<DeviceTreeProperty>,
) -> Result<Vec<Range>, std::string::String> {
    let mut model = model();
    model.memory_reservations.clear();
    model.root.remove_child("reserved-memory");
    let mut reserved = node("reserved-memory", parent);
    reserved.add_child(node("monitor@40000100", child));
    model.root.add_child(reserved);
    let read = |tree: DeviceTree<'_>| try_reserved(tree).map_err(|error| std::format!("{error}"));
    with(&model.to_dtb(), read).expect("a tree")
}

#[test]
fn ram_is_every_range_of_every_memory_node() {
    let ram = with(&model().to_dtb(), ram).expect("the tree is valid");
    assert_eq!(
        ram,
        [range(0x4000_0000, 0x1000), range(0x1_0000_0000, 0x2000)]
    );
}

#[test]
fn disabled_ram_is_not_used() {
    let mut model = model();
    let secure = [
        property("device_type", "memory"),
        property("status", "disabled"),
        cells("reg", &[0, 0x900_0000, 0x1000]),
    ];
    model.root.add_child(node("memory@1", secure.into()));
    let ram = with(&model.to_dtb(), ram).expect("the tree is valid");
    assert_eq!(ram.len(), 2);
}

#[test]
fn reserved_memory_is_read_from_the_block_and_from_nodes() {
    let bytes = model().to_dtb();
    let reserved: Vec<_> = with(&bytes, reserved).expect("the tree is valid");
    assert_eq!(
        reserved,
        [range(0x4000_0200, 0x10), range(0x4000_0100, 0x100)]
    );
}

#[test]
fn reserved_memory_is_reserved_whatever_its_status() {
    let cells_of = |address, size| {
        Vec::from([
            cells("#address-cells", &[address]),
            cells("#size-cells", &[size]),
        ])
    };
    for status in ["okay", "ok", "disabled", "reserved", "fail", "fail-sss", ""] {
        let mut parent = cells_of(1, 1);
        parent.push(property("status", status));
        let child = Vec::from([
            property("status", status),
            cells("reg", &[0x4000_0100, 0x100]),
        ]);
        let expected = Ok(Vec::from([range(0x4000_0100, 0x100)]));
        assert_eq!(reserved_with(parent, child), expected, "{status}");
    }
}

#[test]
fn reserved_memory_is_read_with_the_cells_of_its_parent_or_refused() {
    let expected = [range(0x4000_0100, 0x100)];
    let most = if cfg!(miri) { 2 } else { 4 };
    for address in 0..=most {
        for size in 0..=most {
            let parent = Vec::from([
                cells("#address-cells", &[address]),
                cells("#size-cells", &[size]),
            ]);
            let right = match (address, size) {
                (1, 1) => &[0x4000_0100, 0x100][..],
                (1, 2) => &[0x4000_0100, 0, 0x100],
                (2, 1) => &[0, 0x4000_0100, 0x100],
                (2, 2) => &[0, 0x4000_0100, 0, 0x100],
                _ => &[0, 0, 0, 0x4000_0100, 0, 0, 0, 0x100],
            };
            let child = |reg: &[u32]| Vec::from([cells("reg", reg)]);
            let read = reserved_with(parent.clone(), child(right));
            if (1..=2).contains(&address) && (1..=2).contains(&size) {
                assert_eq!(read, Ok(expected.to_vec()), "{address} and {size}");
                for wrong in [&right[1..], &[right, &[0]].concat()] {
                    let read = reserved_with(parent.clone(), child(wrong));
                    let whole = (wrong.len() as u32).is_multiple_of(address + size);
                    assert_eq!(read.is_ok(), whole, "{address} and {size}: {wrong:?}");
                }
            } else {
                let error = read.expect_err("cells with an invalid count");
                assert!(error.contains("monitor@40000100"), "{error}");
            }
        }
    }
}

#[test]
fn cells_that_are_not_stated_are_two_and_one() {
    let child = Vec::from([cells("reg", &[0, 0x4000_0100, 0x100])]);
    let expected = Ok(Vec::from([range(0x4000_0100, 0x100)]));
    assert_eq!(reserved_with(Vec::new(), child), expected);
    // Entries have the sizes of the root here.
    let child = Vec::from([cells("reg", &[0x4000_0100, 0x100])]);
    reserved_with(Vec::new(), child).expect_err("half an entry");
}

#[test]
fn a_reserved_range_beyond_the_address_space_is_refused() {
    let parent = Vec::from([cells("#address-cells", &[2]), cells("#size-cells", &[2])]);
    let child = Vec::from([cells("reg", &[u32::MAX, 0xFFFF_F000, 0, 0x2000])]);
    reserved_with(parent, child).expect_err("it ends nowhere");
}

#[test]
fn reserved_memory_without_an_address_reserves_nothing() {
    let parent = Vec::from([cells("#address-cells", &[1]), cells("#size-cells", &[1])]);
    let child = Vec::from([cells("size", &[0x1000])]);
    assert_eq!(reserved_with(parent, child), Ok(Vec::new()));
}

#[test]
fn a_tree_that_ends_early_reserves_nothing_silently() {
    let mut deep = node("n", Vec::new());
    for _ in 0..20 {
        let mut parent = node("n", Vec::new());
        parent.add_child(deep);
        deep = parent;
    }
    let model = model_behind(Vec::from([deep]));
    let refused = with(&model.to_dtb(), |tree| try_reserved(tree).is_err());
    assert!(refused.expect("a tree"));
}

#[test]
fn ram_in_half_an_entry_is_refused() {
    let mut model = model();
    let half = [
        property("device_type", "memory"),
        cells("reg", &[2, 0, 0x3000, 3]),
    ];
    model.root.add_child(node("memory@200000000", half.into()));
    let refused = with(&model.to_dtb(), |tree| try_ram(tree).is_err());
    assert!(refused.expect("a tree"));
}

#[test]
fn nodes_after_the_reserved_ranges_are_not_reserved() {
    let mut model = model();
    let mut bus = node("bus", Vec::new());
    let device = cells("reg", &[0, 0x900_0000, 0x1000]);
    bus.add_child(node("device", Vec::from([device])));
    model.root.add_child(bus);
    let count = with(&model.to_dtb(), |tree| reserved(tree).len()).expect("the tree is valid");
    assert_eq!(count, 2);
}

#[test]
fn the_command_line_is_that_of_chosen() {
    let bytes = model().to_dtb();
    let line = with(&bytes, |tree| tree.command_line().len()).expect("the tree is valid");
    assert_eq!(line, "log=debug".len());
}

#[test]
fn the_size_of_an_address_is_set_by_the_parent() {
    let bytes = model().to_dtb();
    let registers = |name: &[u8]| {
        let find = |tree: DeviceTree<'_>| {
            let mut nodes = tree.nodes();
            nodes.find(|node| node.name() == name)?.registers(0)
        };
        with(&bytes, find).expect("the tree is valid")
    };
    assert_eq!(registers(b"memory@0"), Some((0x4000_0000, 0x1000)));
    assert_eq!(registers(b"taken"), Some((0x4000_0100, 0x100)));
}

#[test]
fn nodes_between_two_memory_nodes_are_not_ram() {
    let mut model = model();
    let device = [
        property("device_type", "serial"),
        cells("reg", &[0, 0x900_0000, 0x1000]),
    ];
    let mut between = node("serial@9000000", device.into());
    between.add_child(node(
        "memory@0",
        Vec::from([property("device_type", "memory"), cells("reg", &[0, 0, 1])]),
    ));
    model.root.add_child(between);
    let more = [
        property("device_type", "memory"),
        cells("reg", &[2, 0, 0x3000]),
    ];
    model.root.add_child(node("memory@200000000", more.into()));
    let ram = with(&model.to_dtb(), ram).expect("the tree is valid");
    assert_eq!(ram.len(), 3);
    assert_eq!(ram[2], range(0x2_0000_0000, 0x3000));
}

#[test]
fn reading_visits_every_node_once() {
    let bytes = model().to_dtb();
    let mut names = Vec::new();
    let mut read = DeviceTree::of(&bytes).expect("the tree is valid");
    read.read(|node| names.push(node.name().to_vec()));
    let expected: [&[u8]; 5] = [b"", b"memory@0", b"reserved-memory", b"taken", b"chosen"];
    assert_eq!(names, expected);
    assert_eq!(ram(read).len(), 2);
    assert_eq!(reserved(read).len(), 2);
    assert_eq!(read.command_line(), "log=debug");
}

#[test]
fn the_first_node_with_a_property_is_found_by_its_value() {
    let mut model = model();
    for (name, handle) in [("a", 1), ("b", 2)] {
        let properties = [cells("phandle", &[handle]), cells("rate", &[handle * 10])];
        model.root.add_child(node(name, properties.into()));
    }
    let bytes = model.to_dtb();
    let rate = |handle| {
        let first = |tree: DeviceTree<'_>| {
            let node = tree.first("phandle", |value| value.cell(0) == Some(handle));
            node?.number("rate")
        };
        with(&bytes, first).expect("the tree is valid")
    };
    assert_eq!([1, 2, 3].map(rate), [Some(10), Some(20), None]);
}

#[test]
fn other_data_is_no_device_tree() {
    assert!(DeviceTree::of(b"").is_err());
    assert!(DeviceTree::of(&[0; 64]).is_err());
    let bytes = model().to_dtb();
    assert!(DeviceTree::of(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn corrupt_trees_cause_no_panic_and_no_endless_loop() {
    let sound = model().to_dtb();
    // Miri takes as long for one tree as a processor for thousands.
    for position in (0..sound.len()).step_by(if cfg!(miri) { 31 } else { 1 }) {
        for value in [0, 1, 2, 3, 4, 0x7F, 0xFF] {
            let mut bytes = sound.clone();
            bytes[position] = value;
            // The results are arbitrary, but there must be no panic.
            let _ = with(&bytes, |tree| {
                let count = |ranges: Vec<Range>| ranges.len();
                let reserved = try_reserved(tree).map_or(0, count);
                try_ram(tree).map_or(0, count) + reserved + tree.command_line().len()
            });
        }
    }
}
