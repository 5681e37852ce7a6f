//! The machine of a thread: its slots, its interrupt lines, and the sleep until one is asserted.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::memory::as_device;
use super::simulated;
use super::slot::{Device, Slot};

/// The number of virtio-mmio slots.
pub const SLOTS: u32 = 16;
/// The interrupt line of the timer.
pub const TIMER: u32 = 0;
/// The interrupt line of the console.
pub const CONSOLE: u32 = 1;
/// The interrupt line of the first slot; slot n has this number plus n.
pub const FIRST_SLOT: u32 = 16;
/// The number of interrupt lines.
pub(super) const LINES: u32 = FIRST_SLOT + SLOTS;

/// The size of the console's input that was not read yet, in bytes.
const INPUT: usize = 1024;

/// What a machine is at one moment.
#[derive(Default)]
pub(super) struct Machine {
    slots: Vec<Rc<RefCell<Slot>>>,
    /// The enabled interrupt lines, one bit each.
    pub(super) enabled: u64,
    /// When the timer's line is asserted, in nanoseconds of [`now`].
    pub(super) deadline: Option<u64>,
    /// What was typed and not read yet.
    pub(super) input: VecDeque<u8>,
    has_input_ended: bool,
    /// Whether the console's line is asserted while it takes output, which is always.
    pub(super) notifies_when_writable: bool,
}

std::thread_local! {
    static MACHINE: RefCell<Machine> = RefCell::default();
}

/// Runs `act` with this thread's machine.
pub(super) fn with<R>(act: impl FnOnce(&mut Machine) -> R) -> R {
    MACHINE.with_borrow_mut(act)
}

/// Puts a device into the next slot, counted from the last one down, as QEMU does. Returns the number
/// of the slot; `None` if all are taken.
pub fn attach(device: impl Device + 'static) -> Option<u32> {
    with(|machine| {
        let slot = SLOTS.checked_sub(machine.slots.len() as u32 + 1)?;
        as_device(|| machine.slots.push(Rc::new(RefCell::new(Slot::new(device)))));
        Some(slot)
    })
}

/// Returns what is in a slot.
#[must_use]
pub fn slot(number: u32) -> Option<Rc<RefCell<Slot>>> {
    let from_the_end = SLOTS.checked_sub(number + 1)?;
    with(|machine| machine.slots.get(from_the_end as usize).cloned())
}

/// Returns the nanoseconds since the first call.
pub(super) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    if let Some(now) = simulated::now() {
        return now;
    }
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Lets the devices do what they can, and returns whether an interrupt line is asserted that is
/// enabled.
#[must_use]
pub fn is_pending() -> bool {
    simulated::turn();
    with(|machine| {
        machine.serve();
        machine.first_asserted().is_some()
    })
}

/// Sleeps until a device has something to do, a key was pressed, or the deadline of the timer has
/// come. Returns at once if an interrupt is pending.
pub fn wait() {
    with(|machine| {
        machine.serve();
        if machine.first_asserted().is_some() {
            return;
        }
        as_device(|| machine.sleep());
    });
}

impl Machine {
    /// Returns the number of the first enabled line that is asserted.
    pub(super) fn first_asserted(&self) -> Option<u32> {
        let is_due = self.deadline.is_some_and(|deadline| deadline <= now());
        let is_noticed = !self.input.is_empty() || self.notifies_when_writable;
        let slots = (FIRST_SLOT..LINES).rev().zip(&self.slots);
        [(TIMER, is_due), (CONSOLE, is_noticed)]
            .into_iter()
            .chain(slots.map(|(line, slot)| (line, slot.borrow().is_asserted())))
            .find(|&(line, is_asserted)| is_asserted && self.enabled & 1 << line != 0)
            .map(|(line, _)| line)
    }

    fn serve(&self) {
        for slot in &self.slots {
            slot.borrow_mut().serve();
        }
    }

    /// Waits for what becomes readable, and reads the console.
    fn sleep(&mut self) {
        let due = self.slots.iter().filter_map(|slot| slot.borrow().due());
        let next = due.chain(self.deadline).min();
        if simulated::sleep(next.unwrap_or(u64::MAX)) {
            return;
        }
        let slots: Vec<_> = self.slots.iter().map(|slot| slot.borrow()).collect();
        let input = std::io::stdin();
        let takes_input = !self.has_input_ended && self.enabled & 1 << CONSOLE != 0;
        let console = takes_input.then(|| (input.as_fd(), PollFlags::IN));
        let devices = slots.iter().filter_map(|slot| slot.awaited());
        let watched: Vec<_> = console.into_iter().chain(devices).collect();
        let mut watched: Vec<_> = watched
            .iter()
            .map(|(descriptor, flags)| PollFd::from_borrowed_fd(*descriptor, *flags))
            .collect();
        let rest = self.deadline.map(|deadline| {
            let rest = Duration::from_nanos(deadline.saturating_sub(now()));
            Timespec {
                tv_sec: rest.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: rest.subsec_nanos().into(),
            }
        });
        // A signal ends the sleep too; the loop looks again.
        let _ = poll(&mut watched, rest.as_ref());
        let is_typed = takes_input
            && watched
                .first()
                .is_some_and(|first| !first.revents().is_empty());
        drop(watched);
        drop(slots);
        if is_typed {
            // Not through the standard library's buffer: what that keeps, the sleep would not notice.
            let mut bytes = [0; INPUT];
            match rustix::io::read(input.as_fd(), &mut bytes) {
                Ok(0) => self.has_input_ended = true,
                Ok(count) => self.input.extend(&bytes[..count]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => self.has_input_ended = true,
            }
        }
    }
}
