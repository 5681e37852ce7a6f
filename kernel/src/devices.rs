//! The virtio devices of the machine: found once at boot, then served by the event loop.

mod attached;
mod drivers;
mod probe;
mod recovery;
mod statistics;

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use vmos_drivers::pci;
pub use vmos_drivers::virtio::DeviceKind;

use crate::block::Disk;
use crate::entropy::Entropy;
use crate::net::Net;

pub use attached::WatchStatistics;
pub(crate) use drivers::Drivers;
#[cfg(target_os = "none")]
pub(crate) use probe::probe;
pub(crate) use statistics::Desk;
pub use statistics::DeviceStatistics;

/// Where a device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a virtio-mmio slot that speaks this version of the interface.
    MmioSlot {
        /// The slot, from 0.
        slot: u32,
        /// 1 for the legacy interface, 2 for the one of virtio 1.0.
        version: u32,
    },
    /// On the PCI bus.
    Pci(pci::Address),
}

impl fmt::Display for Place {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MmioSlot { slot, version: 1 } => write!(f, "virtio-mmio slot {slot} (legacy)"),
            Self::MmioSlot { slot, .. } => write!(f, "virtio-mmio slot {slot}"),
            Self::Pci(address) => write!(f, "virtio-pci {address}"),
        }
    }
}

/// How a device's interrupts come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// By the line of this number at the interrupt controller.
    Line(u32),
    /// By messages, the first of which has this number.
    Messages(u32),
    /// Not at all: the device has neither messages nor a line, and is looked at every 10 ms.
    Polled,
}

impl fmt::Display for Delivery {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "interrupt {number}"),
            Self::Messages(number) => write!(f, "messages from interrupt {number}"),
            Self::Polled => f.write_str("no interrupt"),
        }
    }
}

/// A device that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// Where it is.
    pub place: Place,
    /// How its interrupts come.
    pub delivery: Delivery,
}

impl fmt::Display for Device {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place, delivery, ..
        } = self;
        write!(f, "{place}, {delivery}")
    }
}

/// What was found, and the handles on it that tasks are given.
#[derive(Default)]
pub(crate) struct Devices {
    found: Vec<Device>,
    entropy: Option<Entropy>,
    /// In the order of their places; nothing where one could not be brought up.
    disks: Vec<Option<Disk>>,
    net: Option<Net>,
    /// The event loop's, which holds it for good.
    drivers: RefCell<Drivers>,
    /// Where the loop tells what happened, and what has it look there.
    desk: Option<(&'static Desk, &'static Cell<bool>)>,
}

impl Devices {
    pub(crate) fn found(&self) -> &[Device] {
        &self.found
    }

    pub(crate) fn disk(&self, index: usize) -> Option<Disk> {
        self.disks.get(index).copied().flatten()
    }

    pub(crate) fn disks(&self) -> impl Iterator<Item = Disk> + '_ {
        self.disks.iter().flatten().copied()
    }

    pub(crate) fn net(&self) -> Option<Net> {
        self.net
    }

    pub(crate) fn entropy(&self) -> Option<Entropy> {
        self.entropy
    }

    /// What happened to the devices.
    pub(crate) async fn statistics(&self) -> Vec<DeviceStatistics> {
        match self.desk {
            Some((desk, touched)) => desk.ask(touched).await,
            None => Vec::new(),
        }
    }

    /// What serves the devices.
    pub(crate) fn drivers(&self) -> &RefCell<Drivers> {
        &self.drivers
    }
}
