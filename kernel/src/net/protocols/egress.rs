//! What smoltcp has to send.

use smoltcp::iface::PollResult;

use super::clock::{instant, nanoseconds};
use super::tokens::{Outlet, Sender};
use super::{Protocols, TRANSMIT_RETRY};
use crate::net::device::Device;
use crate::net::statistics::{Counters, count};
use crate::time::NEVER;

/// How far one socket came with what it had to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Everything,
    OutOfBudget,
    DeviceFull,
}

impl Protocols {
    /// Sends at most about `budget` frames of what the sockets and protocols have to send. Returns
    /// whether the budget ended first.
    #[cold]
    #[inline(never)]
    pub(in crate::net) fn egress<D: Device>(
        &mut self,
        device: &mut D,
        now: u64,
        budget: usize,
        counters: &Counters,
    ) -> bool {
        self.retry = 0;
        self.sockets.expire(now);
        self.send_client(device, now, counters);
        let more = self.send_touched(device, now, budget, counters);
        self.keep_deadline();
        more
    }

    fn send_touched<D: Device>(
        &mut self,
        device: &mut D,
        now: u64,
        mut budget: usize,
        counters: &Counters,
    ) -> bool {
        loop {
            if !self.send_fragments(device, now, counters) {
                self.retry = now.saturating_add(TRANSMIT_RETRY);
                return false;
            }
            let Some(index) = self.sockets.take_touched() else {
                return false;
            };
            match self.send(index, device, now, &mut budget, counters) {
                Sent::Everything => {}
                Sent::OutOfBudget => {
                    self.sockets.touch(index);
                    return true;
                }
                Sent::DeviceFull => {
                    count(&counters.device_full);
                    self.sockets.touch(index);
                    self.retry = now.saturating_add(TRANSMIT_RETRY);
                    return false;
                }
            }
        }
    }

    /// Sends what is left of a datagram that is half sent. False where the device had no room: then
    /// nothing may be handed in that could be answered, since an answer could need the buffer that
    /// holds the rest.
    #[inline]
    pub(in crate::net) fn send_fragments<D: Device>(
        &mut self,
        device: &mut D,
        now: u64,
        counters: &Counters,
    ) -> bool {
        !self.fragmenting.get() || self.send_rest(device, now, counters)
    }

    #[cold]
    #[inline(never)]
    fn send_rest<D: Device>(&mut self, device: &mut D, now: u64, counters: &Counters) -> bool {
        let time = instant(now);
        let outlet = Outlet {
            counters,
            fragmenting: &self.fragmenting,
        };
        while self.fragmenting.replace(false) {
            let sent = counters.frames_sent.get();
            let mut sender = Sender::new(device, outlet);
            self.interface
                .poll_egress(time, &mut sender, &mut self.none);
            if counters.frames_sent.get() == sent {
                self.fragmenting.set(true);
                return false;
            }
        }
        // The interface forgets the datagram when asked for more of it.
        let mut sender = Sender::new(device, outlet);
        self.interface
            .poll_egress(time, &mut sender, &mut self.none);
        true
    }

    /// Has the DHCP client send what is due.
    #[cold]
    fn send_client<D: Device>(&mut self, device: &mut D, now: u64, counters: &Counters) {
        let Some(set) = self.configurator.due(now) else {
            return;
        };
        let outlet = Outlet {
            counters,
            fragmenting: &self.fragmenting,
        };
        let mut sender = Sender::new(device, outlet);
        self.interface.poll_egress(instant(now), &mut sender, set);
        if sender.was_refused() {
            count(&counters.device_full);
        }
        self.configure(now);
    }

    /// Sends what one socket has to send, and asks it when it will have more.
    #[cold]
    fn send<D: Device>(
        &mut self,
        index: usize,
        device: &mut D,
        now: u64,
        budget: &mut usize,
        counters: &Counters,
    ) -> Sent {
        let time = instant(now);
        let slot = self.sockets.slot(index);
        let due = core::mem::take(&mut slot.due);
        if due {
            slot.give_up(now, counters);
        }
        let mut many = false;
        let next = loop {
            let outlet = Outlet {
                counters,
                fragmenting: &self.fragmenting,
            };
            let mut sender = Sender::new(device, outlet);
            let result = self.interface.poll_egress(time, &mut sender, &mut slot.set);
            if sender.was_refused() {
                slot.due = due;
                return Sent::DeviceFull;
            }
            if self.fragmenting.get() {
                // The rest of it is sent first, and then this socket asked again.
                self.sockets.touch(index);
                return Sent::Everything;
            }
            let sent = result != PollResult::None;
            if sent {
                *budget = budget.saturating_sub(1);
                if *budget == 0 {
                    return Sent::OutOfBudget;
                }
                if many {
                    continue;
                }
            }
            let next = self.interface.poll_at(time, &slot.set).map(nanoseconds);
            let at_once = next.is_some_and(|next| next <= now);
            if !sent || !at_once {
                break next.filter(|_| !at_once).or(
                    // It wants to send, and cannot.
                    at_once.then_some(now.saturating_add(TRANSMIT_RETRY)),
                );
            }
            // Where one more follows at once there are often many: of those only the last is asked.
            many = true;
        };
        slot.observe(now);
        self.sockets.deadlines.set(index, next.unwrap_or(NEVER));
        Sent::Everything
    }
}
