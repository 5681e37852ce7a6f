//! Whether a memory balloon responds, and how it is restarted if it does not.

use alloc::vec::Vec;

use super::super::device::{Device, GaveUp};
use super::super::driver::Driver;
use super::super::error::Failure;
use super::super::pulse::Pulse;
use super::super::statistics::QueueStatistics;
use super::super::transport::Transport;
use super::lots::{Held, Lot};
use super::{Balloon, DEFLATE, INFLATE, Lane, WANTED};

impl<T: Transport> Driver for Balloon<T> {
    type Transport = T;

    #[inline]
    fn device(&self) -> &Device<T> {
        &self.device
    }

    fn device_mut(&mut self) -> &mut Device<T> {
        &mut self.device
    }

    /// Mostly, the host wants another number of pages.
    fn configuration_changed(&mut self) {
        if self.device.needs_reset() {
            self.fail(Failure::NeedsReset);
        } else if self.device.failure().is_none() {
            self.read_wanted();
        }
    }

    fn pulse(&mut self) -> Pulse {
        let (one, other) = (self.inflate.queue.pulse(), self.deflate.queue.pulse());
        Pulse {
            in_flight: one.in_flight + other.in_flight,
            oldest: one.oldest.wrapping_add(other.oldest),
            answered: one.answered.wrapping_add(other.answered),
            taken: one.taken.wrapping_add(other.taken),
            has_news: one.has_news || other.has_news,
            is_unread: self.device.is_unread(),
            listens: true,
        }
    }

    #[cold]
    fn kick(&mut self) {
        for lane in [&mut self.inflate, &mut self.deflate] {
            lane.queue.publish_again();
            self.device.kick(lane.doorbell);
        }
    }

    /// If the device has let go of its memory, the heap gets all pages back: a device that was reset has
    /// none (5.5.6).
    fn fail(&mut self, failure: Failure) {
        if self.device.fail(failure) {
            self.release();
        }
    }

    /// The device then has no pages, and gets as many as it wants.
    fn restart(&mut self) -> Result<(), GaveUp> {
        self.device.negotiate_again(|_transport, _offered| WANTED)?;
        // The reset of the negotiation has succeeded, so the device has let go of everything.
        self.release();
        let lanes: [(u16, &mut Lane); 2] =
            [(INFLATE, &mut self.inflate), (DEFLATE, &mut self.deflate)];
        for (number, lane) in lanes {
            self.device.restart_queue(number, &mut lane.queue)?;
        }
        self.start()
    }
}

impl<T: Transport> Balloon<T> {
    /// Acknowledges the device's interrupt; call before [`complete`](Self::complete).
    pub fn acknowledge_interrupt(&mut self) {
        self.inflate.queue.hold();
        self.deflate.queue.hold();
        if self.device.acknowledge() {
            self.configuration_changed();
        }
    }

    /// Requests an interrupt for each queue. Returns whether there is work already; the caller must not
    /// sleep then.
    pub fn rearm(&mut self) -> bool {
        if self.device.failure().is_some() {
            return false;
        }
        self.inflate.queue.arm(0) | self.deflate.queue.arm(0)
    }

    /// Returns whether the device has returned a lot that was not processed yet.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.inflate.queue.has_used() || self.deflate.queue.has_used()
    }

    /// Returns the counts of the queues, in the order of their numbers.
    #[must_use]
    pub fn statistics(&self) -> Vec<QueueStatistics> {
        Vec::from([
            self.inflate.queue.statistics(),
            self.deflate.queue.statistics(),
        ])
    }

    /// Returns all pages to the heap.
    fn release(&mut self) {
        self.held = Held::default();
        for lane in [&mut self.inflate, &mut self.deflate] {
            lane.lots.fill_with(|| None);
        }
        self.told = 0;
    }

    /// Leaks everything that the device may still use.
    pub(super) fn leak(&mut self) {
        self.held.leak();
        for lane in [&mut self.inflate, &mut self.deflate] {
            lane.queue.leak();
            lane.lots
                .iter_mut()
                .filter_map(Option::take)
                .for_each(Lot::leak);
        }
    }
}
