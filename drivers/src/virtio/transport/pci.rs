//! virtio over PCI (virtio 1.2, 4.1): the modern interface, found through capabilities.

use core::fmt;

use super::super::queue::QueueAddresses;
use super::super::{DeviceKind, SetupError};
use super::{Doorbell, MAX_QUEUES, Routing, Transport};
use crate::address::Range;
use crate::interrupt::Message;
use crate::mmio::Registers;
use crate::pci::msix::{Table, TableLocation};
use crate::pci::{Address, ConfigurationSpace, Function};

mod capabilities;

pub use capabilities::RefusedFunction;
use capabilities::Structures;

/// Offsets in the common configuration (4.1.4.3).
mod common {
    pub(super) const DEVICE_FEATURE_SELECT: usize = 0x00;
    pub(super) const DEVICE_FEATURE: usize = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: usize = 0x08;
    pub(super) const DRIVER_FEATURE: usize = 0x0c;
    pub(super) const CONFIG_MSIX_VECTOR: usize = 0x10;
    pub(super) const DEVICE_STATUS: usize = 0x14;
    pub(super) const CONFIG_GENERATION: usize = 0x15;
    pub(super) const QUEUE_SELECT: usize = 0x16;
    pub(super) const QUEUE_SIZE: usize = 0x18;
    pub(super) const QUEUE_MSIX_VECTOR: usize = 0x1a;
    pub(super) const QUEUE_ENABLE: usize = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: usize = 0x1e;
    pub(super) const QUEUE_DESC: usize = 0x20;
    pub(super) const QUEUE_DRIVER: usize = 0x28;
    pub(super) const QUEUE_DEVICE: usize = 0x30;
    /// The length of the part of the common configuration that every device has.
    pub(super) const LEN: u32 = 0x38;
}

/// The ISR status bit for a changed configuration (4.1.4.5).
const ISR_CONFIGURATION: u8 = 2;

/// The vectors assigned to the device.
#[derive(Clone, Copy, Debug)]
struct Vectors {
    configuration: u16,
    /// The vector of queue 0.
    first: u16,
    /// The distance between the vectors of two queues: 1, or 0 if they share one.
    step: u16,
}

/// A virtio device behind the registers of a PCI function.
pub struct PciTransport<R> {
    address: Address,
    kind: DeviceKind,
    common: R,
    notify: R,
    notify_len: u64,
    notify_multiplier: u32,
    isr: R,
    config: Option<R>,
    config_len: usize,
    routing: Routing,
    vectors: Option<Vectors>,
    generation: u32,
}

impl<R: Registers> PciTransport<R> {
    /// Finds the structures of `function`, enables its memory accesses, and selects its interrupts:
    /// one message for each queue and one for the configuration, or one for all queues, or one for
    /// everything, or the line; the first option for which the function and the board have enough
    /// messages.
    ///
    /// `map` returns the registers at an address within one of the function's BARs. `allocate`
    /// reserves a message for a requester and a vector, like
    /// [`allocate_message`](crate::interrupt::InterruptController::allocate_message).
    ///
    /// # Errors
    ///
    /// Returns [`RefusedFunction`] if it is not a virtio device with the modern interface.
    #[cold]
    pub fn new(
        space: &mut impl ConfigurationSpace,
        function: &Function,
        mut map: impl FnMut(Range) -> R,
        allocate: impl FnMut(u16, u16) -> Option<Message>,
    ) -> Result<Self, RefusedFunction> {
        let kind = super::super::pci::kind(function).ok_or(RefusedFunction::NotVirtio)?;
        let structures = Structures::find(space, function)?;
        let table = TableLocation::find(space, function);
        function.enable(space);
        let mut transport = Self {
            address: function.address,
            kind,
            common: map(structures.common),
            notify: map(structures.notify),
            notify_len: structures.notify.size,
            notify_multiplier: structures.notify_multiplier,
            isr: map(structures.isr),
            config_len: structures.config.map_or(0, |range| range.size as usize),
            config: structures.config.map(&mut map),
            routing: Routing::Line,
            vectors: None,
            generation: 0,
        };
        if let Some(location) = table {
            let table = Table::new(map(location.range()), &location);
            let on = transport.route(table, location.vectors(), function.requester, allocate);
            location.enable(space, on);
        }
        Ok(transport)
    }

    /// Returns the function's address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Fills the table with the available messages and assigns them. Returns whether messages are
    /// used.
    fn route(
        &mut self,
        mut table: Table<R>,
        vectors: u16,
        requester: u16,
        mut allocate: impl FnMut(u16, u16) -> Option<Message>,
    ) -> bool {
        // Devices with more queues share one message between all of them.
        let queues = match self.kind {
            DeviceKind::NET => 2,
            DeviceKind::BLK | DeviceKind::RNG => 1,
            _ => u16::MAX - 1,
        };
        let mut numbers = [0; MAX_QUEUES + 1];
        let mut count = 0;
        for vector in 0..vectors.min(queues + 1).min(MAX_QUEUES as u16 + 1) {
            let Some(message) = allocate(requester, vector) else {
                break;
            };
            table.set(vector, message);
            numbers[usize::from(vector)] = message.number;
            count = vector + 1;
        }
        let (vectors, shared) = match count {
            0 => return false,
            1 => (
                Vectors {
                    configuration: 0,
                    first: 0,
                    step: 0,
                },
                true,
            ),
            _ if count > queues => (
                Vectors {
                    configuration: 0,
                    first: 1,
                    step: 1,
                },
                false,
            ),
            _ => (
                Vectors {
                    configuration: 0,
                    first: 1,
                    step: 0,
                },
                false,
            ),
        };
        let mut of_queues = [0; MAX_QUEUES];
        let distinct = if vectors.step == 1 { queues } else { 1 };
        for queue in 0..distinct {
            of_queues[usize::from(queue)] = numbers[usize::from(vectors.first + queue)];
        }
        self.vectors = Some(vectors);
        self.routing = Routing::Messages {
            queues: of_queues,
            count: usize::from(distinct),
            configuration: (!shared).then_some(numbers[0]),
        };
        true
    }

    fn write64(&self, offset: usize, value: u64) {
        // 4.1.3.1: 64-bit fields are written in two halves.
        self.common.write32(offset, value as u32);
        self.common.write32(offset + 4, (value >> 32) as u32);
    }

    /// Writes a vector and reads back whether the device has accepted it (4.1.5.1.2).
    fn set_vector(&self, register: usize, vector: u16) -> Result<(), SetupError> {
        self.common.write16(register, vector);
        if self.common.read16(register) == vector {
            Ok(())
        } else {
            Err(SetupError::VectorRefused { vector })
        }
    }

    /// Returns the doorbell of the selected queue, after checking it against the structure's
    /// length.
    fn doorbell(&self, queue: u16) -> Result<Doorbell, SetupError> {
        let offset = u64::from(self.common.read16(common::QUEUE_NOTIFY_OFF))
            * u64::from(self.notify_multiplier);
        if offset + 2 > self.notify_len || !offset.is_multiple_of(2) {
            return Err(SetupError::NotifyOutOfRange { queue });
        }
        Ok(Doorbell {
            offset: offset as usize,
            value: queue,
        })
    }
}

impl<R: Registers> Transport for PciTransport<R> {
    fn kind(&self) -> DeviceKind {
        self.kind
    }

    fn is_legacy(&self) -> bool {
        false
    }

    fn status(&self) -> u8 {
        self.common.read8(common::DEVICE_STATUS)
    }

    fn set_status(&mut self, status: u8) {
        self.common.write8(common::DEVICE_STATUS, status);
    }

    fn device_features(&mut self) -> u64 {
        let half = |select| {
            self.common.write32(common::DEVICE_FEATURE_SELECT, select);
            u64::from(self.common.read32(common::DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    fn set_driver_features(&mut self, features: u64) {
        let half = |select, bits| {
            self.common.write32(common::DRIVER_FEATURE_SELECT, select);
            self.common.write32(common::DRIVER_FEATURE, bits);
        };
        half(0, features as u32);
        half(1, (features >> 32) as u32);
    }

    fn queue_max_size(&mut self, queue: u16) -> u16 {
        self.common.write16(common::QUEUE_SELECT, queue);
        self.common.read16(common::QUEUE_SIZE)
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: QueueAddresses,
    ) -> Result<Doorbell, SetupError> {
        self.common.write16(common::QUEUE_SELECT, queue);
        if self.common.read16(common::QUEUE_ENABLE) != 0 {
            return Err(SetupError::QueueInUse { queue });
        }
        let doorbell = self.doorbell(queue)?;
        if let Some(vectors) = self.vectors {
            // A reset clears both; the configuration's vector is written again with each queue.
            self.set_vector(common::CONFIG_MSIX_VECTOR, vectors.configuration)?;
            let vector = vectors.first + queue * vectors.step;
            self.set_vector(common::QUEUE_MSIX_VECTOR, vector)?;
        }
        self.common.write16(common::QUEUE_SIZE, size);
        self.write64(common::QUEUE_DESC, addresses.descriptors.0);
        self.write64(common::QUEUE_DRIVER, addresses.available.0);
        self.write64(common::QUEUE_DEVICE, addresses.used.0);
        self.common.write16(common::QUEUE_ENABLE, 1);
        Ok(doorbell)
    }

    #[inline]
    fn ring(&self, doorbell: Doorbell) {
        self.notify.write16(doorbell.offset, doorbell.value);
    }

    fn routing(&self) -> Routing {
        self.routing
    }

    /// Acknowledges an interrupt line by reading the ISR status, which every function that shares
    /// the line needs. Messages need no acknowledgement, and the ISR status has no meaning then
    /// (4.1.4.5.2).
    #[inline]
    fn acknowledge(&mut self, idle: bool) -> bool {
        match self.routing {
            Routing::Line => self.isr.read8(0) & ISR_CONFIGURATION != 0,
            Routing::Messages {
                configuration: Some(_),
                ..
            } => false,
            Routing::Messages {
                configuration: None,
                ..
            } => {
                let generation = self.config_generation();
                let changed = generation != self.generation;
                self.generation = generation;
                changed || idle
            }
        }
    }

    fn config_generation(&self) -> u32 {
        u32::from(self.common.read8(common::CONFIG_GENERATION))
    }

    fn config_len(&self) -> usize {
        self.config_len
    }

    fn config8(&self, offset: usize) -> u8 {
        self.config
            .as_ref()
            .map_or(0, |config| config.read8(offset))
    }

    fn config16(&self, offset: usize) -> u16 {
        self.config
            .as_ref()
            .map_or(0, |config| u16::from_le(config.read16(offset)))
    }

    fn config32(&self, offset: usize) -> u32 {
        self.config
            .as_ref()
            .map_or(0, |config| u32::from_le(config.read32(offset)))
    }

    fn write_config32(&mut self, offset: usize, value: u32) {
        if let Some(config) = &self.config {
            config.write32(offset, value.to_le());
        }
    }
}

impl<R> fmt::Debug for PciTransport<R> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "virtio-pci at {}, {}", self.address, self.kind)
    }
}

#[cfg(test)]
mod tests;
