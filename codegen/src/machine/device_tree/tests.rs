use super::*;
use crate::machine::device::{Bridge, Pin, WindowKind};

/// Writes a device tree blob (Devicetree Specification 0.4, chapter 5).
#[derive(Default)]
struct Blob {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Blob {
    /// Begins a node.
    fn node(mut self, name: &str) -> Self {
        self.cell(1);
        self.structure.extend(name.as_bytes());
        self.structure.push(0);
        self.pad();
        self
    }

    fn end(mut self) -> Self {
        self.cell(2);
        self
    }

    fn property(mut self, name: &str, value: &[u8]) -> Self {
        self.cell(3);
        self.cell(u32::try_from(value.len()).unwrap());
        self.cell(u32::try_from(self.strings.len()).unwrap());
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        self.structure.extend(value);
        self.pad();
        self
    }

    fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value)
    }

    fn text(self, name: &str, text: &str) -> Self {
        self.property(name, format!("{text}\0").as_bytes())
    }

    fn cell(&mut self, cell: u32) {
        self.structure.extend(cell.to_be_bytes());
    }

    fn pad(&mut self) {
        self.structure
            .resize(self.structure.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.cell(9);
        let (structure, strings) = (self.structure.len(), self.strings.len());
        let header = 40;
        let reservations = 16;
        let first = header + reservations;
        let numbers = [
            0xD00D_FEED,
            first + structure + strings,
            first,
            first + structure,
            header,
            17,
            16,
            0,
            strings,
            structure,
        ];
        let numbers = numbers.map(|number| u32::try_from(number).unwrap().to_be_bytes());
        let mut blob = numbers.concat();
        blob.extend([0; 16]);
        blob.extend(self.structure);
        blob.extend(self.strings);
        blob
    }
}

/// A machine with a bus at another address, a GIC, and a few devices.
fn tree() -> DeviceTree {
    let blob = Blob::default()
        .node("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .cells("interrupt-parent", &[7])
        .text("compatible", "some,machine")
        .node("memory@80000000")
        .text("device_type", "memory")
        .cells("reg", &[0, 0x8000_0000, 0, 0x400_0000])
        .end()
        .node("memory@9000000")
        .text("device_type", "memory")
        .text("status", "disabled")
        .cells("reg", &[0, 0x900_0000, 0, 0x100_0000])
        .end()
        .node("whatever@1000")
        .cells("phandle", &[7])
        .text("compatible", "some,gic")
        .cells("#interrupt-cells", &[3])
        .cells("#address-cells", &[2])
        .cells("reg", &[0, 0x1000, 0, 0x1000, 1, 0x2000, 0, 0x2000])
        .end()
        .node("oscillator")
        .cells("phandle", &[8])
        .text("compatible", "fixed-clock")
        .cells("clock-frequency", &[24_000_000])
        .end()
        .node("bus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .cells("ranges", &[0x10_0000, 0, 0x5010_0000, 0x10_0000])
        .node("uart@180000")
        .property("compatible", b"some,uart-v2\0some,uart\0")
        .cells("reg", &[0x18_0000, 0x100])
        .cells("interrupts", &[0, 5, 4, 1, 3, 8])
        .cells("clocks", &[8])
        .text("mode", "fast")
        .end()
        .node("hidden@900000")
        .text("compatible", "some,hidden")
        .cells("reg", &[0x90_0000, 0x100])
        .end()
        .node("off@190000")
        .text("compatible", "some,off")
        .text("status", "disabled")
        .end()
        .end()
        .node("pcie")
        .text("device_type", "pci")
        .text("compatible", "some,pci")
        .cells("bus-range", &[0, 15])
        .cells(
            "ranges",
            &[0x0200_0000, 0, 0x4000_0000, 0, 0x4000_0000, 0, 0x1000_0000],
        )
        .cells("interrupt-map", &[0, 0, 0, 1, 7, 0, 0, 0, 9, 4])
        .cells("msi-map", &[0, 7, 0, 0x1_0000])
        .end()
        .node("cpus")
        .cells("timebase-frequency", &[10_000_000])
        .end()
        .node("chosen")
        .text("stdout-path", "/bus/uart@180000:115200n8")
        .end()
        .end();
    DeviceTree::parse(&blob.finish()).unwrap()
}

fn device(kind: &str) -> Device {
    let mut devices = tree().devices().into_iter();
    devices.find(|device| device.is(&[kind])).unwrap()
}

#[test]
fn ram_is_every_enabled_memory_node() {
    let ram = Range {
        base: 0x8000_0000,
        size: 0x400_0000,
    };
    assert_eq!(tree().memory(), [ram]);
}

#[test]
fn the_parent_sets_the_number_of_address_cells() {
    let bases: Vec<_> = device("some,gic")
        .registers
        .iter()
        .flatten()
        .map(|range| range.base)
        .collect();
    assert_eq!(bases, [0x1000, 0x1_0000_2000]);
}

#[test]
fn addresses_behind_a_bridge_are_translated() {
    let registers = Range {
        base: 0x5018_0000,
        size: 0x100,
    };
    assert_eq!(device("some,uart").registers, [Some(registers)]);
}

#[test]
fn a_range_that_a_bridge_does_not_forward_has_no_address() {
    assert_eq!(device("some,hidden").registers, [None]);
}

#[test]
fn interrupts_have_the_controllers_own_numbers() {
    assert_eq!(device("some,uart").interrupts, [Some(32 + 5), Some(16 + 3)]);
    assert_eq!(
        device("some,uart").controllers,
        [Some(0x1000), Some(0x1000)]
    );
}

#[test]
fn a_clock_is_found_by_its_handle() {
    assert_eq!(device("some,uart").clock, Some(24_000_000));
}

#[test]
fn a_device_is_known_by_each_of_its_kinds() {
    let device = device("some,uart");
    assert!(device.is(&["some,uart-v2"]) && !device.is(&["uart"]));
}

#[test]
fn text_properties_are_kept_by_name() {
    assert_eq!(device("some,uart").word("mode"), Some("fast"));
}

#[test]
fn disabled_devices_are_ignored() {
    assert!(
        tree()
            .devices()
            .iter()
            .all(|device| !device.is(&["some,off"]))
    );
}

#[test]
fn a_pci_host_bridge_has_its_windows_and_lines() {
    let window = Range {
        base: 0x4000_0000,
        size: 0x1000_0000,
    };
    let expected = Bridge {
        buses: Some(16),
        windows: vec![(WindowKind::Memory32, window)],
        intx: Some(32 + 9),
        pins: vec![Pin {
            slot: 0,
            pin: 0,
            interrupt: 32 + 9,
            controller: Some(0x1000),
        }],
        messages: Some(0x1000),
    };
    assert_eq!(device("some,pci").bridge, Some(expected));
}

#[test]
fn the_counter_and_the_console_are_found() {
    assert_eq!(tree().timebase(), Some(10_000_000));
    assert_eq!(tree().console(), Some(0x5018_0000));
}

#[test]
fn data_that_is_not_a_device_tree_is_rejected() {
    let error = DeviceTree::parse(b"not a tree at all, and long enough to be one...").unwrap_err();
    assert!(
        error.to_string().contains("not a device tree blob"),
        "{error}"
    );
}
