use std::collections::BTreeMap;

use super::*;

/// A memory image that contains tables.
#[derive(Default)]
struct Memory {
    bytes: BTreeMap<u64, u8>,
}

impl Memory {
    fn put(&mut self, address: u64, bytes: &[u8]) {
        for (offset, byte) in (0..).zip(bytes) {
            self.bytes.insert(address + offset, *byte);
        }
    }

    /// A table whose length and checksum are filled in.
    fn table(&mut self, address: u64, signature: &[u8; 4], body: &[u8]) {
        let mut table = signature.to_vec();
        table.extend(u32::try_from(36 + body.len()).unwrap().to_le_bytes());
        table.resize(36, 0);
        table.extend(body);
        complete(&mut table, 9);
        self.put(address, &table);
    }

    fn read(&self) -> Option<Tables> {
        Tables::read(&mut |address, length| {
            let byte = |offset| self.bytes.get(&(address + offset)).copied().unwrap_or(0);
            Some((0..length as u64).map(byte).collect())
        })
    }
}

/// Sets the byte at `at` so that all bytes sum to zero.
fn complete(bytes: &mut [u8], at: usize) {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
}

const ROOT_AT: u64 = 0xF_0010;
const LIST: u64 = 0x10_0000;
const MADT: u64 = 0x11_0000;
const FADT: u64 = 0x12_0000;
const DSDT: u64 = 0x13_0000;
const MCFG: u64 = 0x14_0000;

/// A machine with two I/O APICs, a device with an interrupt, and a PCI host bridge.
fn memory() -> Memory {
    let mut memory = Memory::default();
    let mut root = ROOT.to_vec();
    root.resize(36, 0);
    root[16..20].copy_from_slice(&u32::try_from(LIST).unwrap().to_le_bytes());
    complete(&mut root[..20], 8);
    memory.put(ROOT_AT, &root);

    let tables = [MADT, FADT, MCFG].map(|address| u32::try_from(address).unwrap().to_le_bytes());
    memory.table(LIST, b"RSDT", &tables.concat());

    let mut madt = 0xFEE0_0000_u32.to_le_bytes().to_vec();
    madt.extend([0; 4]);
    for (base, first) in [(0xFEC0_0000_u32, 0_u32), (0xFEC1_0000, 24)] {
        madt.extend([1, 12, 0, 0]);
        madt.extend(base.to_le_bytes());
        madt.extend(first.to_le_bytes());
    }
    madt.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    memory.table(MADT, b"APIC", &madt);

    let mut fadt = vec![0; 268 - 36];
    fadt[40 - 36..44 - 36].copy_from_slice(&u32::try_from(DSDT).unwrap().to_le_bytes());
    fadt[76 - 36..80 - 36].copy_from_slice(&0x608_u32.to_le_bytes());
    fadt[116 - 36] = 1;
    fadt[120 - 36..128 - 36].copy_from_slice(&0xCF9_u64.to_le_bytes());
    fadt[248 - 36..256 - 36].copy_from_slice(&0xFEA0_0200_u64.to_le_bytes());
    memory.table(FADT, b"FACP", &fadt);

    let mut code = vec![0x10, 0x20];
    code.extend([0x86, 9, 0, 1]);
    code.extend(0xFEB0_0200_u32.to_le_bytes());
    code.extend(0x200_u32.to_le_bytes());
    code.extend([0x89, 6, 0, 1, 1]);
    code.extend(25_u32.to_le_bytes());
    code.extend([0x87, 0x17, 0, 0, 0x0C, 1]);
    for field in [0, 0xC000_0000_u32, 0xFEBF_FFFF, 0, 0x3EC0_0000] {
        code.extend(field.to_le_bytes());
    }
    memory.table(DSDT, b"DSDT", &code);

    let mut mcfg = vec![0; 8];
    mcfg.extend(0xB000_0000_u64.to_le_bytes());
    mcfg.extend([0, 0, 0, 255, 0, 0, 0, 0]);
    memory.table(MCFG, b"MCFG", &mcfg);
    memory
}

fn device(kind: &str) -> Device {
    let devices = memory().read().unwrap().devices();
    devices
        .into_iter()
        .find(|device| device.is(&[kind]))
        .unwrap()
}

#[test]
fn the_interrupt_controllers_are_found() {
    assert_eq!(device("acpi,local-apic").base(), Some(0xFEE0_0000));
    let devices = memory().read().unwrap().devices();
    let io: Vec<_> = devices
        .iter()
        .filter(|device| device.is(&["acpi,io-apic"]))
        .map(|device| (device.base(), device.number("first")))
        .collect();
    assert_eq!(
        io,
        [(Some(0xFEC0_0000), Some(0)), (Some(0xFEC1_0000), Some(24))]
    );
}

#[test]
fn registers_are_ports_or_memory() {
    assert_eq!(device("acpi,pm-timer").ports, [0x608]);
    assert_eq!(device("acpi,reset").ports, [0xCF9]);
    assert_eq!(device("acpi,sleep-control").base(), Some(0xFEA0_0200));
}

#[test]
fn a_bridge_has_its_buses_and_windows() {
    let bridge = device("acpi,ecam");
    let space = Range {
        base: 0xB000_0000,
        size: 0x1000_0000,
    };
    let window = Range {
        base: 0xC000_0000,
        size: 0x3EC0_0000,
    };
    assert_eq!(bridge.registers, [Some(space)]);
    let expected = Bridge {
        buses: Some(256),
        windows: vec![(WindowKind::Memory32, window)],
        ..Bridge::default()
    };
    assert_eq!(bridge.bridge, Some(expected));
}

#[test]
fn a_device_gets_the_interrupt_of_its_registers() {
    let mut devices = [
        at("virtio-mmio", 0xFEB0_0200, 0x200),
        at("virtio-mmio", 0xFEB0_0000, 0x200),
    ];
    memory().read().unwrap().complete(&mut devices);
    assert_eq!(devices[0].interrupts, [Some(25)]);
    assert!(devices[1].interrupts.is_empty());
}

#[test]
fn a_legacy_interrupt_is_routed_as_in_the_table() {
    let of_old = |number| Device {
        interrupts: vec![Some(number)],
        ..Device::default()
    };
    let mut devices = [of_old(0), of_old(4)];
    memory().read().unwrap().complete(&mut devices);
    assert_eq!(
        devices.map(|device| device.interrupts),
        [[Some(2)], [Some(4)]]
    );
}

#[test]
fn memory_without_a_root_has_no_tables() {
    assert!(Memory::default().read().is_none());
}

#[test]
fn a_table_with_a_wrong_checksum_is_ignored() {
    let mut memory = memory();
    memory.put(MADT + 40, &[0xFF]);
    let devices = memory.read().unwrap().devices();
    assert!(
        devices
            .iter()
            .all(|device| !device.is(&["acpi,local-apic"]))
    );
    assert!(devices.iter().any(|device| device.is(&["acpi,ecam"])));
}
