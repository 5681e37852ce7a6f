//! A board with several interrupt controllers of a kind.

use super::*;

/// The table of a board with two controllers of a kind, whose numbers differ by 2048.
const SEVERAL: &[Fact] = &[
    Fact::inputs("source", None, 0),
    Fact::inputs("source of other:", None, 2048),
    Fact::part("interrupt-controller.some", "some,controller"),
    Fact::registers("base", 0, Region::at("", 0x1000_0000, 0x1000)),
    Fact::part("interrupt-controller.some.further.other", "some,controller"),
    Fact::registers("base", 0, Region::at("", 0x1100_0000, 0x1000)),
    Fact::part("console.some", "some,uart"),
    Fact::registers("base", 0, Region::at("", 0x2000_0000, 0x200)),
    Fact::interrupt("interrupt", 0, 2053),
    Fact::part("virtio-mmio", "virtio,mmio"),
    Fact::slots(Region::at("", 0x3000_0000, 0x400), 0x200, 2, 16),
];

const COUNT_OF_SEVERAL: usize = Part::count(SEVERAL);
static PARTS_OF_SEVERAL: [Part; COUNT_OF_SEVERAL] = Part::all_of(SEVERAL);

/// Returns the conflicts with a machine whose UART and slots have these controllers.
fn said_of_several(uart: Option<u32>, slots: [u32; 2]) -> Vec<String> {
    let mut tree = Model::new();
    let root = &mut tree.root;
    root.add_property(cells("#address-cells", &[2]));
    root.add_property(cells("#size-cells", &[2]));
    let controller = |name, phandle, base| {
        node(
            name,
            Vec::from([
                kinds("some,controller"),
                cells("phandle", &[phandle]),
                cells("#interrupt-cells", &[1]),
                cells("reg", &[0, base, 0, 0x1000]),
            ]),
        )
    };
    let device = |name, kind, base, interrupt, owner: Option<u32>| {
        let mut properties = Vec::from([
            kinds(kind),
            cells("reg", &[0, base, 0, 0x200]),
            cells("interrupts", &[interrupt]),
        ]);
        properties.extend(owner.map(|owner| cells("interrupt-parent", &[owner])));
        node(name, properties)
    };
    for child in [
        controller("a", 8, 0x1100_0000),
        controller("b", 7, 0x1000_0000),
        device("c", "some,uart", 0x2000_0000, 5, uart),
        device("d", "virtio,mmio", 0x3000_0000, 16, Some(slots[0])),
        device("e", "virtio,mmio", 0x3000_0200, 17, Some(slots[1])),
    ] {
        root.add_child(child);
    }
    let blob: &'static [u8] = Box::leak(tree.to_dtb().into_boxed_slice());
    let mut tree = DeviceTree::of(blob).expect("a sound tree");
    let survey: Survey<'_, COUNT_OF_SEVERAL, 2048> =
        Survey::of(&mut tree, SEVERAL, &PARTS_OF_SEVERAL);
    let mut lines = Vec::new();
    for aspect in ASPECTS {
        survey.contradictions(aspect, |found| lines.push(found.to_string()));
    }
    lines
}

#[test]
fn the_same_input_of_another_described_controller_is_another_interrupt() {
    assert_eq!(said_of_several(Some(8), [7, 7]), [""; 0]);
    // Without an owner, only the number can be compared.
    assert_eq!(said_of_several(None, [7, 7]), [""; 0]);
    let line = "console.some.interrupt: the description says source of other: 5, the device tree \
                says source 5";
    assert_eq!(said_of_several(Some(7), [7, 7]), [line]);
    let line = "virtio-mmio.interrupt: the description says source 16, the device tree says \
                source of other: 16";
    for slots in [[8, 8], [7, 8], [8, 7]] {
        assert_eq!(said_of_several(Some(8), slots), [line]);
    }
    let line = "console.some.interrupt: the description says source of other: 5, the device tree \
                says source 5 of another controller";
    assert_eq!(said_of_several(Some(9), [7, 7]), [line]);
}

/// The table of a board with two APLICs, each of which consists of two domains.
const DOMAINS: &[Fact] = &[
    Fact::inputs("source", None, 0),
    Fact::inputs("source of other:", None, 2048),
    Fact::part("interrupt-controller.some.machine", "some,controller"),
    Fact::registers("base", 0, Region::at("", 0x1000_0000, 0x1000)),
    Fact::part("interrupt-controller.some.supervisor", "some,controller"),
    Fact::registers("base", 0, Region::at("", 0x1100_0000, 0x1000)),
    Fact::part(
        "interrupt-controller.some.further.other.machine",
        "some,controller",
    ),
    Fact::registers("base", 0, Region::at("", 0x1200_0000, 0x1000)),
    Fact::part(
        "interrupt-controller.some.further.other.supervisor",
        "some,controller",
    ),
    Fact::registers("base", 0, Region::at("", 0x1300_0000, 0x1000)),
    Fact::part("console.some", "some,uart"),
    Fact::registers("base", 0, Region::at("", 0x2000_0000, 0x200)),
    Fact::interrupt("interrupt", 0, 2053),
];

const COUNT_OF_DOMAINS: usize = Part::count(DOMAINS);
static PARTS_OF_DOMAINS: [Part; COUNT_OF_DOMAINS] = Part::all_of(DOMAINS);

/// Returns the conflicts with a machine whose UART names the domain with this handle.
fn said_of_domains(owner: u32) -> Vec<String> {
    let mut tree = Model::new();
    let root = &mut tree.root;
    root.add_property(cells("#address-cells", &[2]));
    root.add_property(cells("#size-cells", &[2]));
    for (name, handle, child) in [
        ("a", 1, Some(2)),
        ("b", 2, None),
        ("c", 3, Some(4)),
        ("d", 4, None),
    ] {
        let mut properties = Vec::from([
            kinds("some,controller"),
            cells("phandle", &[handle]),
            cells("#interrupt-cells", &[1]),
            cells("reg", &[0, 0xF00_0000 + 0x100_0000 * handle, 0, 0x1000]),
        ]);
        properties.extend(child.map(|child: u32| cells("riscv,children", &[child])));
        root.add_child(node(name, properties));
    }
    root.add_child(node(
        "uart",
        Vec::from([
            kinds("some,uart"),
            cells("reg", &[0, 0x2000_0000, 0, 0x200]),
            cells("interrupts", &[5]),
            cells("interrupt-parent", &[owner]),
        ]),
    ));
    let blob: &'static [u8] = Box::leak(tree.to_dtb().into_boxed_slice());
    let mut tree = DeviceTree::of(blob).expect("a sound tree");
    let survey: Survey<'_, COUNT_OF_DOMAINS, 2048> =
        Survey::of(&mut tree, DOMAINS, &PARTS_OF_DOMAINS);
    let mut lines = Vec::new();
    for aspect in ASPECTS {
        survey.contradictions(aspect, |found| lines.push(found.to_string()));
    }
    lines
}

#[test]
fn all_devices_of_a_further_controller_have_its_inputs() {
    for owner in [3, 4] {
        assert_eq!(said_of_domains(owner), [""; 0]);
    }
    let line = "console.some.interrupt: the description says source of other: 5, the device tree \
                says source 5";
    for owner in [1, 2] {
        assert_eq!(said_of_domains(owner), [line]);
    }
}
