//! The virtio devices of the machine: found once at boot, then served by the event loop.

mod probe;
mod recovery;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use vmos_drivers::pci;
pub use vmos_drivers::virtio::DeviceKind;
use vmos_drivers::virtio::blk::Blk;
use vmos_drivers::virtio::net::Net as Nic;
use vmos_drivers::virtio::rng::Rng;
use vmos_drivers::virtio::transport::AnyTransport;

use crate::block::Disk;
use crate::entropy::Entropy;
use crate::event_loop::Services;
use crate::net::{Net, Stack, Virtio};
use crate::time::earliest;

#[cfg(target_os = "none")]
pub(crate) use probe::probe;
use recovery::{Recoverable, Recovery};

/// How many completions a device may hand over in one turn of the loop.
const COMPLETION_BUDGET: usize = 64;
/// How many frames are taken in, and how many are sent, in one turn of the loop.
const FRAME_BUDGET: usize = 64;

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
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "interrupt {number}"),
            Self::Messages(number) => write!(f, "messages from interrupt {number}"),
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place, delivery, ..
        } = self;
        write!(f, "{place}, {delivery}")
    }
}

/// What an interrupt announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Entropy,
    Disk(usize),
    Network,
}

/// One interrupt and whose it is. A line that several devices share has several.
#[derive(Clone, Copy, Debug)]
struct Route {
    number: u32,
    source: Source,
    is_configuration: bool,
}

/// A driver, whether its interrupt came since it was last served, and what became of its device.
struct Attached<D: 'static> {
    driver: &'static RefCell<D>,
    has_work: Cell<bool>,
    place: Place,
    recovery: Recovery,
}

impl<D: Recoverable> Attached<D> {
    fn new(place: Place, driver: D) -> Self {
        Self {
            driver: Box::leak(Box::new(RefCell::new(driver))),
            // Whatever came before its interrupt was let through is found in the first turn.
            has_work: Cell::new(true),
            place,
            recovery: Recovery::default(),
        }
    }

    /// Sees to a device that broke down. Returns when to come back for it.
    #[inline]
    fn recover(&self, driver: &mut D, now: u64) -> Option<u64> {
        driver.failure()?;
        let retry = self.recovery.attempt(driver, &self.place, now);
        if retry.is_none() {
            self.has_work.set(true);
        }
        retry
    }
}

struct Network {
    nic: Attached<Nic<AnyTransport>>,
    stack: &'static Stack,
}

/// The devices, and the services on top of them.
#[derive(Default)]
pub(crate) struct Devices {
    found: Vec<Device>,
    routes: Vec<Route>,
    entropy: Option<Attached<Rng<AnyTransport>>>,
    disks: Vec<Attached<Blk<AnyTransport>>>,
    network: Option<Network>,
    /// When a device that broke down is started again.
    recovery: Cell<Option<u64>>,
}

impl Devices {
    pub(crate) fn found(&self) -> &[Device] {
        &self.found
    }

    pub(crate) fn disk(&self, index: usize) -> Option<Disk> {
        self.disks.get(index).map(|disk| Disk::new(disk.driver))
    }

    pub(crate) fn net(&self) -> Option<Net> {
        self.network.as_ref().map(|network| Net::new(network.stack))
    }

    pub(crate) fn entropy(&self) -> Option<Entropy> {
        self.entropy
            .as_ref()
            .map(|entropy| Entropy::new(entropy.driver))
    }
}

/// What every driver does for the loop in the same way.
macro_rules! take_interrupt {
    ($attached:expr, $route:expr) => {{
        let mut driver = $attached.driver.borrow_mut();
        if $route.is_configuration {
            driver.configuration_changed();
        } else {
            driver.acknowledge_interrupt();
        }
        $attached.has_work.set(true);
    }};
}

impl Services for Devices {
    fn interrupt(&self, number: u32) {
        for route in self.routes.iter().filter(|route| route.number == number) {
            match route.source {
                Source::Entropy => {
                    if let Some(entropy) = &self.entropy {
                        take_interrupt!(entropy, route);
                    }
                }
                Source::Disk(index) => take_interrupt!(self.disks[index], route),
                Source::Network => {
                    if let Some(Network { nic, stack }) = &self.network {
                        take_interrupt!(nic, route);
                        stack.link(nic.driver.borrow().link_up());
                    }
                }
            }
        }
    }

    fn collect(&self, now: u64) -> bool {
        let mut more = false;
        if let Some(entropy) = self
            .entropy
            .as_ref()
            .filter(|entropy| entropy.has_work.get())
        {
            more |= entropy.driver.borrow_mut().complete(COMPLETION_BUDGET) == COMPLETION_BUDGET;
        }
        for disk in self.disks.iter().filter(|disk| disk.has_work.get()) {
            more |= disk.driver.borrow_mut().complete(COMPLETION_BUDGET) == COMPLETION_BUDGET;
        }
        if let Some(Network { nic, stack }) = &self.network {
            let due = stack
                .next_deadline()
                .is_some_and(|deadline| deadline <= now);
            if nic.has_work.get() || due {
                let mut driver = nic.driver.borrow_mut();
                more |= stack.ingress(&mut Virtio(&mut driver), now, FRAME_BUDGET);
            }
        }
        more
    }

    fn dispatch(&self, now: u64) -> bool {
        let mut more = false;
        let mut recovery = None;
        if let Some(Network { nic, stack }) = &self.network {
            let mut driver = nic.driver.borrow_mut();
            more |= stack.egress(&mut Virtio(&mut driver), now, FRAME_BUDGET);
            driver.publish();
            if nic.has_work.get() || driver.holds_back() {
                let arrived = driver.rearm();
                nic.has_work.set(arrived);
                more |= arrived;
            }
            recovery = earliest(recovery, nic.recover(&mut driver, now));
        }
        if let Some(entropy) = &self.entropy {
            let mut driver = entropy.driver.borrow_mut();
            driver.publish();
            if entropy.has_work.get() {
                let arrived = driver.rearm();
                entropy.has_work.set(arrived);
                more |= arrived;
            }
            recovery = earliest(recovery, entropy.recover(&mut driver, now));
        }
        for disk in &self.disks {
            let mut driver = disk.driver.borrow_mut();
            driver.publish();
            if disk.has_work.get() {
                let arrived = driver.rearm();
                disk.has_work.set(arrived);
                more |= arrived;
            }
            recovery = earliest(recovery, disk.recover(&mut driver, now));
        }
        self.recovery.set(recovery);
        more
    }

    fn deadline(&self) -> Option<u64> {
        let network = self.network.as_ref();
        earliest(
            network.and_then(|network| network.stack.next_deadline()),
            self.recovery.get(),
        )
    }
}
