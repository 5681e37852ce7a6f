//! Finds the devices on the board's buses.

use alloc::boxed::Box;
use core::cell::RefCell;

use vmos_drivers::board::{Driver, EthernetPlace};
use vmos_drivers::interrupt::{Interrupt, InterruptController};
use vmos_drivers::mmio::Mmio;
use vmos_drivers::pci;
use vmos_drivers::virtio::blk::Blk;
use vmos_drivers::virtio::net::Net;
use vmos_drivers::virtio::rng::Rng;
use vmos_drivers::virtio::transport::{PciTransport, Routing};
use vmos_drivers::virtio::{self, DeviceKind, SetupError};
use vmos_drivers::watched::Watched as _;
use vmos_drivers::{debug, info, warn};

use super::attached::{Attached, Shared};
#[cfg(not(feature = "networks"))]
use super::drivers::Network;
use super::drivers::{Drivers, Raised, Route, Source};
#[cfg(feature = "networks")]
use super::interfaces::MOST;
#[cfg(not(feature = "networks"))]
use super::stack::{self, Addresses};
use super::{Delivery, Device, Devices, Nic, Place};
use crate::block::Disk;
use crate::command_line::CommandLine;
use crate::driver_cell::{Calls, DriverCell};
use crate::entropy::Entropy;
use crate::machine::{self, Ethernet, PciConfiguration, Transport};
use crate::net::HardwareAddress;
use crate::optional::Optional;
#[cfg(not(feature = "networks"))]
use crate::time::NEVER;

/// Finds and starts all devices, and enables their interrupts at `controller`.
#[cold]
pub(crate) fn probe(
    controller: &mut impl InterruptController,
    command_line: CommandLine<'_>,
) -> Devices {
    let mut devices = Devices::default();
    if let Some(slots) = machine::VIRTIO_MMIO
        && !Optional::VirtioMmio.is_left_out()
    {
        // QEMU assigns slots from the last one down, so going down keeps the order in which devices
        // were added.
        for slot in (0..slots.count).rev() {
            // SAFETY: the board describes the slots, and each is probed only once.
            match unsafe { machine::probe_slot(&slots, slot) } {
                Ok(Some(found)) => {
                    let place = Place::MmioSlot {
                        slot,
                        version: found.version,
                    };
                    let line = Some(slots.interrupt(slot));
                    if let Some(transport) = Transport::in_slot(found.transport) {
                        devices.start(controller, command_line, found.kind, place, line, transport);
                    }
                }
                Ok(None) => {}
                Err(error) => warn!("virtio-mmio slot {slot}: {error}"),
            }
        }
    }
    if let (Some(host), Some(place)) = (machine::PCI, machine::PCI_CONFIGURATION)
        && !Optional::Pci.is_left_out()
    {
        // SAFETY: the board describes the host bridge, and nothing else drives it.
        let mut space = unsafe { <PciConfiguration as Driver>::new(&place) };
        let is_virtio = |vendor| vendor == virtio::pci::VENDOR;
        let (functions, problem) = pci::enumerate_of(&mut space, &host, is_virtio);
        if let Some(problem) = problem {
            warn!("PCI: {problem}");
        }
        for function in &functions {
            let Some(kind) = virtio::pci::kind(function) else {
                continue;
            };
            // SAFETY: the range is within a BAR of a function that nothing else drives.
            let map = |range| unsafe { Mmio::new(range) };
            let allocate = |requester, vector| {
                (host.message_interrupts && !Optional::Messages.is_left_out())
                    .then(|| controller.allocate_message(requester, vector))
                    .flatten()
            };
            match PciTransport::new(&mut space, function, map, allocate) {
                Ok(transport) => {
                    if let Some(transport) = Transport::of_function(transport) {
                        let (place, line) = (Place::Pci(function.address), function.line);
                        devices.start(controller, command_line, kind, place, line, transport);
                    }
                }
                Err(refused) => {
                    warn!("PCI {}: {refused}", function.address);
                    devices.leave_place(kind);
                }
            }
        }
    }
    if let Some(described) = &machine::ETHERNET
        && !Optional::Ethernet.is_left_out()
    {
        devices.start_ethernet(controller, command_line, described);
    }
    if let Some(drivers) = devices.drivers.first_mut() {
        let drivers = drivers.get_mut();
        devices.inquiry = Some((drivers.inquiry, drivers.calls));
    }
    devices
}

impl Devices {
    /// Reserves the place of a device that could not be started, so that the devices after it keep
    /// their numbers.
    fn leave_place(&mut self, kind: DeviceKind) {
        if kind == DeviceKind::BLK {
            self.disks.push(None);
        }
    }

    #[cold]
    fn start(
        &mut self,
        controller: &mut impl InterruptController,
        command_line: CommandLine<'_>,
        kind: DeviceKind,
        place: Place,
        line: Option<Interrupt>,
        transport: Transport,
    ) {
        let Some(drivers) = self.drivers.first_mut().map(RefCell::get_mut) else {
            return;
        };
        let started = match kind {
            DeviceKind::RNG if drivers.entropy.is_none() => Rng::new(transport).map(|driver| {
                let routing = driver.routing();
                let shared = Shared::new(kind, place, driver, drivers.calls);
                self.entropy = Some(Entropy::new(shared.driver));
                drivers.entropy = Some(shared);
                (routing, Source::Entropy)
            }),
            DeviceKind::BLK => Blk::new(transport).map(|driver| {
                let routing = driver.routing();
                let shared = Shared::new(kind, place, driver, drivers.calls);
                self.disks.push(Some(Disk::new(shared.driver)));
                drivers.disks.push(shared);
                (routing, Source::Disk(drivers.disks.len() - 1))
            }),
            #[cfg(feature = "networks")]
            DeviceKind::NET if !drivers.interfaces.has_room() => {
                return warn_of_limit(place);
            }
            DeviceKind::NET if drivers.network.is_none() || drivers.interfaces.has_room() => {
                match Net::new(transport) {
                    Err(error) => Err(error),
                    Ok(net) => match self.take_network(command_line, place, Nic::Virtio(net)) {
                        Some(taken) => Ok(taken),
                        None => return,
                    },
                }
            }
            _ => {
                let (handles, place_of) = (&mut self.further, (kind, place));
                let calls = drivers.calls;
                match drivers.further.take(handles, place_of, transport, calls) {
                    Some(started) => started,
                    None => {
                        info!("{place}: not used: no driver for kind {}", kind.0);
                        return;
                    }
                }
            }
        };
        match started {
            Ok(started) => self.attach(controller, kind, place, line, started),
            Err(error) => {
                warn!("{place}: {error}");
                self.leave_place(kind);
            }
        }
    }

    /// Starts the board's Ethernet controller.
    #[cold]
    fn start_ethernet(
        &mut self,
        controller: &mut impl InterruptController,
        command_line: CommandLine<'_>,
        described: &EthernetPlace<<Ethernet as Driver>::Config>,
    ) {
        let place = Place::Board(described.key);
        // SAFETY: the board describes the controller, and nothing else drives it.
        let nic = match unsafe { Nic::start_ethernet(&described.config) } {
            Ok(nic) => nic,
            Err(SetupError::NoDevice) => {
                return info!("{place}: no device responds; the board file says that there is one");
            }
            Err(error) => return warn!("{place}: {error}"),
        };
        let Some(drivers) = self.drivers.first_mut().map(RefCell::get_mut) else {
            return;
        };
        #[cfg(feature = "networks")]
        if !drivers.interfaces.has_room() {
            return warn_of_limit(place);
        }
        if drivers.network.is_some() && !drivers.interfaces.has_room() {
            return info!("{place}: not used: the kernel uses another network device");
        }
        if let Some(taken) = self.take_network(command_line, place, nic) {
            let line = described.interrupt;
            self.attach(controller, DeviceKind::NET, place, line, taken);
        }
    }

    /// Uses a network device: for the kernel's own stack if it is the first one, and otherwise for apps.
    /// Returns `None` if nobody can use it.
    fn take_network(
        &mut self,
        command_line: CommandLine<'_>,
        place: Place,
        nic: Nic,
    ) -> Option<(Routing, Source)> {
        let drivers = self.drivers.first_mut()?.get_mut();
        #[cfg(not(feature = "networks"))]
        if drivers.network.is_none() && is_wanted(&nic, command_line) {
            let mut nic = nic;
            let routing = nic.routing();
            let stack = stack::start(&mut nic, Addresses::of_first(command_line));
            self.net = Some(crate::net::Net::new(stack));
            drivers.network = Some(Network {
                nic,
                attached: Attached::new(DeviceKind::NET, place),
                stack,
                recovery: NEVER,
            });
            return Some((routing, Source::Network));
        }
        let mac = HardwareAddress(nic.mac());
        #[cfg(feature = "networks")]
        let is_first = self.net.is_none() && is_wanted(&nic, command_line);
        let (handles, place_of) = (&mut self.interfaces, (DeviceKind::NET, place));
        let calls = drivers.calls;
        let taken = drivers.interfaces.take(handles, place_of, nic, calls);
        match taken {
            Some(taken) => {
                #[cfg(feature = "networks")]
                if is_first {
                    self.net = self.interfaces.start_first(command_line);
                }
                Some(taken)
            }
            None => {
                info!("{place}: not used: nic= on the command line is another than {mac}");
                None
            }
        }
    }

    /// Enables the interrupts of a device that was started.
    #[inline(always)]
    fn attach(
        &mut self,
        controller: &mut impl InterruptController,
        kind: DeviceKind,
        place: Place,
        line: Option<Interrupt>,
        (routing, source): (Routing, Source),
    ) {
        let Some(drivers) = self.drivers.first_mut().map(RefCell::get_mut) else {
            return;
        };
        let delivery = match (routing, line) {
            (Routing::Line, None) => Delivery::Polled,
            (Routing::Line, Some(line)) => {
                controller.enable(line);
                drivers.route(line, source, false);
                Delivery::Line(line.number)
            }
            (Routing::Messages { configuration, .. }, _) => {
                for &number in routing.queue_numbers() {
                    drivers.route(Interrupt::edge(number), source, false);
                }
                if let Some(number) = configuration {
                    drivers.route(Interrupt::edge(number), source, true);
                }
                Delivery::Messages(routing.queue_numbers().first().copied().unwrap_or_default())
            }
        };
        let device = Device {
            kind,
            place,
            delivery,
        };
        debug!("{kind}: {device}");
        self.found.push(device);
        if let Some(attached) = drivers.attached(source) {
            attached.set_delivery(delivery, line.is_some_and(|line| line.trigger.is_level()));
            let comes = match delivery {
                Delivery::Line(number) => controller.has(number),
                Delivery::Messages(_) => true,
                Delivery::Polled => false,
            };
            if !comes {
                attached.expect_no_interrupt();
            }
        }
    }
}

impl Drivers {
    fn route(&mut self, interrupt: Interrupt, source: Source, is_configuration: bool) {
        self.routes.push(Route {
            interrupt,
            source,
            is_configuration,
            raised: Raised::default(),
        });
    }
}

impl<D> Shared<D> {
    fn new(kind: DeviceKind, place: Place, driver: D, calls: &'static Calls) -> Self {
        Self {
            driver: Box::leak(Box::new(DriverCell::new(driver, calls))),
            attached: Attached::new(kind, place),
        }
    }
}

#[cfg(feature = "networks")]
#[cold]
fn warn_of_limit(place: Place) {
    warn!(
        "{place}: not used: the kernel serves at most {MOST} network devices; remove another one to use \
         this one"
    );
}

/// Returns whether to use the network device: it has the address that `nic=` on the command line
/// names, or there is no such word.
fn is_wanted(nic: &Nic, command_line: CommandLine<'_>) -> bool {
    let Some(name) = command_line.value("nic") else {
        return true;
    };
    match name.parse() {
        Ok(HardwareAddress(wanted)) => wanted == nic.mac(),
        Err(error) => {
            warn!("command line, nic={name}: {error}; taking the first network device");
            true
        }
    }
}
