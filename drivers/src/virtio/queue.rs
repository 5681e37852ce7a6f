//! The driver's side of the split virtqueue (virtio 1.2, 2.7).
//!
//! The queue keeps a private record of every chain: its owner, the bytes that the device may write,
//! and its descriptors. Only what the device has to write is read from shared memory: `used.idx`,
//! `used.flags`, `avail_event` and the used entries. Each value is checked against the record. A
//! wrong value breaks the queue: it then returns nothing more until the device has been reset and
//! the queue [restarted](Queue::restart).

use alloc::vec::Vec;
use core::mem;

use super::features::Features;
use super::pulse::Pulse;
use super::statistics::QueueStatistics;
use crate::dma::OutOfMemory;

mod chain;
mod frames;
mod lend;
mod notify;
mod returned;
mod ring;
mod triple;

use chain::{NOT_LENT, Shadow};
pub use chain::{Refusal, Segment, Used};
pub use notify::must_notify;
pub use ring::QueueAddresses;
#[cfg(vmos_loom)]
pub use ring::model::Device;
pub(crate) use ring::{LEGACY_ALIGN, MAX_SIZE};
use ring::{Ring, Tables};
pub(crate) use triple::Triple;

/// The driver's side of a virtqueue.
pub struct Queue {
    ring: Ring,
    tables: Option<Tables>,
    shadow: Vec<Shadow>,
    first_free: u16,
    free: u16,
    /// The number of chains lent since the last reset. The low 16 bits are the available index,
    /// including what is not published yet.
    available: u64,
    /// How many of them are published: the low 16 bits are the available index as the device sees it.
    published: u64,
    /// The index of the next used entry.
    taken: u16,
    /// The used index as last read.
    seen: u16,
    /// The value of `published` then: the device can have returned no later chain.
    looked: u64,
    event_index: bool,
    broken: Option<Refusal>,
    /// Chains that were published before the last reset or failure and are not in `published`.
    published_before: u64,
    /// Chains that the device had when it was reset.
    lost: u64,
    statistics: QueueStatistics,
}

impl Queue {
    /// Allocates a queue of `size` entries for the negotiated features. Sizes other than powers of
    /// two from 2 to 32768 are rounded. Unless `table_entries` is 0, each entry also gets a table
    /// of as many descriptors for indirect chains, if the device supports them.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if there is not enough memory.
    pub fn new(size: u16, features: Features, table_entries: u16) -> Result<Self, OutOfMemory> {
        let size = fitting_size(size, MAX_SIZE).unwrap_or(2);
        let mut shadow = Vec::new();
        shadow
            .try_reserve_exact(usize::from(size))
            .map_err(|_error| OutOfMemory {
                bytes: usize::from(size) * size_of::<Shadow>(),
            })?;
        let tables = match table_entries {
            0 => None,
            _ if !features.contains(Features::INDIRECT_DESC) => None,
            entries => Some(Tables::new(size, entries)?),
        };
        let mut queue = Self {
            ring: Ring::new(size)?,
            tables,
            shadow,
            first_free: 0,
            free: 0,
            available: 0,
            published: 0,
            taken: 0,
            seen: 0,
            looked: 0,
            event_index: features.contains(Features::EVENT_IDX),
            broken: None,
            published_before: 0,
            lost: 0,
            statistics: QueueStatistics::default(),
        };
        queue.forget_chains();
        Ok(queue)
    }

    /// Restarts the queue after a device reset: all chains are dropped, and the ring is empty. The
    /// frames stay until they are [given back](Self::give_back).
    pub fn restart(&mut self) {
        self.ring.clear();
        self.forget_chains();
        self.statistics.resets = self.statistics.resets.wrapping_add(1);
    }

    fn forget_chains(&mut self) {
        self.note_high_water();
        self.lost += u64::from(self.in_flight());
        self.published_before += self.published;
        let size = self.ring.size();
        // Within the capacity reserved in `new`.
        self.shadow.resize_with(size.into(), Shadow::default);
        let mut next = 0;
        for shadow in &mut self.shadow {
            next += 1;
            shadow.describe(next, 0, 0, 0, NOT_LENT);
        }
        if let Some(last) = self.shadow.last_mut() {
            last.next = 0;
        }
        (self.first_free, self.free) = (0, size);
        (self.available, self.published) = (0, 0);
        (self.taken, self.seen, self.looked) = (0, 0, 0);
        self.broken = None;
    }

    /// Returns the number of entries.
    #[must_use]
    pub const fn size(&self) -> u16 {
        self.ring.size()
    }

    /// Returns the addresses of the queue's parts.
    #[must_use]
    pub fn addresses(&self) -> QueueAddresses {
        self.ring.addresses()
    }

    /// Returns why the queue is broken; `None` if it works.
    #[inline]
    #[must_use]
    pub const fn broken(&self) -> Option<Refusal> {
        self.broken
    }

    /// Returns the counts so far.
    #[must_use]
    pub const fn statistics(&self) -> QueueStatistics {
        let submitted = self.published_before + self.published;
        let (noted, now) = (self.statistics.high_water, self.in_flight());
        QueueStatistics {
            high_water: if noted > now { noted } else { now },
            submitted,
            completed: submitted - self.lost - self.in_flight() as u64,
            ..self.statistics
        }
    }

    /// Returns the number of free descriptors.
    #[inline]
    #[must_use]
    pub const fn free_descriptors(&self) -> u16 {
        self.free
    }

    /// Returns the number of chains that were published and not returned by the device.
    #[inline]
    #[must_use]
    pub const fn in_flight(&self) -> u16 {
        (self.published as u16).wrapping_sub(self.taken)
    }

    /// Returns the progress: chains in flight, entries taken, and whether there are more.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse {
            in_flight: self.in_flight(),
            oldest: self.oldest(),
            answered: self.taken,
            taken: self.taken,
            has_news: self.has_used(),
            ..Pulse::default()
        }
    }

    /// Returns how many chains were lent before the oldest one that was not taken back. The search ends
    /// with the last lent chain, since there are usually few.
    fn oldest(&self) -> u32 {
        let numbers = self.shadow.iter().map(|shadow| shadow.lent_as);
        let count = (self.available as u16).wrapping_sub(self.taken);
        let lent = numbers
            .filter(|number| *number != NOT_LENT)
            .take(usize::from(count));
        lent.min().unwrap_or(self.available) as u32
    }

    /// Returns the number of used entries taken since the last reset, wrapping.
    #[must_use]
    pub const fn taken(&self) -> u16 {
        self.taken
    }

    /// Returns the first descriptor of the next chain; `None` if no descriptor is free.
    #[inline]
    #[must_use]
    pub const fn next_head(&self) -> Option<u16> {
        if self.free == 0 {
            None
        } else {
            Some(self.first_free)
        }
    }

    /// Puts the descriptors of a [taken](Self::take) chain back into the free list. Does nothing
    /// for any other chain. A device that follows a free descriptor, because the available ring was
    /// corrupted, finds no memory there.
    #[inline]
    pub fn free(&mut self, head: u16) {
        let Some(shadow) = self
            .shadow
            .get_mut(usize::from(head))
            .filter(|shadow| shadow.is_held())
        else {
            return;
        };
        let count = mem::replace(&mut shadow.count, 0);
        self.ring.clear_descriptor(head);
        let shadow = &mut self.shadow[usize::from(head)];
        if count == 1 {
            shadow.next = self.first_free;
        } else {
            self.free_behind(head, count);
        }
        self.first_free = head;
        self.free += count;
    }

    /// Takes one chain that [`look`](Self::look) has found, if one is left, and frees its
    /// descriptors. Returns its first descriptor.
    #[inline]
    pub fn reclaim(&mut self) -> Option<u16> {
        let used = self.take_seen()?;
        self.free(used.head);
        Some(used.head)
    }

    fn free_behind(&mut self, head: u16, count: u16) {
        let mut last = head;
        for _ in 1..count {
            last = self.shadow[usize::from(last)].next;
            self.ring.clear_descriptor(last);
        }
        self.shadow[usize::from(last)].next = self.first_free;
    }

    /// Lends a [taken](Self::take) chain again, unchanged. Does nothing for any other chain.
    #[inline]
    pub fn lend_again(&mut self, head: u16) {
        if let Some(shadow) = self
            .shadow
            .get_mut(usize::from(head))
            .filter(|shadow| shadow.is_held())
        {
            shadow.lent_as = self.available;
            self.push(head);
        }
    }

    /// Leaks the memory, also that of the frames: it is never freed. Needed for a device that could not
    /// be reset and may still write.
    pub fn leak(&mut self) {
        self.ring.leak();
        self.leak_frames();
        if let Some(tables) = &mut self.tables {
            tables.leak();
        }
    }
}

/// Returns the queue size to use: the largest power of two that exceeds neither `max` nor `wanted`;
/// `None` below 2.
#[must_use]
pub fn fitting_size(max: u16, wanted: u16) -> Option<u16> {
    let limit = max.min(wanted.max(2)).min(MAX_SIZE);
    (limit >= 2).then(|| 1 << limit.ilog2())
}

#[cfg(all(test, vmos_loom))]
mod simultaneous;
#[cfg(test)]
mod tests;
