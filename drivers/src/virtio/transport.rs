//! Access to a device's registers.

use crate::mmio::Mmio;

use super::error::SetupError;
use super::queue::QueueAddresses;

mod absent;
mod mmio;
mod pci;

pub use self::absent::Absent;
pub use self::mmio::MmioTransport;
pub use self::pci::{PciTransport, RefusedFunction};
use super::DeviceKind;

/// Bits of the device status (virtio 1.2, 2.1).
pub mod status {
    /// The guest has seen the device.
    pub const ACKNOWLEDGE: u8 = 1;
    /// The guest has a driver for the device.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// The features were negotiated.
    pub const FEATURES_OK: u8 = 8;
    /// The device must be reset.
    pub const DEVICE_NEEDS_RESET: u8 = 64;
    /// The driver has stopped using the device after an error.
    pub const FAILED: u8 = 128;
}

/// The number of status reads after a reset until the device counts as failed. A virtual device has
/// finished its reset when the write returns. Miri would take minutes for so many.
const RESET_READS: u32 = if cfg!(miri) { 100 } else { 10_000 };
/// The number of attempts to read a configuration that changes meanwhile.
const CONFIG_READS: u32 = 16;

/// The doorbell of one queue, computed once when the queue is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doorbell {
    pub(super) offset: usize,
    pub(super) value: u16,
}

impl Doorbell {
    /// The doorbell of a queue that is not set up yet.
    pub(super) const NONE: Self = Self {
        offset: 0,
        value: 0,
    };
}

/// How a device raises interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Routing {
    /// The device raises the interrupt line of its slot or pin.
    Line,
    /// Through messages. For any of `queues`, drain the queues. For `configuration`, call
    /// `configuration_changed`; if it is `None`, the only queue message covers that too, and
    /// `acknowledge_interrupt` handles it.
    Messages {
        /// The interrupt numbers of the queues' messages; the first `count` are valid.
        queues: [u32; MAX_QUEUES],
        /// The number of messages: one for each queue, or one for all.
        count: usize,
        /// The interrupt number of the message for configuration changes.
        configuration: Option<u32>,
    },
}

impl Routing {
    /// Returns the interrupt numbers of the queues' messages; empty if a line is used.
    #[must_use]
    pub fn queue_numbers(&self) -> &[u32] {
        match self {
            Self::Line => &[],
            Self::Messages { queues, count, .. } => &queues[..(*count).min(MAX_QUEUES)],
        }
    }
}

/// The largest number of queues that a driver uses.
pub const MAX_QUEUES: usize = 2;

/// The registers of one virtio device, independent of the bus.
///
/// The methods follow the steps of virtio 1.2, 3.1.1, and must be called in that order.
pub trait Transport {
    /// Returns the device's kind.
    fn kind(&self) -> DeviceKind;

    /// Does nothing. The transport of a bus that the board does not have cannot be called, so the compiler
    /// removes the code around such a call.
    #[inline(always)]
    fn exists(&self) {}

    /// Returns whether the device uses the legacy interface: 32 feature bits and no FEATURES_OK.
    fn is_legacy(&self) -> bool;

    /// Reads the device status.
    fn status(&self) -> u8;

    /// Writes the device status; 0 starts a reset.
    fn set_status(&mut self, status: u8);

    /// Returns the features that the device offers.
    fn device_features(&mut self) -> u64;

    /// Writes the accepted features.
    fn set_driver_features(&mut self, features: u64);

    /// Returns the largest number of entries of queue `queue`; 0 if there is no such queue.
    fn queue_max_size(&mut self, queue: u16) -> u16;

    /// Passes queue `queue` to the device.
    ///
    /// # Errors
    ///
    /// If the queue is in use, out of the device's reach, or has no doorbell.
    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: QueueAddresses,
    ) -> Result<Doorbell, SetupError>;

    /// Notifies a queue: one register write.
    fn ring(&self, doorbell: Doorbell);

    /// Returns how the device raises interrupts.
    fn routing(&self) -> Routing {
        Routing::Line
    }

    /// Acknowledges the device's interrupt before the queues are drained. `idle` means that nothing
    /// was found in the queues since the last call; then, at the latest, the reason for the
    /// interrupt is read. Returns whether configuration or status may have changed.
    fn acknowledge(&mut self, idle: bool) -> bool;

    /// Returns a number that changes with the configuration; always 0 on a legacy device.
    fn config_generation(&self) -> u32;

    /// Returns the size of the device configuration in bytes.
    fn config_len(&self) -> usize;

    /// Reads one byte of the device configuration; `offset` must be within it.
    fn config8(&self, offset: usize) -> u8;

    /// Reads two bytes of the device configuration, which must be within it.
    fn config16(&self, offset: usize) -> u16;

    /// Reads four bytes of the device configuration, which must be within it.
    fn config32(&self, offset: usize) -> u32;

    /// Writes four bytes of the device configuration, which must be within it.
    fn write_config32(&mut self, offset: usize, value: u32);

    /// Resets the device. Afterwards it accesses no memory.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError::ResetTimeout`] if the device may still access all memory that it was
    /// given.
    #[inline(never)]
    fn reset(&mut self) -> Result<(), SetupError> {
        self.set_status(0);
        for _ in 0..RESET_READS {
            if self.status() == 0 {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        Err(SetupError::ResetTimeout)
    }

    /// Reads several fields of the device configuration, up to byte `len`, in a consistent state
    /// (2.5.1).
    ///
    /// # Errors
    ///
    /// Returns [`SetupError::ConfigTooShort`] if the configuration has less than `len` bytes, and
    /// [`SetupError::ConfigUnstable`] if it changes during every attempt.
    fn read_config<V: PartialEq>(
        &self,
        len: usize,
        read: impl Fn(&Self) -> V,
    ) -> Result<V, SetupError> {
        if self.config_len() < len {
            return Err(SetupError::ConfigTooShort);
        }
        let mut last = None;
        for _ in 0..CONFIG_READS {
            let before = self.config_generation();
            let value = read(self);
            let unchanged = if self.is_legacy() {
                // Without a generation number, two equal reads count as consistent.
                last.as_ref() == Some(&value)
            } else {
                self.config_generation() == before
            };
            if unchanged {
                return Ok(value);
            }
            last = Some(value);
        }
        Err(SetupError::ConfigUnstable)
    }
}

/// The transports of a board, distinguished by a match instead of a virtual table. If the board has
/// no slots or no PCI, the type of that transport is [`Absent`], and nothing is distinguished.
#[derive(Debug)]
pub enum AnyTransport<M = MmioTransport<Mmio>, P = PciTransport<Mmio>> {
    /// The transport of a virtio-mmio slot.
    Mmio(M),
    /// The transport of a virtio-pci function.
    Pci(P),
}

macro_rules! either {
    ($self:ident, $transport:ident => $call:expr) => {
        match $self {
            Self::Mmio($transport) => $call,
            Self::Pci($transport) => $call,
        }
    };
}

// What is only needed to start a device is not inlined, so that the image contains it once.
impl<M: Transport, P: Transport> Transport for AnyTransport<M, P> {
    fn kind(&self) -> DeviceKind {
        either!(self, transport => transport.kind())
    }

    #[inline(always)]
    fn exists(&self) {
        either!(self, transport => transport.exists());
    }

    fn is_legacy(&self) -> bool {
        either!(self, transport => transport.is_legacy())
    }

    #[inline(never)]
    fn status(&self) -> u8 {
        either!(self, transport => transport.status())
    }

    #[inline(never)]
    fn set_status(&mut self, status: u8) {
        either!(self, transport => transport.set_status(status));
    }

    #[inline(never)]
    fn device_features(&mut self) -> u64 {
        either!(self, transport => transport.device_features())
    }

    #[inline(never)]
    fn set_driver_features(&mut self, features: u64) {
        either!(self, transport => transport.set_driver_features(features));
    }

    #[inline(never)]
    fn queue_max_size(&mut self, queue: u16) -> u16 {
        either!(self, transport => transport.queue_max_size(queue))
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: QueueAddresses,
    ) -> Result<Doorbell, SetupError> {
        either!(self, transport => transport.enable_queue(queue, size, addresses))
    }

    #[inline]
    fn ring(&self, doorbell: Doorbell) {
        either!(self, transport => transport.ring(doorbell));
    }

    fn routing(&self) -> Routing {
        either!(self, transport => transport.routing())
    }

    #[inline]
    fn acknowledge(&mut self, idle: bool) -> bool {
        either!(self, transport => transport.acknowledge(idle))
    }

    #[inline(never)]
    fn config_generation(&self) -> u32 {
        either!(self, transport => transport.config_generation())
    }

    #[inline(never)]
    fn config_len(&self) -> usize {
        either!(self, transport => transport.config_len())
    }

    #[inline(never)]
    fn config8(&self, offset: usize) -> u8 {
        either!(self, transport => transport.config8(offset))
    }

    #[inline(never)]
    fn config16(&self, offset: usize) -> u16 {
        either!(self, transport => transport.config16(offset))
    }

    #[inline(never)]
    fn config32(&self, offset: usize) -> u32 {
        either!(self, transport => transport.config32(offset))
    }

    #[inline(never)]
    fn write_config32(&mut self, offset: usize, value: u32) {
        either!(self, transport => transport.write_config32(offset, value));
    }
}

impl<M, P> AnyTransport<M, P> {
    /// Returns the transport of a device in a slot; `None` if the board has no slots.
    pub fn in_slot<R>(transport: MmioTransport<R>) -> Option<Self>
    where
        M: TryFrom<MmioTransport<R>>,
    {
        transport.try_into().ok().map(Self::Mmio)
    }

    /// Returns the transport of a PCI function; `None` if the board has no PCI.
    pub fn of_function<R>(transport: PciTransport<R>) -> Option<Self>
    where
        P: TryFrom<PciTransport<R>>,
    {
        transport.try_into().ok().map(Self::Pci)
    }
}

#[cfg(test)]
mod tests;
