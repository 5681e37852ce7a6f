//! The network devices that the kernel's own stack does not use, for another stack.

use alloc::boxed::Box;
use alloc::vec::Vec;

use vmos_drivers::virtio::DeviceKind;
use vmos_drivers::virtio::net::Net as Nic;
use vmos_drivers::virtio::transport::Routing;

use super::Place;
use super::attached::{Attached, Shared};
use super::drivers::Source;
use crate::driver_cell::{Calls, DriverCell};
use crate::machine::Transport;
use crate::net::{Interface, Wanted};
use crate::time::NEVER;

/// The largest number of network devices that other stacks can use.
const MOST: usize = 4;

/// The devices, and the events that their stacks wait for.
#[derive(Default)]
pub(super) struct Interfaces(Vec<(Shared<Nic<Transport>>, &'static Wanted)>);

/// The handles that apps claim, in the order of the devices.
#[derive(Default)]
pub(crate) struct Handles(pub(crate) Vec<Interface>);

impl Interfaces {
    /// Whether another device can be used.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    /// Takes a device that the kernel's stack does not use; `None` if there is no space for another
    /// one.
    pub(super) fn take(
        &mut self,
        handles: &mut Handles,
        (kind, place): (DeviceKind, Place),
        nic: Nic<Transport>,
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
        let interface = Interface::new(shared.driver);
        self.0.push((shared, interface.wanted()));
        handles.0.push(interface);
        Some((routing, Source::Interface(self.0.len() - 1)))
    }

    /// Returns the devices.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Shared<Nic<Transport>>> {
        self.0.iter().map(|(shared, _)| shared)
    }

    pub(super) fn attached(&mut self, index: usize) -> Option<&mut Attached> {
        Some(&mut self.0.get_mut(index)?.0.attached)
    }

    /// See [`Services::answer_lines`](crate::event_loop::Services::answer_lines). Returns whether
    /// an interrupt may still be pending, and whether a device was found.
    #[inline]
    pub(super) fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> (bool, bool) {
        let mut found = false;
        for (device, _) in &mut self.0 {
            if let Some(number) = device.answer_line() {
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
        device.is_some_and(|(device, _)| device.take_interrupt(is_configuration))
    }

    /// Wakes the stacks whose devices may have frames or room.
    #[inline]
    pub(super) fn complete(&mut self) {
        for (device, wanted) in &mut self.0 {
            if device.attached.has_work {
                device.driver.call();
                device.attached.is_disarmed = true;
                wanted.wake();
            }
        }
    }

    /// Publishes what was queued. Returns whether there is more work, and when a failed device must
    /// be handled again.
    #[inline]
    pub(super) fn dispatch(&mut self, now: u64) -> (bool, u64) {
        let (mut more, mut recovery) = (false, NEVER);
        for (device, _) in &mut self.0 {
            let (arrived, retry) = device.dispatch(now);
            more |= arrived;
            recovery = recovery.min(retry);
        }
        (more, recovery)
    }

    /// Checks whether the devices respond. Returns when to check again.
    pub(super) fn look(&mut self, step: u64, rests: bool) -> u64 {
        let looks = self.0.iter_mut().map(|(Shared { driver, attached }, _)| {
            attached.look(&mut *driver.borrow(), step, rests)
        });
        looks.min().unwrap_or(NEVER)
    }

    /// Returns the time until the first check after a turn; see [`Attached::first_look`].
    pub(super) fn first_look(&self, found_idle: bool) -> u64 {
        let looks = self.0.iter().map(|(Shared { driver, attached }, _)| {
            attached.first_look(&mut *driver.borrow(), found_idle)
        });
        looks.min().unwrap_or(NEVER)
    }
}
