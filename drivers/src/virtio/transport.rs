//! How a device's registers are reached.

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
    /// The guest knows how to drive it.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// The features are agreed.
    pub const FEATURES_OK: u8 = 8;
    /// The device cannot go on without a reset.
    pub const DEVICE_NEEDS_RESET: u8 = 64;
    /// The driver has given up.
    pub const FAILED: u8 = 128;
}

/// How often the status is read after a reset before the device is given up. A device in a virtual
/// machine has finished when the write returns.
const RESET_READS: u32 = 10_000;
/// How often a configuration that changes meanwhile is read again.
const CONFIG_READS: u32 = 16;

/// The doorbell of one queue, worked out once when the queue is set up.
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

/// How a device reaches the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Routing {
    /// By the line that its slot or pin is wired to.
    Line,
    /// By messages. Any of `queues` means: drain the queues. `configuration` means: call
    /// `configuration_changed`; where it is `None`, the one queue message stands for that too and
    /// `acknowledge_interrupt` sees to it.
    Messages {
        /// The interrupt numbers of the queues' messages; the first `count` are valid.
        queues: [u32; MAX_QUEUES],
        /// How many there are: one for each queue, or one for all.
        count: usize,
        /// The interrupt number of the configuration's message.
        configuration: Option<u32>,
    },
}

impl Routing {
    /// The interrupt numbers of the queues' messages; none where a line is used.
    #[must_use]
    pub fn queue_numbers(&self) -> &[u32] {
        match self {
            Self::Line => &[],
            Self::Messages { queues, count, .. } => &queues[..(*count).min(MAX_QUEUES)],
        }
    }
}

/// The most queues that a driver here uses.
pub const MAX_QUEUES: usize = 2;

/// The registers of one virtio device, whichever way they are reached.
///
/// The methods follow the steps of virtio 1.2, 3.1.1; a driver goes through them in that order.
pub trait Transport {
    /// What the device is.
    fn kind(&self) -> DeviceKind;

    /// Whether it speaks the legacy interface: 32 feature bits and no FEATURES_OK.
    fn is_legacy(&self) -> bool;

    /// Reads the device status.
    fn status(&self) -> u8;

    /// Writes the device status; 0 starts a reset.
    fn set_status(&mut self, status: u8);

    /// The features that the device offers.
    fn device_features(&mut self) -> u64;

    /// Tells the device which of them are accepted.
    fn set_driver_features(&mut self, features: u64);

    /// The most entries that queue `queue` may have; 0 where there is no such queue.
    fn queue_max_size(&mut self, queue: u16) -> u16;

    /// Hands queue `queue` to the device.
    ///
    /// # Errors
    ///
    /// Where the queue is in use, out of the device's reach, or has no doorbell.
    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: QueueAddresses,
    ) -> Result<Doorbell, SetupError>;

    /// Rings a queue's doorbell: one register write.
    fn ring(&self, doorbell: Doorbell);

    /// How the device's interrupts arrive.
    fn routing(&self) -> Routing {
        Routing::Line
    }

    /// Tells the device that its interrupt was seen, before the queues are drained. `idle` says that
    /// nothing was found in the queues since the last time: then, if not before, there is a look at
    /// what the device wants. Returns whether its configuration or status may have changed.
    fn acknowledge(&mut self, idle: bool) -> bool;

    /// A number that changes whenever the configuration does; always 0 on a legacy device.
    fn config_generation(&self) -> u32;

    /// How many bytes of device configuration there are.
    fn config_len(&self) -> usize;

    /// Reads one byte of the device configuration, of which there must be so many.
    fn config8(&self, offset: usize) -> u8;

    /// Reads two bytes of the device configuration, of which there must be so many.
    fn config16(&self, offset: usize) -> u16;

    /// Reads four bytes of the device configuration, of which there must be so many.
    fn config32(&self, offset: usize) -> u32;

    /// Resets the device. After that it uses no memory of ours.
    ///
    /// # Errors
    ///
    /// [`SetupError::ResetTimeout`]: the device may still use all memory that it was given.
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

    /// Reads several fields of the device configuration, up to byte `len`, as they are at one moment
    /// (2.5.1).
    ///
    /// # Errors
    ///
    /// [`SetupError::ConfigTooShort`] where the device has less than `len` bytes,
    /// [`SetupError::ConfigUnstable`] where it changes them faster than they can be read.
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
                // No generation: what reads the same twice is taken for whole.
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

/// The transports that a board has, told apart by a match instead of a table of functions. Where the
/// board has no slots or no PCI, that one is [`Absent`], and there is nothing to tell apart.
#[derive(Debug)]
pub enum AnyTransport<M = MmioTransport<Mmio>, P = PciTransport<Mmio>> {
    /// virtio-mmio.
    Mmio(M),
    /// virtio-pci.
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

// What only a device's start needs is in an image once, and not with both transports wherever it is
// called.
impl<M: Transport, P: Transport> Transport for AnyTransport<M, P> {
    fn kind(&self) -> DeviceKind {
        either!(self, transport => transport.kind())
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
}

impl<M, P> AnyTransport<M, P> {
    /// The transport of a device in a slot; `None` where the board has no slots.
    pub fn in_slot<R>(transport: MmioTransport<R>) -> Option<Self>
    where
        M: TryFrom<MmioTransport<R>>,
    {
        transport.try_into().ok().map(Self::Mmio)
    }

    /// The transport of a PCI function; `None` where the board has no PCI.
    pub fn of_function<R>(transport: PciTransport<R>) -> Option<Self>
    where
        P: TryFrom<PciTransport<R>>,
    {
        transport.try_into().ok().map(Self::Pci)
    }
}

#[cfg(test)]
mod tests;
