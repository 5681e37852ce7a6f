//! virtio over MMIO (virtio 1.2, 4.2): version 2, and the legacy version 1 (4.2.4).

use core::cell::Cell;
use core::{fmt, mem};

use super::super::queue::{LEGACY_ALIGN, QueueAddresses};
use super::super::{DeviceKind, SetupError};
use super::{Doorbell, Transport, status};
use crate::mmio::Registers;

/// Register offsets (4.2.2); the legacy ones from 4.2.4.
mod register {
    pub(super) const DEVICE_FEATURES: usize = 0x10;
    pub(super) const DEVICE_FEATURES_SEL: usize = 0x14;
    pub(super) const DRIVER_FEATURES: usize = 0x20;
    pub(super) const DRIVER_FEATURES_SEL: usize = 0x24;
    pub(super) const LEGACY_GUEST_PAGE_SIZE: usize = 0x28;
    pub(super) const QUEUE_SEL: usize = 0x30;
    pub(super) const QUEUE_NUM_MAX: usize = 0x34;
    pub(super) const QUEUE_NUM: usize = 0x38;
    pub(super) const LEGACY_QUEUE_ALIGN: usize = 0x3c;
    pub(super) const LEGACY_QUEUE_PFN: usize = 0x40;
    pub(super) const QUEUE_READY: usize = 0x44;
    pub(super) const QUEUE_NOTIFY: usize = 0x50;
    pub(super) const INTERRUPT_STATUS: usize = 0x60;
    pub(super) const INTERRUPT_ACK: usize = 0x64;
    pub(super) const STATUS: usize = 0x70;
    pub(super) const QUEUE_DESC: usize = 0x80;
    pub(super) const QUEUE_DRIVER: usize = 0x90;
    pub(super) const QUEUE_DEVICE: usize = 0xa0;
    pub(super) const CONFIG_GENERATION: usize = 0xfc;
    pub(super) const CONFIG: usize = 0x100;
}

/// Bits of the interrupt status (4.2.2).
const USED_BUFFER: u32 = 1;
const CONFIGURATION: u32 = 2;

/// The page size for a legacy device, which is the unit of the queue's address.
const LEGACY_PAGE: u64 = LEGACY_ALIGN as u64;

/// The number of acknowledgements in which the status is read at least once, so that a
/// configuration change is seen even on a busy queue.
const STATUS_INTERVAL: u8 = 64;

/// The number of consecutive interrupts without a cause after which the line of a legacy device
/// counts as stuck. QEMU leaves the line asserted when it finds a queue broken; the legacy interface
/// cannot report that otherwise. The line of a slot is never shared.
///
/// A modern device reports that it is broken, so its line does not show it: what holds the line may be
/// another device, and a reset would only fail this one's requests.
const STUCK: u16 = 32;

/// A virtio device behind a page of registers.
pub struct MmioTransport<R> {
    registers: R,
    kind: DeviceKind,
    legacy: bool,
    config_len: usize,
    /// Acknowledgements since the status was last read.
    unread: u8,
    /// Interrupts without a cause since the device's status was last read.
    vain: Cell<u16>,
}

impl<R: Registers> MmioTransport<R> {
    /// Creates the transport of a device found by [`probe`](super::super::mmio::probe).
    pub(in super::super) const fn new(
        registers: R,
        size: usize,
        kind: DeviceKind,
        legacy: bool,
    ) -> Self {
        let config_len = size.saturating_sub(register::CONFIG);
        Self {
            registers,
            kind,
            legacy,
            config_len,
            unread: 0,
            vain: Cell::new(0),
        }
    }

    fn write64(&self, offset: usize, value: u64) {
        self.registers.write32(offset, value as u32);
        self.registers.write32(offset + 4, (value >> 32) as u32);
    }

    fn enable_legacy_queue(&self, descriptors: u64) -> Result<(), SetupError> {
        let page =
            u32::try_from(descriptors / LEGACY_PAGE).map_err(|_error| SetupError::MemoryTooHigh)?;
        self.registers
            .write32(register::LEGACY_QUEUE_ALIGN, LEGACY_PAGE as u32);
        self.registers.write32(register::LEGACY_QUEUE_PFN, page);
        Ok(())
    }
}

impl<R: Registers> Transport for MmioTransport<R> {
    fn kind(&self) -> DeviceKind {
        self.kind
    }

    fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// Returns the status. If the interrupt line of a legacy device is stuck, it includes a request
    /// for a reset, even if the device has made none.
    fn status(&self) -> u8 {
        let status = self.registers.read32(register::STATUS) as u8;
        if self.vain.replace(0) >= STUCK && self.legacy {
            status | status::DEVICE_NEEDS_RESET
        } else {
            status
        }
    }

    fn set_status(&mut self, status: u8) {
        self.registers.write32(register::STATUS, u32::from(status));
    }

    fn device_features(&mut self) -> u64 {
        let half = |select| {
            self.registers
                .write32(register::DEVICE_FEATURES_SEL, select);
            u64::from(self.registers.read32(register::DEVICE_FEATURES))
        };
        if self.legacy {
            half(0)
        } else {
            half(0) | half(1) << 32
        }
    }

    fn set_driver_features(&mut self, features: u64) {
        let half = |select, bits| {
            self.registers
                .write32(register::DRIVER_FEATURES_SEL, select);
            self.registers.write32(register::DRIVER_FEATURES, bits);
        };
        half(0, features as u32);
        if self.legacy {
            // 4.2.4: needed once, before any queue is set up.
            self.registers
                .write32(register::LEGACY_GUEST_PAGE_SIZE, LEGACY_PAGE as u32);
        } else {
            half(1, (features >> 32) as u32);
        }
    }

    fn queue_max_size(&mut self, queue: u16) -> u16 {
        self.registers
            .write32(register::QUEUE_SEL, u32::from(queue));
        let max = self.registers.read32(register::QUEUE_NUM_MAX);
        u16::try_from(max).unwrap_or(u16::MAX)
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: QueueAddresses,
    ) -> Result<Doorbell, SetupError> {
        let registers = &self.registers;
        registers.write32(register::QUEUE_SEL, u32::from(queue));
        let used = if self.legacy {
            register::LEGACY_QUEUE_PFN
        } else {
            register::QUEUE_READY
        };
        if registers.read32(used) != 0 {
            return Err(SetupError::QueueInUse { queue });
        }
        registers.write32(register::QUEUE_NUM, u32::from(size));
        if self.legacy {
            self.enable_legacy_queue(addresses.descriptors.0)?;
        } else {
            self.write64(register::QUEUE_DESC, addresses.descriptors.0);
            self.write64(register::QUEUE_DRIVER, addresses.available.0);
            self.write64(register::QUEUE_DEVICE, addresses.used.0);
            registers.write32(register::QUEUE_READY, 1);
        }
        Ok(Doorbell {
            offset: register::QUEUE_NOTIFY,
            value: queue,
        })
    }

    #[inline]
    fn ring(&self, doorbell: Doorbell) {
        self.registers
            .write32(register::QUEUE_NOTIFY, u32::from(doorbell.value));
    }

    /// Acknowledges with one write if the queues were busy: reading the status first would double
    /// the cost without new information. A pending configuration change keeps the line asserted, so
    /// the interrupt is raised again when the queues are idle, and the status is read then.
    #[inline]
    fn acknowledge(&mut self, idle: bool) -> bool {
        if !idle && self.unread < STATUS_INTERVAL {
            self.unread += 1;
            self.registers.write32(register::INTERRUPT_ACK, USED_BUFFER);
            return false;
        }
        if mem::take(&mut self.unread) > 0 {
            self.vain.set(0);
        }
        let status = self.registers.read32(register::INTERRUPT_STATUS);
        let known = status & (USED_BUFFER | CONFIGURATION);
        if known == 0 {
            let vain = self.vain.get().saturating_add(1);
            self.vain.set(vain);
            return self.legacy && vain >= STUCK;
        }
        self.vain.set(0);
        self.registers.write32(register::INTERRUPT_ACK, known);
        known & CONFIGURATION != 0
    }

    fn config_generation(&self) -> u32 {
        if self.legacy {
            0
        } else {
            self.registers.read32(register::CONFIG_GENERATION)
        }
    }

    fn config_len(&self) -> usize {
        self.config_len
    }

    fn config8(&self, offset: usize) -> u8 {
        self.registers.read8(register::CONFIG + offset)
    }

    fn config16(&self, offset: usize) -> u16 {
        u16::from_le(self.registers.read16(register::CONFIG + offset))
    }

    fn config32(&self, offset: usize) -> u32 {
        u32::from_le(self.registers.read32(register::CONFIG + offset))
    }

    fn write_config32(&mut self, offset: usize, value: u32) {
        self.registers
            .write32(register::CONFIG + offset, value.to_le());
    }
}

impl<R> fmt::Debug for MmioTransport<R> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.legacy { 1 } else { 2 };
        write!(f, "virtio-mmio version {version}, {}", self.kind)
    }
}
