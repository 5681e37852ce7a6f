//! A device in operation, of any kind, with the state that the event loop keeps about it.

use core::fmt;
use core::mem;

use vmos_drivers::ethernet::Ethernet;
use vmos_drivers::network::NetworkDevice;
use vmos_drivers::virtio::Pulse;
#[cfg(feature = "virtio-balloon")]
use vmos_drivers::virtio::balloon::Balloon;
use vmos_drivers::virtio::blk::Blk;
#[cfg(feature = "virtio-console")]
use vmos_drivers::virtio::console::Console;
use vmos_drivers::virtio::rng::Rng;
use vmos_drivers::virtio::transport::Transport;
#[cfg(feature = "virtio-vsock")]
use vmos_drivers::virtio::vsock::Vsock;
use vmos_drivers::watched::Watched;

use super::recovery::Recovery;
use super::{Delivery, DeviceKind, Place};
use crate::driver_cell::DriverCell;
use crate::time::NEVER;

mod watch;

pub(super) use watch::TICK;
use watch::Watch;
pub use watch::WatchStatistics;

/// The operations that the event loop needs from every driver.
pub(super) trait Served: Watched {
    /// Returns whether the device has put something into a queue that the driver has not processed
    /// yet.
    fn has_news(&mut self) -> bool;

    /// Acknowledges the device's interrupt.
    fn acknowledge_interrupt(&mut self);

    /// Processes up to [`BUDGET`] completions. Returns whether there may be more.
    ///
    /// A driver whose completions only tasks process returns true.
    fn complete(&mut self) -> bool {
        true
    }

    /// Wakes the only task that can wait for the completions there are, to process them. Returns false
    /// if there is none, or there may be others.
    #[inline]
    fn call(&mut self) -> bool {
        false
    }

    /// Makes queued requests visible to the device.
    fn publish(&mut self);

    /// Enables the interrupt for the next completion. Returns whether there already is one.
    fn rearm(&mut self) -> bool;

    /// Returns whether a task waits for room, or was woken for it and has not run yet; or, for a memory
    /// balloon, whether the host waits for memory. The driver is then published again after the ready
    /// tasks have run, so a task that does not run delays no other, and the host gets what they free.
    fn is_waited_for(&self) -> bool {
        false
    }
}

/// The largest number of completions processed per device at a time.
const BUDGET: usize = 64;

macro_rules! served {
    ($($driver:ident $(<$kind:ident: $of:ident>)? {$($served:tt)*}),*) => {$(
        impl<T: Transport $(, $kind: $of)?> Served for $driver<T $(, $kind)?> {
            $($served)*

            #[inline]
            fn has_news(&mut self) -> bool {
                $driver::has_news(self)
            }

            #[inline]
            fn acknowledge_interrupt(&mut self) {
                $driver::acknowledge_interrupt(self);
            }

            #[inline]
            fn publish(&mut self) {
                $driver::publish(self);
            }

            #[inline]
            fn rearm(&mut self) -> bool {
                $driver::rearm(self)
            }
        }
    )*};
}

served!(
    Blk {
        #[inline]
        fn complete(&mut self) -> bool {
            Blk::complete(self, BUDGET) == BUDGET
        }

        #[inline]
        fn call(&mut self) -> bool {
            Blk::call(self)
        }

        #[inline]
        fn is_waited_for(&self) -> bool {
            Blk::is_waited_for(self)
        }
    },
    NetworkDevice<E: Ethernet> {},
    Rng {
        #[inline]
        fn complete(&mut self) -> bool {
            Rng::complete(self, BUDGET) == BUDGET
        }
    }
);

#[cfg(feature = "virtio-balloon")]
served!(
    Balloon {
        fn complete(&mut self) -> bool {
            Balloon::complete(self, BUDGET) == BUDGET
        }

        fn is_waited_for(&self) -> bool {
            Balloon::is_short(self)
        }
    }
);
#[cfg(feature = "virtio-console")]
served!(
    Console {
        fn complete(&mut self) -> bool {
            Console::complete(self, BUDGET) == BUDGET
        }
    }
);
#[cfg(feature = "virtio-vsock")]
served!(
    Vsock {
        fn complete(&mut self) -> bool {
            Vsock::complete(self, BUDGET) == BUDGET
        }
    }
);

/// The state of a device: pending work, interrupts and recovery.
pub(super) struct Attached {
    /// Whether the device's interrupt was raised since it was last served, or it may have more
    /// work.
    pub(super) has_work: bool,
    /// Whether the device's interrupt was raised since it was enabled; only for [`Shared`].
    pub(super) is_disarmed: bool,
    /// What the device had answered, and how much of it was taken, when an interrupt last found
    /// nothing in its queues.
    progress: (u16, u16),
    /// The level-triggered line that the device asserts until acknowledged, if it has one.
    line: Option<u32>,
    kind: DeviceKind,
    place: Place,
    delivery: Option<Delivery>,
    recovery: Recovery,
    /// Whether the device was restarted since interrupts were last not expected from it.
    pub(super) was_restarted: bool,
    watch: Watch,
}

impl fmt::Display for Attached {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            place,
            delivery,
            ..
        } = self;
        write!(f, "{kind}, {place}")?;
        match delivery {
            Some(delivery) => write!(f, ", {delivery}"),
            None => Ok(()),
        }
    }
}

impl Attached {
    // Not inlined: it is written once and copied, instead of written for each kind of device.
    #[inline(never)]
    pub(super) fn new(kind: DeviceKind, place: Place) -> Self {
        Self {
            // The first turn finds what arrived before its interrupt was enabled.
            has_work: true,
            is_disarmed: true,
            progress: (0, 0),
            line: None,
            kind,
            place,
            delivery: None,
            recovery: Recovery::default(),
            was_restarted: false,
            watch: Watch::default(),
        }
    }

    /// Returns the device's kind.
    pub(super) fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// Returns the device's location.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Records how the device raises interrupts, and whether that is a level-triggered line.
    pub(super) fn set_delivery(&mut self, delivery: Delivery, is_level: bool) {
        self.delivery = Some(delivery);
        if let (Delivery::Line(number), true) = (delivery, is_level) {
            self.line = Some(number);
        }
    }

    /// Returns the counts of missing interrupts, notifications and restarts.
    pub(super) const fn statistics(&self) -> WatchStatistics {
        self.watch.statistics
    }

    /// Acknowledges the interrupt of a device on a level-triggered line if its queues show that it
    /// raised one; the controller need not be read then. Returns the line's number.
    #[inline(always)]
    pub(super) fn answer_line(&mut self, driver: &mut impl Served) -> Option<u32> {
        let number = self.line?;
        if !driver.has_news() {
            return None;
        }
        driver.acknowledge_interrupt();
        self.has_work = true;
        self.is_disarmed = true;
        Some(number)
    }

    /// Returns whether the device has answered a request since an interrupt last found nothing.
    #[cold]
    #[inline(never)]
    fn has_progressed(&mut self, driver: &mut impl Watched) -> bool {
        let Pulse {
            answered, taken, ..
        } = driver.pulse();
        mem::replace(&mut self.progress, (answered, taken)) != (answered, taken)
    }

    /// Handles an interrupt of the device that the controller reported. Returns whether the device
    /// had put something into a queue, including what a task has taken since.
    pub(super) fn take_interrupt(
        &mut self,
        driver: &mut impl Served,
        is_configuration: bool,
    ) -> bool {
        let has_news = driver.has_news() || self.has_progressed(driver);
        if is_configuration {
            driver.configuration_changed();
        } else {
            driver.acknowledge_interrupt();
        }
        self.has_work = true;
        self.is_disarmed = true;
        self.hear();
        has_news
    }

    /// Handles a device that has failed: it has nothing to publish, and raises no interrupt. Returns
    /// whether there is work for it, and when it must be handled again.
    #[inline]
    pub(super) fn dispatch_failed(&mut self, driver: &mut impl Served, now: u64) -> (bool, u64) {
        self.has_work = false;
        let retry = self.recover_failed(driver, now);
        (self.has_work, retry)
    }

    /// Handles a failed device. Returns when to call this again.
    #[inline]
    pub(super) fn recover(&mut self, driver: &mut impl Served, now: u64) -> u64 {
        if driver.failure().is_none() {
            return NEVER;
        }
        self.recover_failed(driver, now)
    }

    #[cold]
    fn recover_failed(&mut self, driver: &mut dyn Watched, now: u64) -> u64 {
        let is_new = !self.recovery.is_pending();
        let retry = self.recovery.attempt(driver, &*self, now);
        let counted = &mut self.watch.statistics;
        counted.failures += u32::from(is_new);
        counted.restarts += u32::from(retry.is_none());
        if retry.is_none() {
            self.has_work = true;
            self.was_restarted = true;
        }
        retry.unwrap_or(NEVER)
    }
}

/// A driver that tasks use directly: a disk or the entropy device.
pub(super) struct Shared<D: 'static> {
    pub(super) driver: &'static DriverCell<D>,
    pub(super) attached: Attached,
}

impl<D: Served> Shared<D> {
    /// See [`Attached::answer_line`].
    #[inline]
    pub(super) fn answer_line(&mut self) -> Option<u32> {
        let number = self.attached.answer_line(&mut *self.driver.borrow());
        if number.is_some() {
            self.driver.call();
        }
        number
    }

    /// Like [`answer_line`](Self::answer_line), but if only one task can wait for the completions, wakes
    /// it to process them, so that the device then has no work.
    #[inline]
    pub(super) fn answer_line_for_task(&mut self) -> Option<u32> {
        let mut driver = self.driver.borrow();
        let number = self.attached.answer_line(&mut *driver)?;
        self.driver.call();
        self.attached.has_work = !driver.call();
        Some(number)
    }

    /// See [`Attached::take_interrupt`].
    pub(super) fn take_interrupt(&mut self, is_configuration: bool) -> bool {
        self.attached
            .take_interrupt(&mut *self.driver.borrow(), is_configuration)
    }

    /// Processes the completions of a device that has work. Returns whether there may be more.
    #[inline]
    pub(super) fn complete(&mut self) -> bool {
        if !self.attached.has_work {
            return false;
        }
        self.driver.call();
        self.attached.is_disarmed = true;
        self.attached.has_work = self.driver.borrow().complete();
        self.attached.has_work
    }

    /// If a task or an interrupt called for it, publishes queued requests, and enables the interrupt
    /// again after it was raised. Returns whether there is more work, and when a failed device must be
    /// handled again.
    #[inline]
    pub(super) fn dispatch(&mut self, now: u64) -> (bool, u64) {
        if !self.driver.is_called() {
            return (false, NEVER);
        }
        let mut driver = self.driver.borrow();
        self.driver.served();
        driver.publish();
        if mem::take(&mut self.attached.is_disarmed) {
            self.attached.has_work = driver.rearm();
        }
        let retry = self.attached.recover(&mut *driver, now);
        let more = self.attached.has_work;
        if retry != NEVER || driver.is_waited_for() {
            self.driver.call();
        }
        (more, retry)
    }
}
