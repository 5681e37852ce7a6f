//! Finds the virtqueues of a machine in the registers of its virtio devices (virtio 1.2, 4.1.4.3,
//! 4.2.2 and 4.2.4).

use std::collections::BTreeMap;

use vmos_codegen::Board;

use super::{Kind, Queue};

/// The registers of virtio-mmio that a test reads.
pub(super) const MMIO_DEVICE_ID: u64 = 0x08;
const MMIO_STATUS: u64 = 0x70;

/// The size of the common configuration in a BAR, to which QEMU aligns it.
const PCI_COMMON: u64 = 0x1000;
const PCI_STATUS: u64 = 0x14;

/// A write to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Write<'a> {
    address: u64,
    value: u64,
    size: u64,
    name: &'a str,
}

impl<'a> Write<'a> {
    /// Parses a line of QEMU's trace.
    pub(super) fn of_line(line: &'a str) -> Option<Self> {
        let (_, rest) = line.split_once(" addr 0x")?;
        let (address, rest) = rest.split_once(" value 0x")?;
        let (value, rest) = rest.split_once(" size ")?;
        let (size, rest) = rest.split_once(" name '")?;
        Some(Self {
            address: u64::from_str_radix(address, 16).ok()?,
            value: u64::from_str_radix(value, 16).ok()?,
            size: size.parse().ok()?,
            name: rest.strip_suffix('\'')?,
        })
    }
}

/// The layout of the slots, by which a write is assigned to a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The distance between two slots of virtio-mmio, in bytes.
    stride: u64,
}

impl Layout {
    pub(super) fn of(board: &Board) -> Self {
        let stride = board.virtio_mmio.as_ref().map_or(0x200, |mmio| mmio.stride);
        Self { stride }
    }

    /// Records a further write, if it is to a virtio device.
    pub(super) fn take(&self, devices: &mut BTreeMap<u64, Registers>, write: &Write<'_>) {
        let (size, interface) = match write.name.strip_prefix("virtio-pci-common-virtio-") {
            Some(kind) => (PCI_COMMON, Interface::Pci(pci_kind(kind))),
            None if write.name == "virtio-mmio" => (self.stride, Interface::Mmio),
            None => return,
        };
        let base = write.address - write.address % size;
        let registers = devices.entry(base).or_default();
        registers.interface = interface;
        // Two registers of 32 bits are written at once, or one after the other.
        registers.set(write.address - base, write.value & 0xffff_ffff);
        if write.size == 8 {
            registers.set(write.address - base + 4, write.value >> 32);
        }
    }
}

fn pci_kind(name: &str) -> Option<Kind> {
    match name {
        "net" => Some(Kind::Network),
        "blk" => Some(Kind::Disk),
        "rng" => Some(Kind::Rng),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum Interface {
    #[default]
    Mmio,
    Pci(Option<Kind>),
}

/// The registers of one device with the last written values.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers {
    interface: Interface,
    selected: u64,
    /// The registers of queues, by queue and offset.
    written: BTreeMap<(u64, u64), u64>,
}

/// The offsets of a queue's registers in one interface.
struct Offsets {
    select: u64,
    size: u64,
    enable: u64,
    descriptors: u64,
    available: u64,
    used: u64,
    status: u64,
}

const MMIO: Offsets = Offsets {
    select: 0x30,
    size: 0x38,
    enable: 0x44,
    descriptors: 0x80,
    available: 0x90,
    used: 0xa0,
    status: MMIO_STATUS,
};

const PCI: Offsets = Offsets {
    select: 0x16,
    size: 0x18,
    enable: 0x1c,
    descriptors: 0x20,
    available: 0x28,
    used: 0x30,
    status: PCI_STATUS,
};

/// The registers of the legacy interface: the page of a queue, and the alignment of the used ring.
const LEGACY_PAGE: u64 = 0x40;
const LEGACY_ALIGN: u64 = 0x3c;
const LEGACY_PAGE_SIZE: u64 = 0x28;

impl Registers {
    fn offsets(&self) -> &'static Offsets {
        match self.interface {
            Interface::Mmio => &MMIO,
            Interface::Pci(_) => &PCI,
        }
    }

    fn set(&mut self, offset: u64, value: u64) {
        let offsets = self.offsets();
        if offset == offsets.status && value & 0xff == 0 {
            // A reset: no queue is in use any more.
            self.written.clear();
        } else if offset == offsets.select {
            self.selected = value & 0xffff;
        } else {
            let queue = match offset {
                LEGACY_PAGE_SIZE if matches!(self.interface, Interface::Mmio) => 0,
                _ => self.selected,
            };
            self.written.insert((queue, offset), value);
        }
    }

    /// Returns the device's kind, if its name shows it.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.interface {
            Interface::Mmio => None,
            Interface::Pci(kind) => kind,
        }
    }

    /// Returns the address of the status register.
    pub(super) fn status(&self, base: u64) -> u64 {
        base + self.offsets().status
    }

    /// Returns the queues that are in use.
    pub(super) fn queues(&self) -> Vec<Queue> {
        let mut numbers: Vec<_> = self.written.keys().map(|&(queue, _)| queue).collect();
        numbers.dedup();
        numbers
            .into_iter()
            .filter_map(|number| self.queue(number).or_else(|| self.legacy_queue(number)))
            .collect()
    }

    fn queue(&self, number: u64) -> Option<Queue> {
        let offsets = self.offsets();
        let word = |offset| self.written.get(&(number, offset)).copied();
        let address = |offset| Some(word(offset)? | word(offset + 4).unwrap_or(0) << 32);
        (word(offsets.enable)? & 0xffff == 1).then_some(())?;
        Some(Queue {
            number: u32::try_from(number).ok()?,
            size: u32::try_from(word(offsets.size)? & 0xffff).ok()?,
            descriptors: address(offsets.descriptors)?,
            available: address(offsets.available)?,
            used: address(offsets.used)?,
        })
    }

    /// Returns the addresses of the parts of a legacy queue, which follow one another (virtio 1.2,
    /// 2.7.2).
    fn legacy_queue(&self, number: u64) -> Option<Queue> {
        let word = |offset| self.written.get(&(number, offset)).copied();
        let page_size = self.written.get(&(0, LEGACY_PAGE_SIZE)).copied()?;
        let (page, size) = (word(LEGACY_PAGE)?, word(MMIO.size)?);
        let align = word(LEGACY_ALIGN)?;
        (page != 0).then_some(())?;
        let descriptors = page * page_size;
        let available = descriptors + 16 * size;
        // The ring has its flags, its index, its entries and the event.
        let used = (available + 6 + 2 * size).next_multiple_of(align);
        Some(Queue {
            number: u32::try_from(number).ok()?,
            size: u32::try_from(size).ok()?,
            descriptors,
            available,
            used,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(lines: &[(u64, u64, u64, &str)]) -> BTreeMap<u64, Registers> {
        let mut devices = BTreeMap::new();
        for &(address, value, size, name) in lines {
            let write = Write {
                address,
                value,
                size,
                name,
            };
            Layout { stride: 0x200 }.take(&mut devices, &write);
        }
        devices
    }

    const SLOT: u64 = 0x0a00_3e00;

    fn modern() -> Vec<(u64, u64, u64, &'static str)> {
        let writes = [
            (0x30, 1),
            (0x38, 256),
            (0x80, 0x4000_1000),
            (0x84, 0),
            (0x90, 0x4000_2000),
            (0xa0, 0x4000_3000),
            (0x44, 1),
        ];
        writes
            .map(|(offset, value)| (SLOT + offset, value, 4, "virtio-mmio"))
            .to_vec()
    }

    #[test]
    fn a_line_of_the_trace_is_a_write() {
        let line = "memory_region_ops_write cpu 0 mr 0x5650 addr 0xa003a70 value 0xb size 4 name \
                    'virtio-mmio'";
        let write = Write {
            address: 0xa00_3a70,
            value: 0xb,
            size: 4,
            name: "virtio-mmio",
        };
        assert_eq!(Write::of_line(line), Some(write));
        assert_eq!(Write::of_line("something else"), None);
    }

    #[test]
    fn a_queue_has_the_addresses_that_its_driver_wrote() {
        let queue = Queue {
            number: 1,
            size: 256,
            descriptors: 0x4000_1000,
            available: 0x4000_2000,
            used: 0x4000_3000,
        };
        assert_eq!(devices(&modern())[&SLOT].queues(), [queue]);
    }

    #[test]
    fn a_reset_removes_the_queues() {
        let mut writes = modern();
        writes.push((SLOT + MMIO_STATUS, 0, 4, "virtio-mmio"));
        assert_eq!(devices(&writes)[&SLOT].queues(), []);
    }

    #[test]
    fn the_parts_of_a_legacy_queue_follow_one_another() {
        let writes = [(0x28, 4096), (0x30, 0), (0x38, 8), (0x3c, 4096), (0x40, 16)];
        let writes = writes.map(|(offset, value)| (SLOT + offset, value, 4, "virtio-mmio"));
        let queue = Queue {
            number: 0,
            size: 8,
            descriptors: 0x1_0000,
            available: 0x1_0080,
            used: 0x1_1000,
        };
        assert_eq!(devices(&writes)[&SLOT].queues(), [queue]);
    }

    #[test]
    fn two_halves_of_an_address_may_be_written_at_once() {
        let name = "virtio-pci-common-virtio-net";
        let base = 0x80_0000_4000;
        let writes = [
            (0x16, 0, 2),
            (0x18, 64, 2),
            (0x20, 0x1_4000_1000, 8),
            (0x28, 0x1_4000_2000, 8),
            (0x30, 0x1_4000_3000, 8),
            (0x1c, 1, 2),
        ];
        let writes = writes.map(|(offset, value, size)| (base + offset, value, size, name));
        let found = devices(&writes);
        let registers = &found[&base];
        assert_eq!(registers.kind(), Some(Kind::Network));
        assert_eq!(registers.queues()[0].used, 0x1_4000_3000);
    }
}
