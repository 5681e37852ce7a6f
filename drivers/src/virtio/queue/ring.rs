//! The memory of a split virtqueue (virtio 1.2, 2.7): the only part shared with the device.
//!
//! Every index is reduced to the ring's size before use, so that no value, from either side, leads
//! out of the memory. The fields that both sides access are atomics; the entries are volatile,
//! ordered by the index that publishes them.

#[cfg(vmos_loom)]
pub(super) mod model;

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

#[cfg(not(vmos_loom))]
use core::sync::atomic::AtomicU16;
#[cfg(vmos_loom)]
use loom::sync::atomic::AtomicU16;

use crate::address::PhysicalAddress;
use crate::dma::{Buffer, OutOfMemory};

/// The alignment of the used ring for a legacy device (2.7.2); a modern one requires less.
pub(crate) const LEGACY_ALIGN: usize = 4096;
/// The largest size of a split queue (2.7).
pub(crate) const MAX_SIZE: u16 = 1 << 15;

/// Bits of `flags` in a descriptor (2.7.5).
pub(super) const NEXT: u16 = 1;
pub(super) const WRITE: u16 = 2;
pub(super) const INDIRECT: u16 = 4;
/// Flag in the available ring: the driver wants no interrupts (2.7.7).
const NO_INTERRUPT: u16 = 1;
/// Flag in the used ring: the device wants no notifications (2.7.10).
const NO_NOTIFY: u16 = 1;

pub(super) const DESCRIPTOR: usize = 16;
const USED_ENTRY: usize = 8;

/// The addresses of a queue's three parts, for the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueAddresses {
    /// The address of the descriptor table.
    pub descriptors: PhysicalAddress,
    /// The address of the available ring, which the driver writes.
    pub available: PhysicalAddress,
    /// The address of the used ring, which the device writes.
    pub used: PhysicalAddress,
}

/// The content of one descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Descriptor {
    pub(super) address: u64,
    pub(super) len: u32,
    pub(super) flags: u16,
    pub(super) next: u16,
}

/// The descriptor table, the available ring and the used ring in one allocation, in the layout of
/// legacy devices.
pub(super) struct Ring {
    memory: Buffer,
    mask: u16,
    /// Pointers to the indices of the available and the used ring, each between the ring's flags and
    /// its entries.
    available_index: NonNull<u16>,
    used_index: NonNull<u16>,
    /// Pointers to the event fields after the entries.
    used_event: NonNull<u16>,
    available_event: NonNull<u16>,
    /// The fields that both sides access; loom checks the accesses.
    #[cfg(vmos_loom)]
    model: alloc::sync::Arc<model::Shared>,
}

// SAFETY: the pointers refer to memory that the ring owns.
unsafe impl Send for Ring {}

impl Ring {
    /// Allocates an empty ring of `size` entries, a power of two from 2 to [`MAX_SIZE`].
    pub(super) fn new(size: u16) -> Result<Self, OutOfMemory> {
        let entries = usize::from(size);
        let available = DESCRIPTOR * entries;
        let used = (available + 2 * (entries + 3)).next_multiple_of(LEGACY_ALIGN);
        let available_event = used + 4 + USED_ENTRY * entries;
        let memory = Buffer::aligned(available_event + 2, LEGACY_ALIGN)?;
        // SAFETY: each offset lies within the memory.
        let at = |offset: usize| unsafe { memory.as_ptr().add(offset) }.cast();
        Ok(Self {
            mask: size - 1,
            available_index: at(available + 2),
            used_index: at(used + 2),
            used_event: at(available + 4 + 2 * entries),
            available_event: at(available_event),
            #[cfg(vmos_loom)]
            model: model::Shared::new(at(available), at(used), size),
            memory,
        })
    }

    pub(super) const fn size(&self) -> u16 {
        self.mask + 1
    }

    pub(super) fn addresses(&self) -> QueueAddresses {
        let address =
            |part: NonNull<u16>| PhysicalAddress(part.as_ptr().expose_provenance() as u64);
        QueueAddresses {
            descriptors: self.memory.address(),
            available: address(flags(self.available_index)),
            used: address(flags(self.used_index)),
        }
    }

    /// Clears all memory. The device must have been reset.
    pub(super) fn clear(&mut self) {
        self.memory.fill(0);
    }

    /// Leaks the memory: it is never freed.
    pub(super) fn leak(&mut self) {
        self.memory.leak();
    }

    /// Returns a field that both sides access.
    #[cfg(vmos_loom)]
    fn field(&self, place: NonNull<u16>) -> &AtomicU16 {
        self.model.field(place)
    }

    /// Returns a field that both sides access.
    #[cfg(not(vmos_loom))]
    #[inline]
    fn field(&self, place: NonNull<u16>) -> &AtomicU16 {
        // SAFETY: the callers' addresses are within the ring's memory and even, and all accesses to
        // such a field are atomic.
        unsafe { AtomicU16::from_ptr(place.as_ptr()) }
    }

    #[inline]
    fn descriptor(&self, index: u16) -> *mut u64 {
        let offset = DESCRIPTOR * usize::from(index & self.mask);
        self.memory.as_ptr().as_ptr().wrapping_add(offset).cast()
    }

    #[inline]
    pub(super) fn set_descriptor(&mut self, index: u16, descriptor: Descriptor) {
        store(self.descriptor(index), descriptor);
    }

    /// Writes a descriptor of zero bytes, which devices reject.
    #[inline]
    pub(super) fn clear_descriptor(&mut self, index: u16) {
        // SAFETY: the masked index keeps the descriptor within the ring's memory; it is aligned.
        unsafe { self.descriptor(index).wrapping_add(1).write_volatile(0) };
    }

    #[inline]
    fn available_entry(&self, index: u16) -> *mut u16 {
        let entries = self.available_index.as_ptr().wrapping_add(1);
        entries.wrapping_add(usize::from(index & self.mask))
    }

    /// Puts `head` into the available ring. The device sees it once the index is stored.
    #[inline]
    pub(super) fn set_available(&mut self, index: u16, head: u16) {
        #[cfg(vmos_loom)]
        self.model.available_entries[usize::from(index & self.mask)].with_mut(|_| ());
        // SAFETY: the masked index keeps the entry within the ring's memory, and it is even.
        unsafe { self.available_entry(index).write_volatile(head.to_le()) };
    }

    /// Returns where the chain with the single descriptor `head` is lent as entry `index` of the
    /// available ring.
    ///
    /// The compiler cannot know that writes to the ring leave this structure as it is, so all pointers
    /// are computed before the first write.
    #[inline]
    pub(super) fn place(&mut self, head: u16, index: u16) -> Place<'_> {
        #[cfg(vmos_loom)]
        self.model.available_entries[usize::from(index & self.mask)].with_mut(|_| ());
        Place {
            head,
            descriptor: self.descriptor(head),
            entry: self.available_entry(index),
            _ring: PhantomData,
        }
    }

    /// Publishes all entries before `index` to the device.
    #[inline]
    pub(super) fn set_available_index(&mut self, index: u16) {
        self.field(self.available_index)
            .store(index.to_le(), Ordering::Release);
    }

    /// Enables or disables interrupts; only without the event index (2.7.7.1).
    #[inline]
    pub(super) fn set_interrupts(&mut self, wanted: bool) {
        let content = if wanted { 0 } else { NO_INTERRUPT };
        self.field(flags(self.available_index))
            .store(content.to_le(), Ordering::Relaxed);
    }

    /// Requests an interrupt when the used entry number `index` is written (2.7.7).
    #[inline]
    pub(super) fn set_used_event(&mut self, index: u16) {
        self.field(self.used_event)
            .store(index.to_le(), Ordering::Relaxed);
    }

    /// Returns the used index; the entries before it may be read.
    #[inline]
    pub(super) fn used_index(&self) -> u16 {
        u16::from_le(self.field(self.used_index).load(Ordering::Acquire))
    }

    /// Returns the id and the length that the device wrote into used entry `index`.
    #[inline]
    pub(super) fn used_entry(&self, index: u16) -> (u32, u32) {
        #[cfg(vmos_loom)]
        self.model.used_entries[usize::from(index & self.mask)].with(|_| ());
        let entries = self.used_index.as_ptr().wrapping_add(1).cast::<u32>();
        let entry = entries.wrapping_add(2 * usize::from(index & self.mask));
        // SAFETY: the masked index keeps the entry within the ring's memory; it is aligned to 4
        // bytes.
        let id = unsafe { entry.read_volatile() };
        // SAFETY: as above, the second half of the entry.
        let len = unsafe { entry.wrapping_add(1).read_volatile() };
        (u32::from_le(id), u32::from_le(len))
    }

    /// Returns whether the device wants notifications; only without the event index (2.7.10).
    #[inline]
    pub(super) fn wants_kicks(&self) -> bool {
        u16::from_le(self.field(flags(self.used_index)).load(Ordering::Relaxed)) & NO_NOTIFY == 0
    }

    /// Returns the available entry at which the device wants a notification (2.7.10).
    #[inline]
    pub(super) fn available_event(&self) -> u16 {
        u16::from_le(self.field(self.available_event).load(Ordering::Relaxed))
    }
}

/// Returns the flags of the ring with this index.
#[inline]
fn flags(index: NonNull<u16>) -> NonNull<u16> {
    // SAFETY: the flags precede the index, in the same allocation.
    unsafe { index.sub(1) }
}

/// A descriptor, and an entry of the available ring that will contain it.
pub(super) struct Place<'a> {
    head: u16,
    descriptor: *mut u64,
    entry: *mut u16,
    _ring: PhantomData<&'a mut Ring>,
}

impl Place<'_> {
    /// Writes the descriptor.
    #[inline]
    pub(super) fn set_descriptor(&mut self, descriptor: Descriptor) {
        store(self.descriptor, descriptor);
    }

    /// Changes only the address in the descriptor.
    #[inline]
    pub(super) fn set_address(&mut self, address: u64) {
        // SAFETY: it is an aligned descriptor in the ring's memory, which is borrowed.
        unsafe { self.descriptor.write_volatile(address.to_le()) };
    }

    /// Puts the descriptor into the available ring. The device sees it once the index is stored.
    #[inline]
    pub(super) fn lend(self) {
        // SAFETY: it is an even address in the ring's memory, which is borrowed.
        unsafe { self.entry.write_volatile(self.head.to_le()) };
    }
}

/// Preallocated indirect tables, one for each descriptor of a queue.
pub(super) struct Tables {
    memory: Buffer,
    entries: u16,
}

impl Tables {
    /// Allocates `count` tables of `entries` descriptors each.
    pub(super) fn new(count: u16, entries: u16) -> Result<Self, OutOfMemory> {
        let len = DESCRIPTOR * usize::from(count) * usize::from(entries);
        Ok(Self {
            memory: Buffer::new(len)?,
            entries,
        })
    }

    /// Leaks the memory: it is never freed.
    pub(super) fn leak(&mut self) {
        self.memory.leak();
    }

    pub(super) const fn entries(&self) -> u16 {
        self.entries
    }

    fn offset(&self, table: u16, entry: u16) -> usize {
        DESCRIPTOR * (usize::from(table) * usize::from(self.entries) + usize::from(entry))
    }

    pub(super) fn address(&self, table: u16) -> u64 {
        self.memory.address().0 + self.offset(table, 0) as u64
    }

    /// Writes one descriptor of a table; does nothing if there is no such descriptor.
    pub(super) fn set_descriptor(&mut self, table: u16, entry: u16, descriptor: Descriptor) {
        let offset = self.offset(table, entry);
        if entry < self.entries && offset + DESCRIPTOR <= self.memory.len() {
            store(
                self.memory.as_ptr().as_ptr().wrapping_add(offset).cast(),
                descriptor,
            );
        }
    }
}

/// Writes a descriptor in two halves. `place` must be in a ring or a table.
#[inline]
fn store(place: *mut u64, descriptor: Descriptor) {
    let Descriptor {
        address,
        len,
        flags,
        next,
    } = descriptor;
    let rest = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
    // SAFETY: the callers keep the descriptor within memory that the ring or the table owns; both
    // start on a cache line, so it is aligned.
    unsafe { place.write_volatile(address.to_le()) };
    // SAFETY: as above, the second half of the descriptor.
    unsafe { place.wrapping_add(1).write_volatile(rest.to_le()) };
}
