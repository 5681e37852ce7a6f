//! The devices of the machine that the kernel drives: virtio devices, and the board's Ethernet controller.
//! They are found once at boot, then served by the event loop.

mod attached;
#[cfg(feature = "virtio-balloon")]
mod balloon;
mod by_name;
mod bystanders;
mod drivers;
#[cfg(any(
    feature = "virtio-balloon",
    feature = "virtio-console",
    feature = "virtio-vsock"
))]
mod further;
#[cfg(not(any(
    feature = "virtio-balloon",
    feature = "virtio-console",
    feature = "virtio-vsock"
)))]
#[path = "devices/no_further.rs"]
mod further;
#[cfg(any(feature = "embassy-net-driver", feature = "networks"))]
mod interfaces;
#[cfg(not(any(feature = "embassy-net-driver", feature = "networks")))]
#[path = "devices/no_interfaces.rs"]
mod interfaces;
#[cfg(feature = "networks")]
mod named;
#[cfg(target_os = "none")]
mod none;
mod probe;
mod recovery;
#[cfg(all(test, vmos_loom))]
mod simultaneous;
mod stack;
mod statistics;

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::array;
use core::cell::RefCell;
use core::fmt;

use vmos_drivers::board::NamedDevice;
use vmos_drivers::network::NetworkDevice;
use vmos_drivers::pci;
pub use vmos_drivers::virtio::DeviceKind;

use crate::block::Disk;
use crate::driver_cell::Calls;
use crate::entropy::Entropy;
use crate::machine::{self, Ethernet, Transport};
use crate::net::Net;

pub use attached::WatchStatistics;
pub use by_name::NoSuchDisk;
pub(crate) use drivers::Drivers;
#[cfg(target_os = "none")]
pub(crate) use none::NoDevices;
pub(crate) use probe::probe;
pub use statistics::DeviceStatistics;
pub(crate) use statistics::Inquiry;

/// A network device of this machine.
pub(crate) type Nic = NetworkDevice<Transport, Ethernet>;

/// The location of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The device is in a virtio-mmio slot.
    MmioSlot {
        /// The slot's number, from 0.
        slot: u32,
        /// The version of the register interface: 1 for legacy, 2 for virtio 1.0 and later.
        version: u32,
    },
    /// The device is on the PCI bus.
    Pci(pci::Address),
    /// The device is a part of the board: its key in the board file.
    Board(&'static str),
}

impl fmt::Display for Place {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MmioSlot { slot, version: 1 } => write!(f, "virtio-mmio slot {slot} (legacy)"),
            Self::MmioSlot { slot, .. } => write!(f, "virtio-mmio slot {slot}"),
            Self::Pci(address) => write!(f, "virtio-pci {address}"),
            Self::Board(key) => f.write_str(key),
        }
    }
}

impl Place {
    /// Returns whether `text` names the place: `slot30`, or `00:03.0`.
    pub(crate) fn is_called(self, text: &str) -> bool {
        match self {
            Self::MmioSlot { slot, .. } => {
                let number = text.strip_prefix("slot").map(str::parse);
                number == Some(Ok(slot))
            }
            Self::Pci(address) => address.to_string() == text,
            Self::Board(key) => key == text,
        }
    }

    /// Returns whether the board file names the place.
    pub(crate) fn is_of(self, named: &NamedDevice) -> bool {
        match self {
            Self::MmioSlot { slot, .. } => named.slot == Some(slot),
            Self::Pci(_) => named.function.is_some_and(|text| self.is_called(text)),
            Self::Board(_) => false,
        }
    }
}

/// How a device raises interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The device asserts the interrupt controller's line with this number.
    Line(u32),
    /// The device sends messages, the first of which has this number.
    Messages(u32),
    /// Not at all: the device has neither messages nor a line, so the kernel polls it every 10 ms.
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

/// A device found at boot.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// for device in kernel.devices() {
///     vmos::println!("{:?}: {device}", device.kind);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// The device's kind.
    pub kind: DeviceKind,
    /// The device's location.
    pub place: Place,
    /// How the device raises interrupts.
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

/// The devices found, and the handles that tasks get.
pub(crate) struct Devices {
    found: Vec<Device>,
    entropy: Option<Entropy>,
    /// The drivers of the devices, in the order of their locations; empty places are devices that
    /// could not be started.
    disks: Vec<Option<Disk>>,
    net: Option<Net>,
    /// The network devices that the stack in `net` does not use.
    pub(crate) interfaces: interfaces::Handles,
    /// The devices of kinds that only some apps use.
    pub(crate) further: further::Handles,
    /// The drivers for the event loop, which borrows them permanently; none on a board without a place
    /// for devices.
    drivers: [RefCell<Drivers>; machine::HAS_DEVICES as usize],
    /// The requests of tasks for statistics, and what makes the loop serve the devices.
    inquiry: Option<(&'static Inquiry, &'static Calls)>,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            entropy: None,
            disks: Vec::new(),
            net: None,
            interfaces: interfaces::Handles::default(),
            further: further::Handles::default(),
            drivers: array::from_fn(|_| RefCell::default()),
            inquiry: None,
        }
    }
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

    /// Returns the statistics of all devices.
    pub(crate) async fn statistics(&self) -> Vec<DeviceStatistics> {
        match self.inquiry {
            Some((inquiry, calls)) => inquiry.ask(calls).await,
            None => Vec::new(),
        }
    }

    /// Returns the drivers that serve the devices; none on a board without a place for devices.
    pub(crate) fn drivers(&self) -> &[RefCell<Drivers>; machine::HAS_DEVICES as usize] {
        &self.drivers
    }
}
