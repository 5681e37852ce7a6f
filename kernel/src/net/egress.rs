//! Sends frames from the sockets and the protocols to the device.

use super::device::Device;
use super::protocols::TRANSMIT_RETRY;
use super::stack::{Inner, Stack};
use super::statistics::count;

impl Stack {
    /// Sends about `budget` frames, at most, of the sockets and protocols. Called once a turn,
    /// after the tasks; `now` is the same as for [`ingress`](Self::ingress).
    ///
    /// Returns whether frames are left because the budget ended: then the loop must not sleep.
    /// Tasks that waited for room may be ready afterwards.
    pub fn egress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        let inner = &mut *self.inner.borrow();
        let mut more = false;
        // Otherwise, nothing but the queued datagrams has changed since the last call.
        let mut others = self.due.get() <= now && self.find_due(inner) <= now;
        // If both have something to send, they take turns to go first, since there may be room for
        // only one.
        let alone = self.outgoing.is_empty();
        if others && (alone || self.others_first.replace(!self.others_first.get())) {
            more |= self.send_others(inner, device, now, budget);
            others = false;
        }
        if !self.outgoing.is_empty() {
            more |= self.send_datagrams(inner, device, now, budget);
        }
        if others {
            more |= self.send_others(inner, device, now, budget);
        }
        more
    }

    /// Takes and sends frames while a task waits without awaiting. The time does not change: as for the
    /// tasks of this turn, it is that of the turn's start. Does nothing while a task uses what the
    /// protocols need.
    #[cfg(feature = "networks")]
    pub(crate) fn serve_without_tasks<D: Device>(&self, device: &mut D, budget: usize) {
        if self.inner.try_borrow().is_none() {
            return;
        }
        let now = self.now.get();
        self.ingress(device, now, budget);
        self.egress(device, now, budget);
    }

    /// Determines when this must be called for anything but queued datagrams. Returns when the
    /// protocols and the connections have something to send.
    #[inline(never)]
    fn find_due(&self, inner: &Inner) -> u64 {
        let deadline = inner.deadline();
        self.due.set(deadline.min(self.alarm.get()));
        deadline
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn send_datagrams<D: Device>(
        &self,
        inner: &mut Inner,
        device: &mut D,
        now: u64,
        budget: usize,
    ) -> bool {
        let sent = inner
            .ports
            .flush(&self.outgoing, device, budget, &self.counters);
        self.retry.set(0);
        if self.outgoing.is_empty() {
            return false;
        }
        if sent < budget {
            self.wait_for_device(now);
        }
        sent >= budget
    }

    /// Sends queued datagrams later, because the device has no room.
    #[cold]
    fn wait_for_device(&self, now: u64) {
        count(&self.counters.device_full);
        self.retry.set(now.saturating_add(TRANSMIT_RETRY));
    }

    /// Sends the segments of connections, and queues the frames of other protocols.
    #[inline(never)]
    fn send_others<D: Device>(
        &self,
        inner: &mut Inner,
        device: &mut D,
        now: u64,
        budget: usize,
    ) -> bool {
        let mut more = false;
        if inner.connections.deadline() <= now {
            more |= inner
                .connections
                .egress(device, &self.frames, now, budget, &self.counters);
        }
        if inner.protocols.deadline() <= now {
            self.work(inner, now);
        }
        self.find_due(inner);
        more
    }
}
