//! virtio: the devices of virtual machines (OASIS virtio 1.2, and the legacy interface that QEMU
//! still offers on virtio-mmio by default).
//!
//! There are three layers: a [`transport`] accesses a device's registers over MMIO or PCI, a
//! [`queue`] carries requests, and the drivers ([`rng`], [`blk`], [`net`], [`console`], [`vsock`],
//! [`balloon`]) implement the requests of each kind of device. Drivers never block and do not depend on
//! an executor: a task that waits leaves a [`core::task::Waker`].
//!
//! Values written by a device are never trusted. Every module keeps these rules:
//!
//! 1. The driver keeps a private record of every chain. From shared memory it reads only the fields
//!    that the device writes.
//! 2. The used index is read before the entry. An id that was not lent to the device breaks the
//!    queue; the device is then reset, and every request in flight fails with an error. Lengths are
//!    limited to the size of the chain, and excess is counted.
//! 3. To publish chains, the driver writes the entries, then the index, executes a full barrier,
//!    reads whether the device wants a notification, and notifies it at most once.
//! 4. To arm interrupts, the driver requests one, executes a full barrier, and checks for new
//!    entries; the caller does not sleep if there are any.
//! 5. An interrupt is acknowledged before the queue is drained.
//! 6. Only implemented features are accepted, and the device's agreement is read back. The number
//!    of status reads after a reset is bounded. Configuration is read in a consistent state, or the
//!    device is rejected.
//! 7. The list of PCI capabilities is walked in a bounded number of steps. Each capability must lie
//!    within a BAR of known size.
//! 8. Every loop is bounded, and every queue counts its events.
//! 9. The driver owns memory that the device uses until the device returns it or was reset. If a
//!    reset does not complete, the memory is never freed, and is counted.
//! 10. A sector has 512 bytes, independent of the disk's block size.

pub mod balloon;
pub mod blk;
pub mod console;
pub mod device;
mod driver;
pub mod error;
pub mod features;
pub mod mmio;
pub mod net;
mod packets;
pub mod pci;
mod pulse;
pub mod queue;
mod requests;
pub mod rng;
pub mod statistics;
pub mod transport;
pub mod vsock;

use core::fmt;

pub use error::{Failure, SetupError};
pub use pulse::Pulse;
pub use requests::Token;

/// The kind of a device: its virtio device id (virtio 1.2, 5).
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
    /// A socket device (5.10).
    pub const VSOCK: Self = Self(19);

    /// Returns the usual name of the kind, if it is one of those above.
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
            Self::VSOCK => "socket",
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
