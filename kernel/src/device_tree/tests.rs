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
    let mut model = Model::new();
    model.root.add_property(cells("#address-cells", &[2]));
    model.root.add_property(cells("#size-cells", &[1]));
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

fn reserved(tree: DeviceTree<'_>) -> Vec<Range> {
    let mut ranges = Vec::new();
    let all = tree.reserved(|range| {
        ranges.push(range);
        Ok::<_, core::convert::Infallible>(())
    });
    all.map(|()| ranges).unwrap_or_else(|never| match never {})
}

#[test]
fn ram_is_every_range_of_every_memory_node() {
    let ram: Vec<_> = with(&model().to_dtb(), |tree| tree.ram().collect()).expect("it is sound");
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
    let ram = with(&model.to_dtb(), |tree| tree.ram().count()).expect("it is sound");
    assert_eq!(ram, 2);
}

#[test]
fn reserved_memory_is_read_from_the_block_and_from_nodes() {
    let bytes = model().to_dtb();
    let reserved: Vec<_> = with(&bytes, reserved).expect("it is sound");
    assert_eq!(
        reserved,
        [range(0x4000_0200, 0x10), range(0x4000_0100, 0x100)]
    );
}

#[test]
fn nodes_after_the_reserved_ranges_are_not_reserved() {
    let mut model = model();
    let mut bus = node("bus", Vec::new());
    let device = cells("reg", &[0, 0x900_0000, 0x1000]);
    bus.add_child(node("device", Vec::from([device])));
    model.root.add_child(bus);
    let count = with(&model.to_dtb(), |tree| reserved(tree).len()).expect("it is sound");
    assert_eq!(count, 2);
}

#[test]
fn the_command_line_is_that_of_chosen() {
    let bytes = model().to_dtb();
    let line = with(&bytes, |tree| tree.command_line().len()).expect("it is sound");
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
        with(&bytes, find).expect("it is sound")
    };
    assert_eq!(registers(b"memory@0"), Some((0x4000_0000, 0x1000)));
    assert_eq!(registers(b"taken"), Some((0x4000_0100, 0x100)));
}

#[test]
fn nodes_between_two_memory_nodes_are_no_ram() {
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
    let ram: Vec<_> = with(&model.to_dtb(), |tree| tree.ram().collect()).expect("it is sound");
    assert_eq!(ram.len(), 3);
    assert_eq!(ram[2], range(0x2_0000_0000, 0x3000));
}

#[test]
fn reading_visits_every_node_once() {
    let bytes = model().to_dtb();
    let mut names = Vec::new();
    let tree = DeviceTree::of(&bytes).expect("it is sound");
    let read = tree.read(|node| names.push(node.name().to_vec()));
    let expected: [&[u8]; 5] = [b"", b"memory@0", b"reserved-memory", b"taken", b"chosen"];
    assert_eq!(names, expected);
    assert_eq!(read.ram().count(), 2);
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
        with(&bytes, first).expect("it is sound")
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
    for position in 0..sound.len() {
        for value in [0, 1, 2, 3, 4, 0x7F, 0xFF] {
            let mut bytes = sound.clone();
            bytes[position] = value;
            // The results are arbitrary, but there must be no panic.
            let _ = with(&bytes, |tree| {
                tree.ram().count() + reserved(tree).len() + tree.command_line().len()
            });
        }
    }
}
