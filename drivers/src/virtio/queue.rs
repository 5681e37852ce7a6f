//! The split virtqueue (virtio 1.2, 2.7), driver side.
//!
//! The queue keeps a private record of every chain: who owns it, what the device may write, which
//! descriptors it is made of. Nothing is read back from shared memory but what the device is there
//! to write: `used.idx`, `used.flags`, `avail_event` and the used entries. Each of these is checked
//! against the record, and what does not fit breaks the queue: it then gives out nothing more until
//! the device has been reset and the queue [started over](Queue::restart).

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::sync::atomic::{Ordering, fence};

use super::features::Features;
use super::statistics::QueueStatistics;
use crate::address::PhysicalAddress;
use crate::dma::OutOfMemory;

mod ring;

pub use ring::QueueAddresses;
use ring::{Descriptor, INDIRECT, NEXT, Ring, Tables, WRITE};
pub(crate) use ring::{LEGACY_ALIGN, MAX_SIZE};

/// A chain of up to this many descriptors goes into the queue directly while that leaves half of it
/// free: a device looks up an indirect table at some cost, which is worth it only for longer ones, or
/// where descriptors run out.
const DIRECT: usize = 3;

/// A piece of memory in a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    address: u64,
    len: u32,
    writable: bool,
}

impl Segment {
    /// `len` bytes that the device reads.
    #[inline]
    #[must_use]
    pub const fn readable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: false,
        }
    }

    /// `len` bytes that the device writes.
    #[inline]
    #[must_use]
    pub const fn writable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: true,
        }
    }

    const fn descriptor(self, next: Option<u16>) -> Descriptor {
        let flags = if self.writable { WRITE } else { 0 };
        let (flags, next) = match next {
            Some(next) => (flags | NEXT, next),
            None => (flags, 0),
        };
        Descriptor {
            address: self.address,
            len: self.len,
            flags,
            next,
        }
    }
}

/// A chain that the device has given back. It is the caller's until [`Queue::free`] or
/// [`Queue::lend_again`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    /// The chain's first descriptor.
    pub head: u16,
    /// What the caller gave with the chain.
    pub owner: u16,
    /// How many bytes the device says it wrote, at most as many as the chain holds.
    pub len: u32,
    /// The device claimed to have written more than the chain holds.
    pub overlong: bool,
}

/// Why a queue is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A used entry named a descriptor that does not start a chain the device has.
    Id(u32),
    /// The used index ran ahead by more chains than the device has.
    Index {
        /// How far it ran.
        ahead: u16,
        /// How many chains the device has.
        lent: u16,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "the device gave back chain {id}, which it did not have"),
            Self::Index { ahead, lent } => {
                write!(
                    f,
                    "the device gave back {ahead} chains at once and had {lent}"
                )
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// What a descriptor is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In the free list.
    Free,
    /// The head of a chain that the device has.
    Lent,
    /// The head of a chain that was given back and not yet freed or lent again.
    Held,
    /// In a chain behind its head.
    Behind,
}

#[derive(Clone, Copy, Debug)]
struct Shadow {
    state: State,
    /// The next in the free list or in the chain.
    next: u16,
    /// Of a head: how many descriptors the chain takes from the table.
    count: u16,
    /// Of a head: what its owner gave.
    owner: u16,
    /// Of a head: how many bytes the device may write.
    writable: u32,
}

/// One virtqueue.
pub struct Queue {
    ring: Ring,
    tables: Option<Tables>,
    shadow: Vec<Shadow>,
    first_free: u16,
    free: u16,
    /// The available index, with what is not published yet.
    available: u16,
    /// The available index as the device sees it.
    published: u16,
    /// The used entry to look at next.
    taken: u16,
    /// The used index as read last.
    seen: u16,
    /// Chains that the device can see and has not given back.
    visible: u16,
    event_index: bool,
    broken: Option<Refusal>,
    statistics: QueueStatistics,
}

impl Queue {
    /// A queue of `size` entries, a power of two from 2 to 32768 (other sizes are rounded into that),
    /// for the features that were agreed. `table_entries` descriptors for indirect chains are set
    /// aside for each entry where that is not 0 and the device knows such chains.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
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
            visible: 0,
            event_index: features.contains(Features::EVENT_IDX),
            broken: None,
            statistics: QueueStatistics::default(),
        };
        queue.forget_chains();
        Ok(queue)
    }

    /// Starts over after a device reset: every chain is forgotten, the ring is empty.
    pub fn restart(&mut self) {
        self.ring.clear();
        self.forget_chains();
        self.statistics.resets = self.statistics.resets.wrapping_add(1);
    }

    fn forget_chains(&mut self) {
        let size = self.ring.size();
        self.shadow.clear();
        // Within the capacity reserved in `new`.
        self.shadow.extend((0..size).map(|index| Shadow {
            state: State::Free,
            next: (index + 1) % size,
            count: 0,
            owner: 0,
            writable: 0,
        }));
        (self.first_free, self.free) = (0, size);
        (self.available, self.published) = (0, 0);
        (self.taken, self.seen, self.visible) = (0, 0, 0);
        self.broken = None;
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u16 {
        self.ring.size()
    }

    /// Where the parts of the queue are.
    #[must_use]
    pub fn addresses(&self) -> QueueAddresses {
        self.ring.addresses()
    }

    /// Why the queue gives out nothing more, if it does not.
    #[inline]
    #[must_use]
    pub const fn broken(&self) -> Option<Refusal> {
        self.broken
    }

    /// What has happened so far.
    #[must_use]
    pub const fn statistics(&self) -> &QueueStatistics {
        &self.statistics
    }

    /// How many descriptors are free.
    #[inline]
    #[must_use]
    pub const fn free_descriptors(&self) -> u16 {
        self.free
    }

    /// How many chains the device can see and has not given back.
    #[inline]
    #[must_use]
    pub const fn in_flight(&self) -> u16 {
        self.visible
    }

    /// The descriptor that the next chain will start with, where one is free.
    #[inline]
    #[must_use]
    pub const fn next_head(&self) -> Option<u16> {
        if self.free == 0 {
            None
        } else {
            Some(self.first_free)
        }
    }

    /// Whether a chain of `segments` would be taken now.
    #[must_use]
    pub fn has_room(&self, segments: usize) -> bool {
        segments > 0 && (segments <= usize::from(self.free) || self.fits_table(segments))
    }

    fn fits_table(&self, segments: usize) -> bool {
        self.free > 0
            && self
                .tables
                .as_ref()
                .is_some_and(|tables| segments <= usize::from(tables.entries()))
    }

    /// Gives a chain of one segment to the device, to be seen from the next
    /// [`publish`](Self::publish) on. Returns its head, or `None` where no descriptor is free.
    #[inline]
    pub fn lend_one(&mut self, segment: Segment, owner: u16) -> Option<u16> {
        let head = self.next_head()?;
        self.ring.set_descriptor(head, segment.descriptor(None));
        let shadow = self.shadow.get_mut(usize::from(head))?;
        self.first_free = shadow.next;
        self.free -= 1;
        let writable = if segment.writable { segment.len } else { 0 };
        *shadow = Shadow {
            state: State::Lent,
            next: 0,
            count: 1,
            owner,
            writable,
        };
        self.push(head);
        Some(head)
    }

    /// Gives the chain of `segments` to the device, to be seen from the next
    /// [`publish`](Self::publish) on. What the device reads must come before what it writes
    /// (2.7.4.2). Returns its head, or `None` where there is no [room](Self::has_room).
    pub fn lend(&mut self, segments: &[Segment], owner: u16) -> Option<u16> {
        if segments.is_empty() {
            return None;
        }
        let (count, free) = (segments.len(), usize::from(self.free));
        let plenty = count <= DIRECT && count + usize::from(self.size() / 2) <= free;
        let head = if !plenty && self.fits_table(count) {
            self.lend_table(segments)?
        } else if count <= free {
            self.lend_direct(segments)?
        } else {
            return None;
        };
        let writable = segments
            .iter()
            .filter(|segment| segment.writable)
            .fold(0_u32, |sum, segment| sum.saturating_add(segment.len));
        let shadow = &mut self.shadow[usize::from(head)];
        (shadow.state, shadow.owner, shadow.writable) = (State::Lent, owner, writable);
        self.push(head);
        Some(head)
    }

    /// Takes a descriptor from the free list, of which there must be one.
    fn take_free(&mut self) -> u16 {
        let index = self.first_free;
        self.first_free = self.shadow[usize::from(index)].next;
        self.free -= 1;
        index
    }

    fn lend_direct(&mut self, segments: &[Segment]) -> Option<u16> {
        let head = self.next_head()?;
        for (position, segment) in segments.iter().enumerate() {
            let index = self.take_free();
            let more = position + 1 < segments.len();
            // The free list is the chain: its next entry is taken in the next round.
            self.ring
                .set_descriptor(index, segment.descriptor(more.then_some(self.first_free)));
            self.shadow[usize::from(index)].state = State::Behind;
        }
        self.shadow[usize::from(head)].count = segments.len() as u16;
        Some(head)
    }

    fn lend_table(&mut self, segments: &[Segment]) -> Option<u16> {
        let tables = self.tables.as_mut()?;
        let head = self.first_free;
        for (entry, segment) in (0_u16..).zip(segments) {
            let more = usize::from(entry) + 1 < segments.len();
            tables.set_descriptor(head, entry, segment.descriptor(more.then_some(entry + 1)));
        }
        let table = Descriptor {
            address: tables.address(head),
            len: (segments.len() * ring::DESCRIPTOR) as u32,
            flags: INDIRECT,
            next: 0,
        };
        self.ring.set_descriptor(head, table);
        self.take_free();
        self.shadow[usize::from(head)].count = 1;
        Some(head)
    }

    #[inline]
    fn push(&mut self, head: u16) {
        self.ring.set_available(self.available, head);
        self.available = self.available.wrapping_add(1);
        self.statistics.submitted += 1;
    }

    /// Makes everything lent since the last time visible to the device. Returns whether the device
    /// must be kicked (2.7.13).
    #[inline]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.available);
        if old == new || self.broken.is_some() {
            return false;
        }
        self.ring.set_available_index(new);
        self.published = new;
        self.visible += new.wrapping_sub(old);
        self.statistics.high_water = self.statistics.high_water.max(self.visible);
        // The device either sees the new index when it looks once more, or has asked for a kick
        // before we look here: the store above must not pass the load below (2.7.13.4.1).
        fence(Ordering::SeqCst);
        let kick = if self.event_index {
            must_notify(self.ring.available_event(), new, old)
        } else {
            self.ring.wants_kicks()
        };
        let counter = if kick {
            &mut self.statistics.kicks
        } else {
            &mut self.statistics.kicks_suppressed
        };
        *counter += 1;
        kick
    }

    /// Takes back one chain that the device is done with, if there is one.
    #[inline]
    pub fn take(&mut self) -> Option<Used> {
        if self.taken == self.seen && !self.look() {
            return None;
        }
        let (id, len) = self.ring.used_entry(self.taken);
        let Some(shadow) = self
            .shadow
            .get_mut(id as usize)
            .filter(|s| s.state == State::Lent)
        else {
            self.statistics.refused_ids += 1;
            self.refuse(Refusal::Id(id));
            return None;
        };
        shadow.state = State::Held;
        let overlong = len > shadow.writable;
        let used = Used {
            head: id as u16,
            owner: shadow.owner,
            len: len.min(shadow.writable),
            overlong,
        };
        self.taken = self.taken.wrapping_add(1);
        self.visible -= 1;
        self.statistics.completed += 1;
        if overlong {
            self.statistics.refused_lengths += 1;
        }
        Some(used)
    }

    /// Reads the used index; whether there is something new that can be believed.
    #[inline]
    fn look(&mut self) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let seen = self.ring.used_index();
        let ahead = seen.wrapping_sub(self.taken);
        if ahead > self.visible {
            self.statistics.refused_indices += 1;
            self.refuse(Refusal::Index {
                ahead,
                lent: self.visible,
            });
            return false;
        }
        self.seen = seen;
        ahead != 0
    }

    #[cold]
    fn refuse(&mut self, refusal: Refusal) {
        self.broken = Some(refusal);
        // Nothing more is taken on the quick path of `take`.
        self.seen = self.taken;
    }

    /// Puts the descriptors of a chain that was [taken](Self::take) back into the free list. Has no
    /// effect on anything else.
    #[inline]
    pub fn free(&mut self, head: u16) {
        let Some(shadow) = self
            .shadow
            .get_mut(usize::from(head))
            .filter(|shadow| shadow.state == State::Held)
        else {
            return;
        };
        shadow.state = State::Free;
        let count = mem::replace(&mut shadow.count, 0);
        if count == 1 {
            shadow.next = self.first_free;
        } else {
            self.free_behind(head, count);
        }
        self.first_free = head;
        self.free += count;
    }

    fn free_behind(&mut self, head: u16, count: u16) {
        let mut last = head;
        for _ in 1..count {
            last = self.shadow[usize::from(last)].next;
            self.shadow[usize::from(last)].state = State::Free;
        }
        self.shadow[usize::from(last)].next = self.first_free;
    }

    /// Lends a chain that was [taken](Self::take) as it is once more. Has no effect on anything
    /// else.
    #[inline]
    pub fn lend_again(&mut self, head: u16) {
        if let Some(shadow) = self
            .shadow
            .get_mut(usize::from(head))
            .filter(|shadow| shadow.state == State::Held)
        {
            shadow.state = State::Lent;
            self.push(head);
        }
    }

    /// Asks the device for no interrupts until the next [`arm`](Self::arm).
    #[inline]
    pub fn disarm(&mut self) {
        if self.event_index {
            // The one entry that the device will not write before the queue has gone round.
            self.ring.set_used_event(self.taken.wrapping_sub(1));
        } else {
            self.ring.set_interrupts(false);
        }
    }

    /// Asks for no interrupts while the queue is being drained. With the event index there is
    /// nothing to do: the device does not ask twice.
    #[inline]
    pub fn hold(&mut self) {
        if !self.event_index {
            self.ring.set_interrupts(false);
        }
    }

    /// Asks the device for an interrupt when it gives back one chain after `skip` others (without
    /// the event index: when it gives back the next). Returns whether it has already done so, in
    /// which case there may be no interrupt for it.
    #[inline]
    pub fn arm(&mut self, skip: u16) -> bool {
        if self.broken.is_some() {
            return false;
        }
        if self.event_index {
            self.ring.set_used_event(self.taken.wrapping_add(skip));
        } else {
            self.ring.set_interrupts(true);
        }
        // The device either sees what we ask for, or we see what it has done before
        // (2.7.7.2): the store above must not pass the load below.
        fence(Ordering::SeqCst);
        self.ring.used_index().wrapping_sub(self.taken) > skip
    }

    /// Gives the memory up for good: for a device that could not be reset and may still write.
    pub fn leak(&mut self) {
        self.ring.leak();
        if let Some(tables) = &mut self.tables {
            tables.leak();
        }
    }
}

/// Whether a side that has moved its index from `old` to `new` must notify the other, which asked
/// for that at `event` (2.7.7.2 and 2.7.13.4: the formula with wrapping 16-bit numbers).
#[inline]
#[must_use]
pub const fn must_notify(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

/// The size to use of a queue that may have `max` entries where `wanted` are enough: the largest
/// power of two that neither exceeds, or `None` below 2.
#[must_use]
pub fn fitting_size(max: u16, wanted: u16) -> Option<u16> {
    let limit = max.min(wanted.max(2)).min(MAX_SIZE);
    (limit >= 2).then(|| 1 << limit.ilog2())
}

#[cfg(test)]
mod tests;
