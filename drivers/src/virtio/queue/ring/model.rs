//! The memory of a virtqueue as loom sees it, and a device that uses it at the same time as the driver.
//!
//! Compiled with `--cfg vmos_loom` only. loom then tries every order in which the accesses of both
//! sides may take effect, including stores that the other side sees late. The fields that both sides
//! access are loom's atomics; each entry has a cell that reports a read which nothing orders after the
//! write.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU16, fence};

use super::{NO_INTERRUPT, NO_NOTIFY};
use crate::virtio::queue::{Queue, must_notify};

/// The shared memory of one queue.
pub(in crate::virtio::queue) struct Shared {
    available: NonNull<u16>,
    used: NonNull<u16>,
    size: u16,
    available_flags: AtomicU16,
    available_index: AtomicU16,
    used_event: AtomicU16,
    used_flags: AtomicU16,
    used_index: AtomicU16,
    available_event: AtomicU16,
    pub(super) available_entries: Vec<UnsafeCell<()>>,
    pub(super) used_entries: Vec<UnsafeCell<()>>,
}

impl Shared {
    pub(super) fn new(available: NonNull<u16>, used: NonNull<u16>, size: u16) -> Arc<Self> {
        let cells = || (0..size).map(|_| UnsafeCell::new(())).collect();
        Arc::new(Self {
            available,
            used,
            size,
            available_flags: AtomicU16::new(0),
            available_index: AtomicU16::new(0),
            used_event: AtomicU16::new(0),
            used_flags: AtomicU16::new(0),
            used_index: AtomicU16::new(0),
            available_event: AtomicU16::new(0),
            available_entries: cells(),
            used_entries: cells(),
        })
    }

    /// Returns the field at `place` of the ring's memory (virtio 1.2, 2.7.6 and 2.7.8).
    pub(super) fn field(&self, place: NonNull<u16>) -> &AtomicU16 {
        let behind = |part: NonNull<u16>| {
            let bytes = (place.as_ptr() as usize).wrapping_sub(part.as_ptr() as usize);
            bytes / 2
        };
        let entries = usize::from(self.size);
        match (behind(self.available), behind(self.used)) {
            (0, _) => &self.available_flags,
            (1, _) => &self.available_index,
            (_, 0) => &self.used_flags,
            (_, 1) => &self.used_index,
            (available, _) if available == 2 + entries => &self.used_event,
            (_, used) if used == 2 + 4 * entries => &self.available_event,
            _ => panic!("no field of a virtqueue is at {place:?}"),
        }
    }
}

/// The device's side of a queue, for the thread that is the device.
pub struct Device {
    shared: Arc<Shared>,
    event_index: bool,
    next: u16,
    done: u16,
}

impl Queue {
    /// Returns the device's side of this queue. The queue must outlive it.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            shared: Arc::clone(&self.ring.model),
            event_index: self.event_index,
            next: 0,
            done: 0,
        }
    }
}

impl Device {
    /// Takes the next chain that the driver has published, if there is one. Returns its head.
    pub fn take(&mut self) -> Option<u16> {
        let shared = &self.shared;
        if u16::from_le(shared.available_index.load(Ordering::Acquire)) == self.next {
            return None;
        }
        let at = usize::from(self.next % shared.size);
        shared.available_entries[at].with(|_| ());
        // SAFETY: the entry is within the ring's memory, which the queue owns.
        let entry = unsafe { shared.available.add(2 + at) };
        // SAFETY: as above; it is even.
        let head = unsafe { entry.read_volatile() };
        self.next = self.next.wrapping_add(1);
        Some(u16::from_le(head))
    }

    /// Asks for a notification of the next chain. Returns whether the driver has already published one.
    #[must_use]
    pub fn arm(&self) -> bool {
        if self.event_index {
            let event = &self.shared.available_event;
            event.store(self.next.to_le(), Ordering::Relaxed);
        } else {
            self.shared.used_flags.store(0, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
        u16::from_le(self.shared.available_index.load(Ordering::Relaxed)) != self.next
    }

    /// Asks for no notifications until [`arm`](Self::arm); with the event index there is nothing to do.
    pub fn hold(&self) {
        if !self.event_index {
            let flags = &self.shared.used_flags;
            flags.store(NO_NOTIFY.to_le(), Ordering::Relaxed);
        }
    }

    /// Gives a chain back. Returns whether the driver wants an interrupt.
    #[must_use]
    pub fn give_back(&mut self, head: u16, len: u32) -> bool {
        let shared = &self.shared;
        let at = usize::from(self.done % shared.size);
        shared.used_entries[at].with_mut(|_| ());
        // SAFETY: the entry is within the ring's memory, which the queue owns.
        let entry = unsafe { shared.used.cast::<u32>().add(1 + 2 * at) };
        // SAFETY: as above; it is aligned to 4 bytes.
        unsafe { entry.write_volatile(u32::from(head).to_le()) };
        // SAFETY: as above, the second half of the entry.
        unsafe { entry.add(1).write_volatile(len.to_le()) };
        let old = self.done;
        self.done = old.wrapping_add(1);
        shared
            .used_index
            .store(self.done.to_le(), Ordering::Release);
        fence(Ordering::SeqCst);
        if self.event_index {
            let event = u16::from_le(shared.used_event.load(Ordering::Relaxed));
            must_notify(event, self.done, old)
        } else {
            u16::from_le(shared.available_flags.load(Ordering::Relaxed)) & NO_INTERRUPT == 0
        }
    }
}
