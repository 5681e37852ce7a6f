//! Tests with a simulated machine: its device tree is changed, the table is not.

use dtoolkit::ToPropertyValue;
use dtoolkit::model::{DeviceTree as Model, DeviceTreeNode, DeviceTreeProperty};
use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use vmos_drivers::board::Region;

mod several;

const TABLE: &[Fact] = &[
    Fact::inputs("spi", Some(0), 32),
    Fact::inputs("ppi", Some(1), 16),
    Fact::part("interrupt-controller.some", "some,controller"),
    Fact::registers("distributor.base", 0, Region::at("", 0x1000_0000, 0x1000)),
    Fact::registers("cpu-interface.base", 1, Region::at("", 0x1001_0000, 0x2000)),
    Fact::part("timer.some", "some,timer"),
    Fact::or("other,timer"),
    Fact::interrupt("interrupt", 2, 27),
    Fact::frequency("frequency", "clock-frequency", 1_000_000),
    Fact::part("console.some", "some,uart"),
    Fact::registers("base", 0, Region::at("", 0x2000_0000, 0x1000)),
    Fact::interrupt("interrupt", 0, 33),
    Fact::frequency("clock", "clock-frequency", 24_000_000),
    Fact::part("power.some", "some,power"),
    Fact::text("conduit", "method", "hvc"),
    Fact::part("virtio-mmio", "virtio,mmio"),
    Fact::slots(Region::at("", 0x3000_0000, 0x400), 0x200, 2, 48),
    Fact::part("pci.ecam", "pci-host-ecam-generic"),
    Fact::registers("base", 0, Region::at("", 0x40_0000_0000, 0x1000_0000)),
    Fact::window(
        "windows.memory32",
        2,
        Region::at("", 0x5000_0000, 0x1000_0000),
    ),
    Fact::intx("intx", 35),
    Fact::holder("clock.some", "timebase-frequency"),
    Fact::frequency("frequency", "timebase-frequency", 10_000_000),
];
const COUNT: usize = Part::count(TABLE);
static PARTS: [Part; COUNT] = Part::all_of(TABLE);

fn property(name: &str, value: impl ToPropertyValue) -> DeviceTreeProperty {
    DeviceTreeProperty::new(name, value).expect("a sound name")
}

fn node(name: &str, properties: Vec<DeviceTreeProperty>) -> DeviceTreeNode {
    let mut node = DeviceTreeNode::new(name).expect("a sound name");
    for property in properties {
        node.add_property(property);
    }
    node
}

fn cells(name: &str, cells: &[u32]) -> DeviceTreeProperty {
    property(name, cells)
}

fn kinds(kinds: &str) -> DeviceTreeProperty {
    property("compatible", kinds)
}

/// Returns the machine as in the table. The names of its nodes are meaningless.
fn machine() -> Model {
    let mut tree = Model::new();
    let root = &mut tree.root;
    root.add_property(cells("#address-cells", &[2]));
    root.add_property(cells("#size-cells", &[2]));
    let children = [
        node(
            "a",
            Vec::from([
                kinds("some,controller"),
                cells("phandle", &[7]),
                cells("#interrupt-cells", &[3]),
                cells("#address-cells", &[2]),
                cells(
                    "reg",
                    &[0, 0x1000_0000, 0, 0x1000, 0, 0x1001_0000, 0, 0x1_0000],
                ),
            ]),
        ),
        node(
            "b",
            Vec::from([
                property("compatible", "newer,timer\0other,timer"),
                cells("interrupts", &[1, 13, 4, 1, 14, 4, 1, 11, 4]),
                cells("clock-frequency", &[1_000_000]),
            ]),
        ),
        node(
            "c",
            Vec::from([
                kinds("some,uart"),
                cells("reg", &[0, 0x2100_0000, 0, 0x1000]),
                cells("interrupts", &[0, 9, 4]),
            ]),
        ),
        node(
            "d",
            Vec::from([
                kinds("some,uart"),
                cells("reg", &[0, 0x2000_0000, 0, 0x1000]),
                cells("interrupts", &[0, 1, 4]),
                cells("clocks", &[5]),
            ]),
        ),
        node(
            "e",
            Vec::from([
                cells("phandle", &[5]),
                cells("clock-frequency", &[24_000_000]),
            ]),
        ),
        node(
            "f",
            Vec::from([kinds("some,power"), property("method", "hvc")]),
        ),
        node(
            "g",
            Vec::from([
                kinds("virtio,mmio"),
                cells("reg", &[0, 0x3000_0200, 0, 0x200]),
                cells("interrupts", &[0, 17, 1]),
            ]),
        ),
        node(
            "h",
            Vec::from([
                kinds("virtio,mmio"),
                cells("reg", &[0, 0x3000_0000, 0, 0x200]),
                cells("interrupts", &[0, 16, 1]),
            ]),
        ),
        node(
            "i",
            Vec::from([
                kinds("pci-host-ecam-generic"),
                cells("#address-cells", &[3]),
                cells("#size-cells", &[2]),
                cells("reg", &[0x40, 0, 0, 0x1000_0000]),
                cells(
                    "ranges",
                    &[
                        0x0100_0000,
                        0,
                        0,
                        0,
                        0x3EFF_0000,
                        0,
                        0x1_0000,
                        0x0200_0000,
                        0,
                        0x5000_0000,
                        0,
                        0x5000_0000,
                        0,
                        0x1000_0000,
                    ],
                ),
                cells("interrupt-map", &[0, 0, 0, 1, 7, 0, 0, 0, 3, 4]),
            ]),
        ),
        node("j", Vec::from([cells("timebase-frequency", &[10_000_000])])),
    ];
    for child in children {
        root.add_child(child);
    }
    tree
}

/// Returns the machine with a changed property of a node.
fn machine_with(node: &str, property: &str, value: &[u32]) -> Model {
    let mut tree = machine();
    let node = tree.root.child_mut(node).expect("a node of the machine");
    node.add_property(cells(property, value));
    tree
}

fn survey(tree: &Model) -> Survey<'static, COUNT, 0> {
    let blob: &'static [u8] = Box::leak(tree.to_dtb().into_boxed_slice());
    let mut tree = DeviceTree::of(blob).expect("a sound tree");
    Survey::of(&mut tree, TABLE, &PARTS)
}

/// The aspects, in the order in which the kernel compares them.
const ASPECTS: [Aspect; 2] = [Aspect::Places, Aspect::Rest];

fn said(tree: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    let mut count = 0;
    for aspect in ASPECTS {
        count += survey(tree).contradictions(aspect, |found| lines.push(found.to_string()));
    }
    assert_eq!(count, lines.len());
    lines
}

#[test]
fn a_machine_as_described_has_no_conflict() {
    assert_eq!(said(&machine()), [""; 0]);
    assert_eq!(survey(&machine()).console(), None);
}

#[test]
fn a_node_is_found_by_its_kind_and_address() {
    let tree = machine_with("d", "reg", &[0, 0x2000_1000, 0, 0x1000]);
    let line = "console.some.base: the description says 4 KiB at 0x2000_0000, the device tree \
                says 4 KiB at 0x2100_0000";
    assert_eq!(said(&tree)[0], line);
}

#[test]
fn a_console_at_another_address_is_found_before_it_is_started() {
    let mut tree = machine_with("d", "reg", &[0, 0x2000_1000, 0, 0x1000]);
    tree.root.remove_child("c");
    assert_eq!(survey(&tree).console(), Some(PhysicalAddress(0x2000_1000)));
}

#[test]
fn a_disabled_console_is_ignored() {
    let mut tree = machine();
    let uart = tree.root.child_mut("d").expect("the console");
    uart.add_property(property("status", "disabled"));
    assert_eq!(survey(&tree).console(), Some(PhysicalAddress(0x2100_0000)));
}

#[test]
fn a_tree_without_devices_has_no_conflict() {
    let mut tree = Model::new();
    tree.root.add_child(node(
        "memory",
        Vec::from([property("device_type", "memory")]),
    ));
    assert_eq!(said(&tree), Vec::<String>::new());
}

#[test]
fn registers_that_are_too_small_are_reported() {
    let tree = machine_with("d", "reg", &[0, 0x2000_0000, 0, 0x100]);
    let line = "console.some.base: the description says 4 KiB at 0x2000_0000, the device tree \
                says 256 B at 0x2000_0000";
    assert_eq!(said(&tree), [line]);
}

#[test]
fn a_second_range_of_registers_is_compared_too() {
    let reg = [0, 0x1000_0000, 0, 0x1000, 0, 0x1002_0000, 0, 0x1_0000];
    let line = "interrupt-controller.some.cpu-interface.base: the description says 8 KiB at \
                0x1001_0000, the device tree says 8 KiB at 0x1002_0000";
    assert_eq!(said(&machine_with("a", "reg", &reg)), [line]);
}

#[test]
fn another_interrupt_is_reported_as_in_the_board_file() {
    let line = "console.some.interrupt: the description says spi 1, the device tree says spi 2";
    assert_eq!(said(&machine_with("d", "interrupts", &[0, 2, 4])), [line]);
}

#[test]
fn the_timers_interrupt_is_the_one_at_its_place_in_the_list() {
    let interrupts = [1, 13, 4, 1, 14, 4, 1, 10, 4];
    let line = "timer.some.interrupt: the description says ppi 11, the device tree says ppi 10";
    assert_eq!(said(&machine_with("b", "interrupts", &interrupts)), [line]);
}

#[test]
fn a_frequency_is_read_from_the_node_or_its_clock() {
    let line = "timer.some.frequency: the description says 1 MHz, the device tree says 62500 kHz";
    let own = machine_with("b", "clock-frequency", &[62_500_000]);
    assert_eq!(said(&own), [line]);
    let line = "console.some.clock: the description says 24 MHz, the device tree says 48 MHz";
    let fed = machine_with("e", "clock-frequency", &[48_000_000]);
    assert_eq!(said(&fed), [line]);
    let line = "clock.some.frequency: the description says 10 MHz, the device tree says 1 GHz";
    let held = machine_with("j", "timebase-frequency", &[1_000_000_000]);
    assert_eq!(said(&held), [line]);
}

#[test]
fn another_conduit_is_reported() {
    let mut tree = machine();
    let power = tree.root.child_mut("f").expect("it is there");
    power.add_property(property("method", "smc"));
    let line = "power.some.conduit: the description says \"hvc\", the device tree says \"smc\"";
    assert_eq!(said(&tree), [line]);
}

#[test]
fn a_missing_slot_is_reported() {
    let mut tree = machine();
    tree.root.remove_child("g");
    let line = "virtio-mmio.count: the description says 2, the device tree says 1";
    assert_eq!(said(&tree), [line]);
}

#[test]
fn another_stride_or_first_interrupt_is_reported() {
    let reg = [0, 0x3000_1000, 0, 0x200];
    let line = "virtio-mmio.stride: the description says 512 B, the device tree says 4 KiB";
    assert_eq!(said(&machine_with("g", "reg", &reg)), [line]);
    let line = "virtio-mmio.interrupt: the description says spi 16, the device tree says spi 20";
    assert_eq!(said(&machine_with("h", "interrupts", &[0, 20, 1])), [line]);
}

#[test]
fn another_or_smaller_window_is_reported() {
    let ranges = [0x0200_0000, 0, 0x6000_0000, 0, 0x6000_0000, 0, 0x1000_0000];
    let line = "pci.ecam.windows.memory32: the description says 256 MiB at 0x5000_0000, the device \
                tree says 256 MiB at 0x6000_0000";
    assert_eq!(said(&machine_with("i", "ranges", &ranges)), [line]);
    let ranges = [0x0200_0000, 0, 0x5000_0000, 0, 0x5000_0000, 0, 0x800_0000];
    let line = "pci.ecam.windows.memory32: the description says 256 MiB at 0x5000_0000, the device \
                tree says 128 MiB at 0x5000_0000";
    assert_eq!(said(&machine_with("i", "ranges", &ranges)), [line]);
}

#[test]
fn another_pci_line_is_reported() {
    let map = [0, 0, 0, 1, 7, 0, 0, 0, 4, 4];
    let line = "pci.ecam.intx: the description says spi 3, the device tree says spi 4";
    assert_eq!(said(&machine_with("i", "interrupt-map", &map)), [line]);
}

#[test]
fn an_interrupt_of_another_controller_is_reported() {
    let line = "console.some.interrupt: the description says spi 1, the device tree says spi 1 of \
                another controller";
    assert_eq!(said(&machine_with("d", "interrupt-parent", &[9])), [line]);
    assert_eq!(said(&machine_with("d", "interrupt-parent", &[7])), [""; 0]);
    let line = "virtio-mmio.interrupt: the description says spi 16, the device tree says spi 16 of \
                another controller";
    for slot in ["g", "h"] {
        assert_eq!(said(&machine_with(slot, "interrupt-parent", &[9])), [line]);
    }
    let map = [0, 0, 0, 1, 9, 0, 0, 0, 3, 4];
    let line = "pci.ecam.intx: the description says spi 3, the device tree says spi 3 of another \
                controller";
    assert_eq!(said(&machine_with("i", "interrupt-map", &map)), [line]);
}

#[test]
fn an_interrupt_that_names_its_controller_itself_is_compared_too() {
    let extended = |phandle| {
        let mut tree = machine();
        let uart = tree.root.child_mut("d").expect("it is there");
        uart.remove_property("interrupts");
        uart.add_property(cells("interrupts-extended", &[phandle, 0, 2, 4]));
        said(&tree)
    };
    let line = "console.some.interrupt: the description says spi 1, the device tree says spi 2";
    assert_eq!(extended(7), [line]);
    let line = "console.some.interrupt: the description says spi 1, the device tree says spi 2 of \
                another controller";
    assert_eq!(extended(9), [line]);
}

#[test]
fn a_missing_device_is_reported_once() {
    let mut tree = machine();
    tree.root.remove_child("i");
    let line = "pci.ecam: the description says there is a \
                \"pci-host-ecam-generic\", the device tree says there is none";
    assert_eq!(said(&tree), [line]);
}

#[test]
fn a_missing_property_is_no_conflict() {
    let mut tree = machine();
    let uart = tree.root.child_mut("d").expect("it is there");
    uart.remove_property("interrupts");
    uart.remove_property("clocks");
    assert_eq!(said(&tree), [""; 0]);
}

#[test]
fn truncated_values_never_panic() {
    for (node, property) in [
        ("a", "reg"),
        ("b", "interrupts"),
        ("d", "clocks"),
        ("i", "ranges"),
        ("i", "interrupt-map"),
    ] {
        for length in 0..4 {
            said(&machine_with(
                node,
                property,
                &[0xFFFF_FFFF, 7, 1, 9][..length],
            ));
        }
    }
}

/// Returns the keys of the devices that are not where the table says. They are known before any
/// device is accessed.
fn denied(tree: &Model) -> Vec<&'static str> {
    let mut keys = Vec::new();
    survey(tree).contradictions(Aspect::Places, |found| {
        assert!(found.denies(), "{found} is about another aspect");
        keys.push(found.part());
    });
    survey(tree).contradictions(Aspect::Rest, |found| {
        assert!(!found.denies(), "{found} is known too late");
    });
    keys.dedup();
    keys
}

#[test]
fn a_device_with_several_conflicts_is_denied_before_the_others_are_known() {
    let mut tree = machine_with("h", "interrupts", &[0, 20, 1]);
    tree.root.remove_child("g");
    assert_eq!(denied(&tree), ["virtio-mmio"]);
    let count = "virtio-mmio.count: the description says 2, the device tree says 1";
    let interrupt =
        "virtio-mmio.interrupt: the description says spi 16, the device tree says spi 20";
    assert_eq!(said(&tree), [count, interrupt]);
}

#[test]
fn a_device_that_is_absent_or_elsewhere_is_denied() {
    assert_eq!(denied(&machine()), [""; 0]);
    for (node, key) in [("a", "interrupt-controller.some"), ("i", "pci.ecam")] {
        let mut tree = machine();
        tree.root.remove_child(node);
        assert_eq!(denied(&tree), [key], "{node} is absent");
        let moved = [0, 0x7000_0000, 0, 0x1000_0000, 0, 0x1001_0000, 0, 0x1_0000];
        let moved = if node == "a" { &moved[..] } else { &moved[..4] };
        assert_eq!(
            denied(&machine_with(node, "reg", moved)),
            [key],
            "{node} is elsewhere"
        );
    }
}

#[test]
fn a_device_whose_interrupt_or_frequency_differs_is_where_it_should_be() {
    let tree = machine_with("d", "interrupts", &[0, 2, 4]);
    assert_eq!(said(&tree).len(), 1);
    assert_eq!(denied(&tree), [""; 0]);
    assert_eq!(
        denied(&machine_with("j", "timebase-frequency", &[1])),
        [""; 0]
    );
}
