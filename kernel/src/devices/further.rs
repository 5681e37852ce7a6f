//! The devices of kinds that only some apps use, each behind a feature.

use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(feature = "virtio-balloon")]
use vmos_drivers::dma::Pages;
#[cfg(feature = "virtio-balloon")]
use vmos_drivers::virtio::balloon::Balloon;
#[cfg(feature = "virtio-console")]
use vmos_drivers::virtio::console::Console;
use vmos_drivers::virtio::statistics::QueueStatistics;
use vmos_drivers::virtio::transport::Routing;
#[cfg(feature = "virtio-vsock")]
use vmos_drivers::virtio::vsock::Vsock;
use vmos_drivers::virtio::{DeviceKind, SetupError};
use vmos_drivers::watched::Watched as _;

use super::attached::{Attached, Shared};
use super::drivers::Source;
use super::{DeviceStatistics, Place};
use crate::driver_cell::{Calls, DriverCell};
use crate::machine::Transport;
use crate::time::NEVER;

/// The largest number of such devices.
const MOST: usize = 8;

/// A device.
enum Device {
    #[cfg(feature = "virtio-balloon")]
    Balloon(Shared<Balloon<Transport>>),
    #[cfg(feature = "virtio-console")]
    Console(Shared<Console<Transport>>),
    #[cfg(feature = "virtio-vsock")]
    Vsock(Shared<Vsock<Transport>>),
}

/// Evaluates an expression for a device of any kind.
macro_rules! each {
    ($device:expr, $shared:ident => $value:expr) => {
        match $device {
            #[cfg(feature = "virtio-balloon")]
            Device::Balloon($shared) => $value,
            #[cfg(feature = "virtio-console")]
            Device::Console($shared) => $value,
            #[cfg(feature = "virtio-vsock")]
            Device::Vsock($shared) => $value,
        }
    };
}

/// The devices.
#[derive(Default)]
pub(super) struct Further(Vec<Device>);

/// The drivers, for apps.
#[derive(Default)]
pub(crate) struct Handles {
    #[cfg(feature = "virtio-balloon")]
    pub(crate) balloon: Option<&'static super::balloon::Shared>,
    #[cfg(feature = "virtio-console")]
    pub(crate) consoles: Vec<&'static crate::serial::Shared>,
    #[cfg(feature = "virtio-vsock")]
    pub(crate) vsock: Option<&'static crate::vsock::Shared>,
}

impl Handles {
    /// Publishes what was queued, and processes up to `budget` packets of each device.
    pub(super) fn serve(&self, budget: usize) {
        #[cfg(feature = "virtio-balloon")]
        if let Some(mut driver) = self.balloon.and_then(|driver| driver.try_borrow_mut()) {
            driver.publish();
            driver.complete(budget);
        }
        #[cfg(feature = "virtio-console")]
        for driver in &self.consoles {
            if let Some(mut driver) = driver.try_borrow_mut() {
                driver.publish();
                driver.complete(budget);
            }
        }
        #[cfg(feature = "virtio-vsock")]
        if let Some(mut driver) = self.vsock.and_then(|driver| driver.try_borrow_mut()) {
            driver.publish();
            driver.complete(budget);
        }
    }
}

impl Further {
    /// Starts a device. Returns `None` if its kind has no driver, or if there are enough devices.
    pub(super) fn take(
        &mut self,
        handles: &mut Handles,
        (kind, place): (DeviceKind, Place),
        transport: Transport,
        calls: &'static Calls,
    ) -> Option<Result<(Routing, Source), SetupError>> {
        if self.0.len() == MOST {
            return None;
        }
        let attached = Attached::new(kind, place);
        let started = match kind {
            #[cfg(feature = "virtio-balloon")]
            DeviceKind::BALLOON if handles.balloon.is_none() => {
                Balloon::new(transport, super::balloon::spare, Pages::first_page).map(|balloon| {
                    let routing = balloon.routing();
                    let driver: &_ = Box::leak(Box::new(DriverCell::new(balloon, calls)));
                    handles.balloon = Some(driver);
                    super::balloon::relieve_by(driver);
                    (routing, Device::Balloon(Shared { driver, attached }))
                })
            }
            #[cfg(feature = "virtio-console")]
            DeviceKind::CONSOLE => Console::new(transport).map(|console| {
                let routing = console.routing();
                let driver: &_ = Box::leak(Box::new(DriverCell::new(console, calls)));
                handles.consoles.push(driver);
                (routing, Device::Console(Shared { driver, attached }))
            }),
            #[cfg(feature = "virtio-vsock")]
            DeviceKind::VSOCK if handles.vsock.is_none() => Vsock::new(transport).map(|vsock| {
                let routing = vsock.routing();
                let driver: &_ = Box::leak(Box::new(DriverCell::new(vsock, calls)));
                handles.vsock = Some(driver);
                (routing, Device::Vsock(Shared { driver, attached }))
            }),
            _ => return None,
        };
        Some(started.map(|(routing, device)| {
            self.0.push(device);
            (routing, Source::Further(self.0.len() - 1))
        }))
    }

    pub(super) fn attached(&mut self, index: usize) -> Option<&mut Attached> {
        let device = self.0.get_mut(index)?;
        Some(each!(device, shared => &mut shared.attached))
    }

    /// See [`Services::answer_lines`](crate::event_loop::Services::answer_lines). Returns whether
    /// an interrupt may still be pending, and whether a device was found.
    #[inline]
    pub(super) fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> (bool, bool) {
        let mut found = false;
        for device in &mut self.0 {
            if let Some(number) = each!(device, shared => shared.answer_line()) {
                found = true;
                if !answered(number) {
                    return (false, found);
                }
            }
        }
        (true, found)
    }

    pub(super) fn take_interrupt(&mut self, index: usize, is_configuration: bool) -> bool {
        let device = self.0.get_mut(index);
        device
            .is_some_and(|device| each!(device, shared => shared.take_interrupt(is_configuration)))
    }

    /// Processes a number of packets of each queue. Returns whether there may be more.
    pub(super) fn complete(&mut self) -> bool {
        let mut more = false;
        for device in &mut self.0 {
            more |= each!(device, shared => shared.complete());
        }
        more
    }

    /// Publishes what was queued. Returns whether there is more work, and when a failed device must
    /// be handled again.
    pub(super) fn dispatch(&mut self, now: u64) -> (bool, u64) {
        let (mut more, mut recovery) = (false, NEVER);
        for device in &mut self.0 {
            let (arrived, retry) = each!(device, shared => shared.dispatch(now));
            more |= arrived;
            recovery = recovery.min(retry);
        }
        (more, recovery)
    }

    /// Checks whether the devices respond. Returns when to check again.
    pub(super) fn look(&mut self, step: u64, rests: bool) -> u64 {
        let looks = self.0.iter_mut().map(|device| {
            each!(device, shared => {
                shared.attached.look(&mut *shared.driver.borrow(), step, rests)
            })
        });
        looks.min().unwrap_or(NEVER)
    }

    /// Returns whether there is a device: each of these kinds may report something without being asked.
    pub(super) fn listen(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns the time until the first check after a turn; see [`Attached::first_look`].
    pub(super) fn first_look(&self, found_idle: bool) -> u64 {
        let looks = self.0.iter().map(|device| {
            each!(device, shared => {
                shared.attached.first_look(&mut *shared.driver.borrow(), found_idle)
            })
        });
        looks.min().unwrap_or(NEVER)
    }

    /// Returns the counts of each device, made by `of`.
    pub(super) fn statistics(
        &self,
        of: impl Fn(&Attached, &[QueueStatistics]) -> DeviceStatistics,
    ) -> impl Iterator<Item = DeviceStatistics> {
        self.0.iter().map(move |device| {
            let counts = each!(device, shared => {
                of(&shared.attached, &shared.driver.borrow().statistics())
            });
            #[cfg(feature = "virtio-balloon")]
            let counts = match device {
                Device::Balloon(shared) => DeviceStatistics {
                    pages: Some(shared.driver.borrow().counts()),
                    ..counts
                },
                #[cfg(any(feature = "virtio-console", feature = "virtio-vsock"))]
                _ => counts,
            };
            counts
        })
    }
}
