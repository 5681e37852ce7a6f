//! When the devices are checked: while they have requests, for a while afterwards, and seldom while
//! they rest (`attached::watch` says what a check does).

use vmos_drivers::interrupt::Interrupt;
use vmos_drivers::watched::Watched as _;

use super::{Drivers, Network, Shared};
use crate::devices::attached::TICK;
use crate::time::{self, NEVER};

/// Whether the devices are watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Watching {
    /// The devices are not watched: there was no activity since all of them were found idle.
    No,
    /// The devices are watched: there was activity since, or a device has requests in flight.
    Yes,
    /// The devices were found idle in this turn.
    Ended,
}

impl Drivers {
    /// Checks the devices if that is due, and has a failed one restarted in this turn. Returns a masked
    /// interrupt that has to be enabled again.
    pub(super) fn check(&mut self, now: u64) -> Option<Interrupt> {
        if self.recovery <= now {
            self.call_all();
        }
        if now < self.next_look {
            self.set_watch(self.next_look);
            return None;
        }
        let step = now.saturating_sub(self.looked).min(2 * TICK);
        let rests = self.watching == Watching::No;
        let mut next = NEVER;
        if let Some(Network {
            nic,
            attached,
            stack,
            ..
        }) = &mut self.network
        {
            next = attached.look(nic, step, rests);
            attached.has_work |= nic.failure().is_some();
            stack.link(nic.link_up());
        }
        for Shared { driver, attached } in Self::disks(&mut self.disks) {
            next = next.min(attached.look(&mut *driver.borrow(), step, rests));
        }
        if let Some(Shared { driver, attached }) = Self::entropy(&mut self.entropy) {
            next = next.min(attached.look(&mut *driver.borrow(), step, rests));
        }
        next = next.min(self.interfaces.look(step, rests));
        next = next.min(self.further.look(step, rests));
        // Found work is served in this turn.
        self.has_work = true;
        self.looked = now;
        self.watching = Watching::Yes;
        self.rest.note_look(now, next, rests);
        if next == NEVER {
            self.watch_no_longer(Watching::Ended);
            let network = self.network.as_ref().map(|network| network.stack.due());
            if network.is_some() || self.interfaces.has_stack() || self.further.listen() {
                let due = network.unwrap_or(NEVER).min(self.interfaces.due());
                let due = time::task_deadline().min(due);
                next = self.rest.until_next_look(now, due);
            }
        }
        let (masked, due) = self.unmask(now);
        self.set_watch(now.saturating_add(next).min(due));
        masked
    }

    /// Schedules the next check of the devices, unless they were found idle in this turn and have no
    /// request since.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_watch(&mut self, now: u64) {
        let ended = self.watching == Watching::Ended;
        let mut next = NEVER;
        if let Some(Network { nic, attached, .. }) = &mut self.network {
            next = attached.first_look(nic, ended);
        }
        for Shared { driver, attached } in Self::disks(&mut self.disks) {
            next = next.min(attached.first_look(&mut *driver.borrow(), ended));
        }
        if let Some(Shared { driver, attached }) = Self::entropy(&mut self.entropy) {
            next = next.min(attached.first_look(&mut *driver.borrow(), ended));
        }
        next = next.min(self.interfaces.first_look(ended));
        next = next.min(self.further.first_look(ended));
        if next == NEVER {
            self.watch_no_longer(Watching::No);
        } else {
            (self.watching, self.looked) = (Watching::Yes, now);
            self.rest.end(now);
            self.set_watch(now.saturating_add(next));
        }
    }

    /// Polls each device that raises interrupts on a line, until one arrives: firmware says that the
    /// board file names another line for some.
    #[cold]
    pub(crate) fn doubt_lines(&mut self) {
        for index in 0..self.routes.len() {
            let source = self.routes[index].source;
            if let Some(attached) = self.attached(source) {
                attached.doubt_line();
            }
        }
    }

    /// Does not watch the devices until the loop serves all of them in its next turn.
    #[cold]
    pub(super) fn watch_no_longer(&mut self, watching: Watching) {
        self.watching = watching;
        self.calls.call();
    }

    /// Schedules the next check of the devices, and before it the restart of a failed one.
    #[cold]
    pub(super) fn set_watch(&mut self, at: u64) {
        self.next_look = at;
        time::set_watch(at.min(self.recovery));
    }

    /// Makes the loop serve all devices in this turn, in which a failed one is to be restarted.
    #[cold]
    fn call_all(&mut self) {
        self.calls.call();
        if let Some(network) = &mut self.network {
            network.attached.has_work = true;
        }
    }
}

#[cfg(test)]
mod tests;
