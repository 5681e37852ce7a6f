//! The network devices that tasks can use: those beside the first one, for another stack than the
//! kernel's; with the feature `networks` all of them, also for the kernel's stack.

use alloc::boxed::Box;
use alloc::vec::Vec;

use vmos_drivers::virtio::DeviceKind;
use vmos_drivers::virtio::transport::Routing;
use vmos_drivers::watched::Watched as _;

use super::attached::{Attached, Shared};
use super::drivers::Source;
use super::{Nic, Place};
use crate::driver_cell::{Calls, DriverCell};
use crate::machine;
use crate::net::claim::{Card, Claim};
#[cfg(feature = "networks")]
use crate::net::{Stack, Wired};
use crate::time::NEVER;

/// The largest number of these network devices.
pub(super) const MOST: usize = if cfg!(feature = "networks") { 8 } else { 4 };

/// A device, and who uses it.
struct Served {
    shared: Shared<Nic>,
    claim: &'static Claim,
}

/// The devices.
#[derive(Default)]
pub(super) struct Interfaces(Vec<Served>);

/// The devices for apps to claim, in the order of their locations.
#[derive(Default)]
pub(crate) struct Handles {
    pub(crate) cards: Vec<Card>,
    #[cfg(feature = "networks")]
    pub(super) networks: super::named::Made,
}

impl Handles {
    /// Takes and sends up to `budget` frames of each device that the kernel's own stack uses.
    #[cfg(feature = "networks")]
    pub(super) fn serve(&self, budget: usize) {
        for card in &self.cards {
            if let Some(stack) = card.claim.stack()
                && let Some(mut nic) = card.driver.try_borrow_mut()
            {
                stack.serve_without_tasks(&mut Wired(&mut *nic), budget);
                nic.publish();
            }
        }
    }

    #[cfg(not(feature = "networks"))]
    pub(super) const fn serve(&self, _: usize) {}
}

impl Interfaces {
    /// Whether another device can be used.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    /// Takes a device that is not the first; `None` if there is no space for another one.
    pub(super) fn take(
        &mut self,
        handles: &mut Handles,
        (kind, place): (DeviceKind, Place),
        nic: Nic,
        calls: &'static Calls,
    ) -> Option<(Routing, Source)> {
        if !self.has_room() {
            return None;
        }
        let routing = nic.routing();
        let shared = Shared {
            driver: Box::leak(Box::new(DriverCell::new(nic, calls))),
            attached: Attached::new(kind, place),
        };
        let (driver, claim) = (shared.driver, &*Box::leak(Box::default()));
        self.0.push(Served { shared, claim });
        handles.cards.push(Card {
            driver,
            claim,
            place,
        });
        Some((routing, Source::Interface(self.0.len() - 1)))
    }

    /// Returns the devices.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Shared<Nic>> {
        self.0.iter().map(|served| &served.shared)
    }

    pub(super) fn attached(&mut self, index: usize) -> Option<&mut Attached> {
        Some(&mut self.0.get_mut(index)?.shared.attached)
    }

    /// See [`Services::answer_lines`](crate::event_loop::Services::answer_lines). Returns whether
    /// an interrupt may still be pending, and whether a device was found.
    #[inline]
    pub(super) fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> (bool, bool) {
        let mut found = false;
        for served in &mut self.0 {
            if let Some(number) = served.shared.answer_line() {
                found = true;
                if machine::ETHERNET.is_some() {
                    // The same line reports the state of the link.
                    served.report_link();
                }
                if !answered(number) {
                    return (false, found);
                }
            }
        }
        (true, found)
    }

    pub(super) fn take_interrupt(&mut self, index: usize, is_configuration: bool) -> bool {
        let Some(served) = self.0.get_mut(index) else {
            return false;
        };
        let has_news = served.shared.take_interrupt(is_configuration);
        served.report_link();
        has_news
    }

    /// Wakes the other stacks whose devices may have frames or room.
    #[inline]
    pub(super) fn complete(&mut self) {
        for Served { shared, claim } in &mut self.0 {
            if shared.attached.has_work {
                shared.driver.call();
                shared.attached.is_disarmed = true;
                if claim.is_taken() {
                    claim.wake();
                } else {
                    drop_frames(&mut shared.driver.borrow());
                }
            }
        }
    }

    /// Takes the received frames of the devices that the kernel's own stack uses, up to `budget` of
    /// each. Returns whether frames are left.
    #[cfg(feature = "networks")]
    pub(super) fn collect(&mut self, now: u64, budget: usize) -> bool {
        let mut more = false;
        for (shared, stack) in self.stacks() {
            stack.begin_turn(now);
            if shared.attached.has_work || stack.alarm() <= now {
                let mut nic = shared.driver.borrow();
                more |= stack.ingress(&mut Wired(&mut *nic), now, budget);
            }
        }
        more
    }

    /// Passes to the devices the frames that the kernel's own stack has for them, up to `budget` for
    /// each. Returns when to call this again; 0 if frames are left.
    #[cfg(feature = "networks")]
    pub(super) fn send(&mut self, now: u64, budget: usize) -> u64 {
        let mut due = NEVER;
        for (shared, stack) in self.stacks() {
            if shared.attached.has_work || stack.due() <= now {
                let mut nic = shared.driver.borrow();
                if stack.egress(&mut Wired(&mut *nic), now, budget) {
                    due = 0;
                }
                shared.driver.call();
            }
            due = due.min(stack.due());
        }
        due
    }

    /// Whether the kernel's own stack uses any of the devices.
    #[cfg(feature = "networks")]
    pub(super) fn has_stack(&self) -> bool {
        let mut all = self.0.iter();
        all.any(|served| served.claim.stack().is_some())
    }

    #[cfg(not(feature = "networks"))]
    #[inline]
    pub(super) const fn has_stack(&self) -> bool {
        false
    }

    /// Returns when the first stack has something to do.
    #[cfg(feature = "networks")]
    pub(super) fn due(&self) -> u64 {
        let stacks = self.0.iter().filter_map(|served| served.claim.stack());
        stacks.map(Stack::due).min().unwrap_or(NEVER)
    }

    /// Returns the devices that the kernel's own stack uses, with the stack of each.
    #[cfg(feature = "networks")]
    fn stacks(&mut self) -> impl Iterator<Item = (&mut Shared<Nic>, &'static Stack)> {
        let devices = self.0.iter_mut();
        devices.filter_map(|Served { shared, claim }| Some((shared, claim.stack()?)))
    }

    #[cfg(not(feature = "networks"))]
    #[inline]
    pub(super) const fn collect(&self, _: u64, _: usize) -> bool {
        false
    }

    #[cfg(not(feature = "networks"))]
    #[inline]
    pub(super) const fn send(&self, _: u64, _: usize) -> u64 {
        NEVER
    }

    #[cfg(not(feature = "networks"))]
    #[inline]
    pub(super) const fn due(&self) -> u64 {
        NEVER
    }

    /// Publishes what was queued. Returns whether there is more work, and when a failed device must
    /// be handled again.
    #[inline]
    pub(super) fn dispatch(&mut self, now: u64) -> (bool, u64) {
        let (mut more, mut recovery) = (false, NEVER);
        for Served { shared, .. } in &mut self.0 {
            let (arrived, retry) = shared.dispatch(now);
            more |= arrived;
            recovery = recovery.min(retry);
        }
        (more, recovery)
    }

    /// Checks whether the devices respond. Returns when to check again.
    pub(super) fn look(&mut self, step: u64, rests: bool) -> u64 {
        let looks = self.0.iter_mut().map(|served| {
            let Shared { driver, attached } = &mut served.shared;
            let next = attached.look(&mut *driver.borrow(), step, rests);
            served.report_link();
            next
        });
        looks.min().unwrap_or(NEVER)
    }

    /// Returns the time until the first check after a turn; see [`Attached::first_look`].
    pub(super) fn first_look(&self, found_idle: bool) -> u64 {
        let looks = self.shared().map(|Shared { driver, attached }| {
            attached.first_look(&mut *driver.borrow(), found_idle)
        });
        looks.min().unwrap_or(NEVER)
    }
}

impl Served {
    /// Tells the device's user the state of the link.
    fn report_link(&self) {
        #[cfg(feature = "networks")]
        if let Some(stack) = self.claim.stack() {
            stack.link(self.shared.driver.borrow().link_up());
        }
        self.claim.wake();
    }
}

/// Drops the frames of a device that nobody uses; with frames in its queue, the event loop would not
/// sleep.
#[cold]
fn drop_frames(nic: &mut Nic) {
    for _ in 0..nic.arrived() {
        if let Some(frame) = nic.receive() {
            nic.frames().give(frame);
        }
    }
}
