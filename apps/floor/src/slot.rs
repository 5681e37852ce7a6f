//! A virtio-mmio device (virtio 1.2, section 4.2), with only the setup that a loop needs.

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::board::VirtioMmio;
use vmos_drivers::mmio::{Mmio, Registers as _};

use crate::ring::Ring;

/// Device IDs.
pub(crate) const NET: u32 = 1;
pub(crate) const BLOCK: u32 = 2;

/// The magic number of a slot, "virt".
const MAGIC: u32 = 0x7472_6976;
/// The version of the specification.
const VERSION: u32 = 2;

mod register {
    pub(super) const MAGIC: usize = 0x00;
    pub(super) const VERSION: usize = 0x04;
    pub(super) const KIND: usize = 0x08;
    pub(super) const FEATURES: usize = 0x20;
    pub(super) const FEATURES_HALF: usize = 0x24;
    pub(super) const QUEUE: usize = 0x30;
    pub(super) const QUEUE_SIZE: usize = 0x38;
    pub(super) const QUEUE_READY: usize = 0x44;
    pub(super) const NOTIFY: usize = 0x50;
    pub(super) const ACKNOWLEDGE: usize = 0x64;
    pub(super) const STATUS: usize = 0x70;
    pub(super) const DESCRIPTORS: usize = 0x80;
    pub(super) const AVAILABLE: usize = 0x90;
    pub(super) const USED: usize = 0xa0;
    pub(super) const CONFIGURATION: usize = 0x100;
}

/// Status: acknowledge, driver, features OK, driver OK.
const STATUS: [u32; 4] = [1, 1 | 2, 1 | 2 | 8, 1 | 2 | 8 | 4];

/// A virtio device behind a virtio-mmio slot.
pub(crate) struct Slot {
    registers: Mmio,
    /// The device ID (virtio 1.2, section 5).
    pub(crate) kind: u32,
}

impl Slot {
    /// Resets the device in a slot, if there is one. Negotiates no feature except version 1 of the
    /// specification.
    pub(crate) fn look(slots: &VirtioMmio, number: u32) -> Option<Self> {
        let range = slots.registers(number)?;
        // SAFETY: the board file describes the slot, and nothing else drives it.
        let registers = unsafe { Mmio::new(range) };
        let is_one = registers.read32(register::MAGIC) == MAGIC
            && registers.read32(register::VERSION) == VERSION;
        let kind = registers.read32(register::KIND);
        if !is_one || !matches!(kind, NET | BLOCK) {
            return None;
        }
        registers.write32(register::STATUS, 0);
        registers.write32(register::STATUS, STATUS[0]);
        registers.write32(register::STATUS, STATUS[1]);
        // The lower 32 features, and then the upper ones, of which the first is VERSION_1.
        for (half, features) in [(0, 0), (1, 1)] {
            registers.write32(register::FEATURES_HALF, half);
            registers.write32(register::FEATURES, features);
        }
        registers.write32(register::STATUS, STATUS[2]);
        Some(Self { registers, kind })
    }

    /// Sets up a queue.
    pub(crate) fn set_queue(&self, number: u32, ring: &'static Ring) {
        self.registers.write32(register::QUEUE, number);
        self.registers
            .write32(register::QUEUE_SIZE, crate::ring::ENTRIES as u32);
        let parts = [
            (register::DESCRIPTORS, ring.descriptors()),
            (register::AVAILABLE, ring.available()),
            (register::USED, ring.used()),
        ];
        for (register, PhysicalAddress(address)) in parts {
            self.registers.write32(register, address as u32);
            self.registers.write32(register + 4, (address >> 32) as u32);
        }
        self.registers.write32(register::QUEUE_READY, 1);
    }

    /// Enables the device.
    pub(crate) fn begin(&self) {
        self.registers.write32(register::STATUS, STATUS[3]);
    }

    /// Notifies the device of new entries in a queue.
    #[inline]
    pub(crate) fn notify(&self, queue: u32) {
        self.registers.write32(register::NOTIFY, queue);
    }

    /// Acknowledges the device's interrupt, whatever its cause.
    #[inline]
    pub(crate) fn acknowledge(&self) {
        self.registers.write32(register::ACKNOWLEDGE, 0b11);
    }

    /// Reads a byte of the device's configuration.
    pub(crate) fn configuration8(&self, offset: usize) -> u8 {
        self.registers.read8(register::CONFIGURATION + offset)
    }

    /// Reads a 32-bit word of the device's configuration.
    pub(crate) fn configuration32(&self, offset: usize) -> u32 {
        self.registers.read32(register::CONFIGURATION + offset)
    }
}
