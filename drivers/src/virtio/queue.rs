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
use crate::address::PhysicalAddress;
use crate::counts::report;
use crate::dma::OutOfMemory;

mod chain;
mod lend;
mod notify;
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

    /// Restarts the queue after a device reset: all chains are dropped, and the ring is empty.
    pub fn restart(&mut self) {
        self.ring.clear();
        self.forget_chains();
        self.statistics.resets = self.statistics.resets.wrapping_add(1);
    }

    fn forget_chains(&mut self) {
        self.lost += u64::from(self.in_flight());
        self.published_before += self.published;
        let size = self.ring.size();
        self.shadow.clear();
        // Within the capacity reserved in `new`.
        self.shadow.extend((0..size).map(|index| Shadow {
            next: (index + 1) % size,
            count: 0,
            owner: 0,
            writable: 0,
            lent_as: NOT_LENT,
        }));
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
        QueueStatistics {
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

    /// Returns how many chains [`look`](Self::look) has found that were not taken yet.
    #[inline]
    #[must_use]
    pub const fn found(&self) -> u16 {
        self.seen.wrapping_sub(self.taken)
    }

    /// Returns whether the device has returned a chain that was not taken yet, or violated the
    /// protocol.
    #[inline]
    #[must_use]
    pub fn has_used(&self) -> bool {
        self.ring.used_index() != self.taken
    }

    /// Takes one chain that the device has returned, if there is one.
    #[inline]
    pub fn take(&mut self) -> Option<Used> {
        if self.taken == self.seen && self.look() == 0 {
            return None;
        }
        self.take_next()
    }

    /// Like [`take`](Self::take), for a caller on the path of every request.
    #[inline(always)]
    pub fn take_now(&mut self) -> Option<Used> {
        if self.taken == self.seen && self.look() == 0 {
            return None;
        }
        self.take_next()
    }

    /// Takes one chain that [`look`](Self::look) has found, if one is left.
    #[inline(never)]
    pub fn take_seen(&mut self) -> Option<Used> {
        if self.taken == self.seen {
            return None;
        }
        self.take_next()
    }

    /// Takes the next of the chains that were found, of which there must be one.
    #[inline(always)]
    fn take_next(&mut self) -> Option<Used> {
        let (id, len) = self.ring.used_entry(self.taken);
        let Some(shadow) = self.shadow.get_mut(id as usize) else {
            return self.refuse_id(id);
        };
        if shadow.lent_as >= self.looked {
            return self.refuse_id(id);
        }
        shadow.lent_as = NOT_LENT;
        let used = used(id, len, shadow);
        self.pass(used);
        Some(used)
    }

    /// Takes one chain that [`look`](Self::look) has found, if one is left, and lends it again at once
    /// with the memory at `address`, which must have the same size. Only for queues whose chains all
    /// have a single descriptor. The length of an overlong one is 0.
    #[inline]
    pub fn exchange(&mut self, address: PhysicalAddress) -> Option<Used> {
        let mut used = self.next_single(None)?;
        if used.overlong {
            used.len = 0;
        }
        let number = self.available;
        self.ring.set_address(used.head, address.0);
        self.push_as(number, used.head);
        Some(used)
    }

    /// Like [`exchange`](Self::exchange), with `segment` as the new memory.
    #[inline(always)]
    pub fn replace(&mut self, segment: Segment) -> Option<Used> {
        let writable = if segment.writable { segment.len } else { 0 };
        let used = self.next_single(Some(writable))?;
        let number = self.available;
        self.ring
            .set_descriptor(used.head, segment.descriptor(None));
        self.push_as(number, used.head);
        Some(used)
    }

    /// Takes the next returned chain, which must have a single descriptor, and lends it again;
    /// `writable` replaces the number of bytes that the device may write.
    #[inline(always)]
    fn next_single(&mut self, writable: Option<u32>) -> Option<Used> {
        let (id, len) = self.next_entry()?;
        let Some(shadow) = self.shadow.get_mut(id as usize) else {
            return self.refuse_id(id);
        };
        if shadow.lent_as >= self.looked {
            return self.refuse_id(id);
        }
        debug_assert_eq!(shadow.count, 1, "the chain has one descriptor");
        let used = used(id, len, shadow);
        shadow.lent_as = self.available;
        if let Some(writable) = writable {
            shadow.writable = writable;
        }
        self.pass(used);
        Some(used)
    }

    /// Returns the next used entry of those that were seen.
    #[inline]
    fn next_entry(&self) -> Option<(u32, u32)> {
        (self.taken != self.seen).then(|| self.ring.used_entry(self.taken))
    }

    /// Advances past a used entry.
    #[inline]
    fn pass(&mut self, used: Used) {
        self.taken = self.taken.wrapping_add(1);
        if used.overlong {
            self.count_overlong();
        }
    }

    #[cold]
    fn count_overlong(&mut self) {
        self.statistics.refused_lengths += 1;
        report(
            "used entries whose length exceeds their chain",
            u64::from(self.statistics.refused_lengths),
        );
    }

    #[cold]
    fn refuse_id<T>(&mut self, id: u32) -> Option<T> {
        self.statistics.refused_ids += 1;
        self.refuse(Refusal::Id(id));
        None
    }

    /// Reads the used index, unless chains are left that were found before. Returns how many
    /// returned chains were not taken yet; 0 if the index is invalid.
    #[inline]
    pub fn look(&mut self) -> u16 {
        if self.found() > 0 {
            return self.found();
        }
        let (taken, published) = (self.taken, self.published);
        let seen = self.ring.used_index();
        let ahead = seen.wrapping_sub(taken);
        // A broken queue has nothing in flight.
        if ahead > (published as u16).wrapping_sub(taken) {
            self.refuse_index(ahead);
            return 0;
        }
        self.seen = seen;
        self.looked = published;
        ahead
    }

    /// Breaks the queue, because the device returned a chain whose request has no result yet.
    #[cold]
    pub fn refuse_unfinished(&mut self, head: u16) {
        self.statistics.refused_ids += 1;
        self.refuse(Refusal::Unfinished(head));
    }

    #[cold]
    fn refuse_index(&mut self, ahead: u16) {
        if self.broken.is_some() {
            return;
        }
        self.statistics.refused_indices += 1;
        self.refuse(Refusal::Index {
            ahead,
            lent: self.in_flight(),
        });
    }

    #[cold]
    fn refuse(&mut self, refusal: Refusal) {
        self.broken = Some(refusal);
        // What was not taken is dropped.
        self.seen = self.taken;
        self.lost += u64::from(self.in_flight());
        let in_flight = u64::from(self.in_flight());
        self.published_before += in_flight;
        self.published -= in_flight;
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

    /// Leaks the memory: it is never freed. Needed for a device that could not be reset and may
    /// still write.
    pub fn leak(&mut self) {
        self.ring.leak();
        if let Some(tables) = &mut self.tables {
            tables.leak();
        }
    }
}

/// Returns what the device reports about the chain with the record `shadow`.
#[inline]
const fn used(id: u32, len: u32, shadow: &Shadow) -> Used {
    let mut used = Used {
        head: id as u16,
        owner: shadow.owner,
        len,
        overlong: false,
    };
    if len > shadow.writable {
        used.len = shadow.writable;
        used.overlong = true;
    }
    used
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
