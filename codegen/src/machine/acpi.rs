//! The ACPI tables of PC firmware (ACPI 6.5, chapter 5), as devices.

mod resources;

use super::device::{Bridge, Device, WindowKind};
use crate::board::Range;

/// The tables of firmware, by their signatures.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    list: Vec<([u8; 4], Vec<u8>)>,
}

/// The range that is searched for the root pointer (5.2.5.1), and the pointer's signature.
const BIOS: u64 = 0xE_0000;
const BIOS_SIZE: usize = 0x2_0000;
const ROOT: &[u8] = b"RSD PTR ";

/// The size limit of a table.
const LARGEST: usize = 1 << 20;

/// QEMU's name of the clock whose century register is in the FADT (5.2.9).
const CLOCK: &str = "mc146818rtc";

/// The size of a bus's configuration space.
const BUS: u64 = 1 << 20;

impl Tables {
    /// Finds the tables, reading memory with `read`; `None` if firmware has not written them (yet).
    pub fn read(read: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>) -> Option<Self> {
        let bios = read(BIOS, BIOS_SIZE)?;
        let root = bios
            .chunks(16)
            .position(|chunk| chunk.starts_with(ROOT))
            .and_then(|index| bios.get(index * 16..))
            .filter(|root| root.len() >= 36 && sums_to_zero(&root[..20]))?;
        // Revision 0 has no XSDT.
        let extended = number(root, 24, 8).filter(|_| root[15] >= 2);
        let (address, width) = match extended.filter(|address| *address != 0) {
            Some(address) => (address, 8),
            None => (number(root, 16, 4)?, 4),
        };
        let mut tables = Self::default();
        let (_, entries) = table(address, read)?;
        for entry in entries.get(36..)?.chunks_exact(width) {
            if let Some(found) = number(entry, 0, width).and_then(|address| table(address, read)) {
                tables.list.push(found);
            }
        }
        let description = tables.get(*b"FACP").and_then(|fixed| {
            let address = number(fixed, 140, 8).filter(|address| *address != 0);
            table(address.or_else(|| number(fixed, 40, 4))?, read)
        });
        tables.list.extend(description);
        Some(tables)
    }

    fn get(&self, signature: [u8; 4]) -> Option<&[u8]> {
        let found = self.list.iter().find(|(known, _)| *known == signature);
        found.map(|(_, table)| table.as_slice())
    }

    /// Returns the devices in the tables, with kinds that start with `acpi,`.
    pub fn devices(&self) -> Vec<Device> {
        let mut devices = self.controllers();
        devices.extend(self.fixed());
        devices.extend(self.bridges());
        devices
    }

    /// Adds to QEMU's devices what the tables contain about them: the interrupts of those with
    /// registers, and the targets of legacy interrupts.
    pub fn complete(&self, devices: &mut [Device]) {
        let resources = self.get(*b"DSDT").map(resources::with_interrupts);
        let resources = resources.unwrap_or_default();
        let century = self.get(*b"FACP").and_then(|table| table.get(108));
        let century = century.filter(|register| **register != 0);
        for device in devices {
            if let Some(register) = century.filter(|_| device.is(&[CLOCK])) {
                let number = u32::from(*register);
                device.numbers.push(("century".to_owned(), number));
            }
            let of_device = resources
                .iter()
                .find(|(base, _)| device.base() == Some(*base));
            if let Some((_, interrupt)) = of_device {
                device.interrupts = vec![Some(*interrupt)];
            } else {
                for interrupt in device.interrupts.iter_mut().flatten() {
                    *interrupt = self.redirected(*interrupt);
                }
            }
        }
    }

    /// Returns the structures of the MADT (5.2.12), each with its type and content.
    fn structures(&self) -> Vec<(u8, &[u8])> {
        let mut structures = Vec::new();
        let mut rest = self
            .get(*b"APIC")
            .and_then(|table| table.get(44..))
            .unwrap_or_default();
        while let [kind, length, ..] = *rest {
            let Some((one, after)) = rest.split_at_checked(usize::from(length).max(2)) else {
                break;
            };
            structures.push((kind, one));
            rest = after;
        }
        structures
    }

    /// Returns the input to which an interrupt of the two 8259s is wired (5.2.12.5).
    fn redirected(&self, interrupt: u32) -> u32 {
        let structures = self.structures();
        let found = structures.iter().find_map(|(kind, one)| {
            let is_it = *kind == 2 && u32::from(*one.get(3)?) == interrupt;
            number(one, 4, 4).filter(|_| is_it)
        });
        found
            .and_then(|input| u32::try_from(input).ok())
            .unwrap_or(interrupt)
    }

    fn controllers(&self) -> Vec<Device> {
        let local = self.get(*b"APIC").and_then(|table| number(table, 36, 4));
        let local = local.map(|base| at("acpi,local-apic", base, 0x1000));
        let io = self.structures().into_iter().filter_map(|(kind, one)| {
            let base = number(one, 4, 4).filter(|_| kind == 1)?;
            let first = u32::try_from(number(one, 8, 4)?).ok()?;
            let mut device = at("acpi,io-apic", base, 0x1000);
            device.numbers.push(("first".to_owned(), first));
            Some(device)
        });
        local.into_iter().chain(io).collect()
    }

    /// Returns the registers in the FADT (5.2.9).
    fn fixed(&self) -> Vec<Device> {
        let Some(table) = self.get(*b"FACP") else {
            return Vec::new();
        };
        let port = |kind, offset| {
            let port = number(table, offset, 4).filter(|port| *port != 0)?;
            Some(Device {
                kinds: vec![String::from(kind)],
                ports: vec![port],
                ..Device::default()
            })
        };
        // A generic address: the space, then the address at offset 4 (5.2.3.2).
        let register = |kind: &str, offset: usize| {
            let address = number(table, offset + 4, 8).filter(|address| *address != 0)?;
            match table.get(offset)? {
                0 => Some(at(kind, address, 1)),
                1 => Some(Device {
                    kinds: vec![kind.to_owned()],
                    ports: vec![address],
                    ..Device::default()
                }),
                _ => None,
            }
        };
        let sleep = self.get(*b"DSDT").and_then(resources::soft_off);
        // The sleep type and the bit that starts the transition, in PM1a_CNT (4.8.3.2.1) and in the
        // sleep control register (4.8.3.7).
        let off = |device: Option<Device>, shift: u32, enable: u32| {
            let mut device = device?;
            let value = sleep.map(|kind| kind << shift | enable);
            let value = value.map(|value| ("off".to_owned(), value));
            device.numbers.extend(value);
            Some(device)
        };
        let reset = register("acpi,reset", 116).map(|mut device| {
            let value = table
                .get(128)
                .map(|value| ("reset".to_owned(), u32::from(*value)));
            device.numbers.extend(value);
            device
        });
        let devices = [
            port("acpi,pm-timer", 76),
            off(port("acpi,pm1a-control", 64), 10, 1 << 13),
            reset,
            off(register("acpi,sleep-control", 244), 2, 1 << 5),
        ];
        devices.into_iter().flatten().collect()
    }

    /// Returns configuration spaces (PCI Firmware Specification 3.3, 4.1.2) with the windows of the
    /// DSDT.
    fn bridges(&self) -> Vec<Device> {
        let entries = self.get(*b"MCFG").and_then(|table| table.get(44..));
        let windows = self
            .get(*b"DSDT")
            .map(resources::windows)
            .unwrap_or_default();
        let entries = entries.unwrap_or_default().chunks_exact(16);
        let bridges = entries.filter_map(|entry| {
            let (first, last) = (u64::from(entry[10]), u64::from(entry[11]));
            let buses = last.checked_sub(first)? + 1;
            let base = number(entry, 0, 8)?.checked_add(first * BUS)?;
            let mut device = at("acpi,ecam", base, buses * BUS);
            device.bridge = Some(Bridge {
                buses: u32::try_from(buses).ok().filter(|_| first == 0),
                windows: windows.clone(),
                ..Bridge::default()
            });
            Some(device)
        });
        let mut bridges: Vec<Device> = bridges.collect();
        // A configuration space behind ports has no entry.
        if bridges.is_empty() && !windows.is_empty() {
            bridges.push(Device {
                kinds: vec!["acpi,pci-host".to_owned()],
                bridge: Some(Bridge {
                    windows: windows.clone(),
                    ..Bridge::default()
                }),
                ..Device::default()
            });
        }
        bridges
    }
}

/// Returns a device with one register set.
fn at(kind: &str, base: u64, size: u64) -> Device {
    Device {
        kinds: vec![kind.to_owned()],
        registers: vec![Some(Range { base, size })],
        ..Device::default()
    }
}

/// Returns the kind of a bridge's window.
fn kind_of(range: Range) -> WindowKind {
    match range.base >> 32 {
        0 => WindowKind::Memory32,
        _ => WindowKind::Memory64,
    }
}

/// Reads the table at an address; `None` if there is none.
fn table(
    address: u64,
    read: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>,
) -> Option<([u8; 4], Vec<u8>)> {
    let header = read(address, 36)?;
    let length = usize::try_from(number(&header, 4, 4)?).ok()?;
    if !(36..=LARGEST).contains(&length) {
        return None;
    }
    let table = read(address, length)?;
    let signature = *table.first_chunk::<4>()?;
    sums_to_zero(&table).then_some((signature, table))
}

/// Returns a number of `width` bytes, least significant first.
fn number(bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(offset..offset.checked_add(width)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
    )
}

/// Returns whether the bytes sum to zero, as valid tables do (5.2.5.3, 5.2.6).
fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

#[cfg(test)]
mod tests;
