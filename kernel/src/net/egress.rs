//! Out: from the sockets and the protocols to the device.

use super::device::Device;
use super::ports::Flushed;
use super::protocols::TRANSMIT_RETRY;
use super::stack::{Inner, Stack};
use super::statistics::count;

impl Stack {
    /// Sends at most about `budget` frames of what the sockets and protocols have to send. Called
    /// once a turn, after the tasks ran; `now` is the same as for [`ingress`](Self::ingress).
    ///
    /// Returns whether the budget ended first: then the loop must not sleep. Tasks that waited for
    /// room may be ready afterwards.
    pub fn egress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        let mut more = false;
        let mut due = inner.deadline();
        let mut others = due <= now;
        // Where both have something to send, they go first in turn: there may be room for one only.
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

    #[inline]
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

    /// Sends what connections have to send, and queues what other protocols have.
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
