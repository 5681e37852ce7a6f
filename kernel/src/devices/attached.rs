//! A device that is served, whatever it is.

use vmos_drivers::virtio::blk::Blk;
use vmos_drivers::virtio::net::Net;
use vmos_drivers::virtio::rng::Rng;
use vmos_drivers::virtio::transport::Transport;

use super::Place;
use super::recovery::{Recoverable, Recovery};
use crate::driver_cell::DriverCell;
use crate::time::NEVER;

/// What every driver does for the loop in the same way.
pub(super) trait Served: Recoverable {
    /// Whether the device has put something into a queue that was not seen yet.
    fn has_news(&self) -> bool;

    /// Acknowledges the device's interrupt.
    fn acknowledge_interrupt(&mut self);

    /// Looks at what the device has to say beside its queues.
    fn configuration_changed(&mut self);

    /// Makes what was queued visible to the device.
    fn publish(&mut self);

    /// Asks for an interrupt when there is more. Returns whether there is already.
    fn rearm(&mut self) -> bool;

    /// Whether a task waits for room, or was woken for it and has not come yet: the driver is then
    /// published again once the tasks that are ready have run, so that whoever does not come holds up
    /// nobody.
    fn is_waited_for(&self) -> bool {
        false
    }
}

macro_rules! served {
    ($($driver:ident $({$($more:tt)*})?),*) => {$(
        impl<T: Transport> Served for $driver<T> {
            $($($more)*)?

            #[inline]
            fn has_news(&self) -> bool {
                $driver::has_news(self)
            }

            #[inline]
            fn acknowledge_interrupt(&mut self) {
                $driver::acknowledge_interrupt(self);
            }

            fn configuration_changed(&mut self) {
                $driver::configuration_changed(self);
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
        fn is_waited_for(&self) -> bool {
            Blk::is_waited_for(self)
        }
    },
    Net,
    Rng
);

/// Whether something is to be done for a device, and what became of it.
pub(super) struct Attached {
    /// Its interrupt came since it was last served, or it may have more.
    pub(super) has_work: bool,
    /// The line that it asserts, where it has one that it lets go of once it was acknowledged.
    line: Option<u32>,
    place: Place,
    recovery: Recovery,
}

impl Attached {
    pub(super) fn new(place: Place) -> Self {
        Self {
            // Whatever came before its interrupt was let through is found in the first turn.
            has_work: true,
            line: None,
            place,
            recovery: Recovery::default(),
        }
    }

    /// Where the device is.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Notes the line that the device asserts until it is acknowledged.
    pub(super) fn set_line(&mut self, number: u32) {
        self.line = Some(number);
    }

    /// Acknowledges the interrupt of a device on a line, where its queues show that it has one: the
    /// controller need not be asked then. Returns the line's number.
    #[inline]
    pub(super) fn answer_line(&mut self, driver: &mut impl Served) -> Option<u32> {
        let number = self.line?;
        if !driver.has_news() {
            return None;
        }
        driver.acknowledge_interrupt();
        self.has_work = true;
        Some(number)
    }

    /// Takes an interrupt of the device that the controller has told of.
    pub(super) fn take_interrupt(&mut self, driver: &mut impl Served, is_configuration: bool) {
        if is_configuration {
            driver.configuration_changed();
        } else {
            driver.acknowledge_interrupt();
        }
        self.has_work = true;
    }

    /// Tells the device what was queued, and asks for its interrupt again where that came. Returns
    /// whether more has come meanwhile, and when to come back for a device that broke down.
    #[inline]
    pub(super) fn dispatch(&mut self, driver: &mut impl Served, now: u64) -> (bool, u64) {
        driver.publish();
        if self.has_work {
            self.has_work = driver.rearm();
        }
        let more = self.has_work;
        (more, self.recover(driver, now))
    }

    /// Sees to a device that broke down. Returns when to come back for it.
    #[inline]
    pub(super) fn recover(&mut self, driver: &mut impl Served, now: u64) -> u64 {
        if driver.failure().is_none() {
            return NEVER;
        }
        let retry = self.recovery.attempt(driver, &self.place, now);
        self.has_work |= retry.is_none();
        retry.unwrap_or(NEVER)
    }
}

/// A driver that tasks use too.
pub(super) struct Shared<D: 'static> {
    pub(super) driver: &'static DriverCell<D>,
    pub(super) attached: Attached,
}

impl<D: Served> Shared<D> {
    /// As [`Attached::answer_line`].
    #[inline]
    pub(super) fn answer_line(&mut self) -> Option<u32> {
        self.attached.answer_line(&mut *self.driver.serve())
    }

    /// As [`Attached::take_interrupt`].
    pub(super) fn take_interrupt(&mut self, is_configuration: bool) {
        self.attached
            .take_interrupt(&mut *self.driver.serve(), is_configuration);
    }

    /// As [`Attached::dispatch`], where there is anything to do.
    #[inline]
    pub(super) fn dispatch(&mut self, now: u64) -> (bool, u64) {
        if !self.attached.has_work && !self.driver.is_touched() {
            return (false, NEVER);
        }
        let mut driver = self.driver.serve();
        let (more, retry) = self.attached.dispatch(&mut *driver, now);
        self.driver.served(retry != NEVER || driver.is_waited_for());
        (more, retry)
    }
}
