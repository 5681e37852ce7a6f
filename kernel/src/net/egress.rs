//! Sends frames from the sockets and the protocols to the device.

use super::device::Device;
use super::ports::Flushed;
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
        let inner = &mut *self.inner.borrow_mut();
        let mut more = false;
        let mut due = inner.deadline();
        let mut others = due <= now;
        // If both have something to send, they take turns to go first, since there may be room for
        // only one.
        let alone = self.outgoing.is_empty();
        if others && (alone || self.others_first.replace(!self.others_first.get())) {
            more |= self.send_others(inner, device, now, budget);
            due = inner.deadline();
            others = false;
        }
        if !self.outgoing.is_empty() {
            more |= self.send_datagrams(inner, device, now, budget);
        }
        if others {
            more |= self.send_others(inner, device, now, budget);
            due = inner.deadline();
        }
        self.due.set(self.deadline_after(due));
        more
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
        let flushed = inner
            .ports
            .flush(&self.outgoing, device, budget, &self.counters);
        self.retry.set(match flushed {
            Flushed::Everything | Flushed::OutOfBudget => 0,
            Flushed::DeviceFull => {
                count(&self.counters.device_full);
                now.saturating_add(TRANSMIT_RETRY)
            }
        });
        flushed == Flushed::OutOfBudget
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
        more
    }
}
