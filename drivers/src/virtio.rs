//! virtio: the devices of virtual machines (OASIS virtio 1.2, and the legacy interface that QEMU
//! still offers on virtio-mmio by default).
//!
//! Three layers: a [`transport`] reaches a device's registers over MMIO or PCI, a [`queue`] carries
//! requests, and the drivers ([`rng`], [`blk`], [`net`]) know what the requests mean. Drivers block
//! nowhere, wait for nothing and know no executor: whoever waits leaves a [`core::task::Waker`].
//!
//! Nothing that a device writes is trusted. The rules, which every module here keeps:
//!
//! 1. Every chain has a private record; shared memory is read for what the device is to write there
//!    and for nothing else.
//! 2. The used index is read before the entry. An id that the device did not have breaks the queue;
//!    the device is then reset and every request in flight fails by name. Lengths are cut to what
//!    fits, and counted.
//! 3. Publishing is: entries, index, full barrier, the device's wish, at most one kick.
//! 4. Arming is: wish, full barrier, look again; the caller does not sleep when there is more.
//! 5. A line is acknowledged before the queue is drained.
//! 6. Only features that are implemented are accepted. The device's agreement is read back, a reset
//!    is waited for a bounded number of reads, configuration is read whole or not at all.
//! 7. PCI capabilities are walked in bounded steps and must lie within a BAR whose size is known.
//! 8. Every loop has a bound, every queue counts what happens on it.
//! 9. Memory that a device has is owned by the driver until the device gives it back or was reset.
//!    Where a reset never ends the memory is given up for good, and counted.
//! 10. Sectors are 512 bytes whatever the disk's block size is.

pub mod blk;
pub mod device;
pub mod error;
pub mod features;
pub mod mmio;
pub mod net;
pub mod pci;
mod pulse;
pub mod queue;
mod requests;
pub mod rng;
pub mod statistics;
pub mod transport;

use core::fmt;

pub use error::{Failure, SetupError};
pub use pulse::Pulse;
pub use requests::Token;

/// What a device is: its virtio device id (virtio 1.2, 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceKind(pub u32);

impl DeviceKind {
    /// A network device (5.1).
    pub const NET: Self = Self(1);
    /// A block device (5.2).
    pub const BLK: Self = Self(2);
    /// A console (5.3).
    pub const CONSOLE: Self = Self(3);
    /// An entropy device (5.4).
    pub const RNG: Self = Self(4);
    /// A traditional memory balloon (5.5).
    pub const BALLOON: Self = Self(5);
    /// A SCSI host (5.6).
    pub const SCSI: Self = Self(8);
    /// A 9P transport.
    pub const P9: Self = Self(9);

    /// Its usual name, where it is one of those that have one here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NET => "network",
            Self::BLK => "disk",
            Self::CONSOLE => "console",
            Self::RNG => "entropy",
            Self::BALLOON => "balloon",
            Self::SCSI => "SCSI host",
            Self::P9 => "9P",
            _ => return None,
        })
    }
}

impl fmt::Display for DeviceKind {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "virtio device {}", self.0),
        }
    }
}

impl fmt::Debug for DeviceKind {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod fake;
